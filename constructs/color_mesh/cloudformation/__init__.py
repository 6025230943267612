"""CloudFormation templates, with their values evaluated as at deployment.

- `load` parses a file of any content, with `yaml_loader` for YAML; `files` has those that a command reads.
- `stack` reads the stacks of templates and cloud assemblies.
- `evaluate` evaluates values, with the intrinsic functions of `references` and `functions`.
- `templates` has the resources, and `reading` reads them, with `merging` for several templates of one stack.
"""

from color_mesh.cloudformation.files import Files
from color_mesh.cloudformation.load import load
from color_mesh.cloudformation.reading import read_templates
from color_mesh.cloudformation.templates import Attribute, Resource, Templates
from color_mesh.cloudformation.values import hidden_parameters, set_option

__all__ = [
    "Attribute",
    "Files",
    "Resource",
    "Templates",
    "hidden_parameters",
    "load",
    "read_templates",
    "set_option",
]
