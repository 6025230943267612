"""What templates declare beside the mesh, as frozen values: task definitions, services, load balancers, roles, networks.

`read_declarations` reads all of it. The values hold what the templates say, with the defaults of ECS; what can run on this
machine or be migrated is decided by those who use them.
"""

from color_mesh.ecs.declarations import Declarations, read_declarations

__all__ = ["Declarations", "read_declarations"]
