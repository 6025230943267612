"""What templates declare beside the mesh, as frozen values: task definitions, services, networks, roles."""
