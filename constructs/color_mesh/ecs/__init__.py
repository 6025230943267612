"""Resources that templates declare beside the mesh, as frozen values: task definitions, services, load balancers.

`read_declarations` reads all of them, with the defaults of AWS. Callers decide what can run on this machine, or can be
migrated. The Cloud Map services that virtual nodes name are part of the mesh too, and so `color_mesh.appmesh` reads
them into the model.
"""

from color_mesh.ecs.declarations import Declarations, read_declarations

__all__ = ["Declarations", "read_declarations"]
