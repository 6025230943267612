"""The ECS services, tasks and containers of a run, and the registry of tasks."""
