"""Migration of App Mesh templates to a CDK app that declares the same mesh on self-managed Envoy.

`workload_reader` reads the ECS services that implement the mesh. `conversion` converts the mesh, in passes that
`removals`, `domain`, `tls` and `discovery` define. `mesh_code`, `services_code` and `app_code` render the result as
Python, which `formatter` lays out and `code_check` validates. `report` renders the findings, which every step returns
with its result. The CDK is not loaded.
"""

from color_mesh.migration.conversion import ConvertedMesh, convert_mesh
from color_mesh.migration.findings import Finding
from color_mesh.migration.migration import Migration, migrate
from color_mesh.migration.output import write_files

__all__ = ["ConvertedMesh", "Finding", "Migration", "convert_mesh", "migrate", "write_files"]
