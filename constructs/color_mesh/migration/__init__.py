"""From anyone's App Mesh templates to a CDK app that declares the same mesh on self-managed Envoy.

`workloads` reads the tasks that implement the mesh; `carry` makes of a mesh the same one as the constructs declare it,
with `names`, `security`, `parts` and `discovery`; `mesh_code`, `services_code` and `app_code` write that as Python;
`report` says what is otherwise. Nothing here loads the CDK.
"""

from color_mesh.migration.carry import CarriedMesh, carry
from color_mesh.migration.findings import Finding
from color_mesh.migration.migration import Migration, migrate, write_files

__all__ = ["CarriedMesh", "Finding", "Migration", "carry", "migrate", "write_files"]
