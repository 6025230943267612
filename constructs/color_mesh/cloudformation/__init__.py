"""CloudFormation templates as they would be deployed: read, and their values worked out.

`load` reads a file, whatever is in it; `stack` finds the stacks of templates and cloud assemblies; `evaluate` works out
references and `functions`; `templates` gives the resources.
"""

from color_mesh.cloudformation.load import is_template, load
from color_mesh.cloudformation.stack import files_of
from color_mesh.cloudformation.templates import Attribute, Resource, Templates, read_templates

__all__ = ["Attribute", "Resource", "Templates", "files_of", "is_template", "load", "read_templates"]
