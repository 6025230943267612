"""The run of a plan on this machine.

`up` starts it, and stays on the machine's network. `first_process` and its child, the `supervisor`, are in the
namespaces of the run. The supervisor starts the `runner`, which brings what runs in line with the plan. The packages
have the parts: `tasks` keeps the tasks of services running, `network` is the VPC, `dns` its resolver, `envoys` gives
Envoys their configuration, `load_balancers` checks targets, and `control` answers the commands.

A task that never becomes healthy: `tasks.running_task` has the conditions, `tasks.health_check` the health checks of
containers, `load_balancers.target_health` those of load balancers, `envoys.mesh_configuration` the configuration for
which an Envoy waits, and `color_mesh.local.plan.diagnosis` the reasons why it gets none.
"""
