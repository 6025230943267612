"""The load balancers of a run, and the health of their targets."""
