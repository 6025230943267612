"""The client of a running mesh: requests over its control socket, its logs, and load."""
