"""The run of a plan on this machine.

`up` starts it, and stays on the machine's network. `supervisor` is the process in the namespaces of the run; it starts
the `runner`, which brings what runs in line with the plan. The packages have the parts: `tasks` keeps the tasks of
services running, `network` is the VPC, `dns` its resolver, `envoys` gives Envoys their configuration, and `control`
answers the commands.
"""
