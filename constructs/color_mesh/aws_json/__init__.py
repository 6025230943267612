"""Resources in the JSON of the AWS CLI and of Terraform, as resources of a CloudFormation template.

- `documents` finds the resources in a document, with `app_mesh`, `ecs`, `cloud_map` and `load_balancers`.
- `terraform` finds them in a state or a plan, with `terraform_app_mesh` and `terraform_types`.
- `conversion` puts them together: what they refer to by an id or an ARN becomes a reference.
"""

from color_mesh.aws_json.conversion import Conversion, convert
from color_mesh.aws_json.terraform import unread_terraform

__all__ = ["Conversion", "convert", "unread_terraform"]
