"""Protection of exports: CloudFormation refuses to change or delete an export that another stack imports."""

from typing import Any

from moto.cloudformation.exceptions import ValidationError
from moto.cloudformation.models import CloudFormationBackend

_create_stack = CloudFormationBackend.create_stack
_update_stack = CloudFormationBackend.update_stack
_delete_stack = CloudFormationBackend.delete_stack


def install() -> None:
    """Replace the functions of moto, which ignores exports that an update adds, and protects none."""
    CloudFormationBackend.create_stack = create_stack
    CloudFormationBackend.update_stack = update_stack
    CloudFormationBackend.delete_stack = delete_stack


def create_stack(self: Any, *arguments: Any, **named: Any) -> Any:
    """Create a stack; after an error none remains."""
    before = set(self.stacks)
    try:
        return _create_stack(self, *arguments, **named)
    except ValidationError:
        # moto would try to create the remaining resources at each request for the stack.
        for stack_id in self.stacks.keys() - before:
            del self.stacks[stack_id]
        raise


def update_stack(self: Any, name: str, template: str, *arguments: Any, **named: Any) -> Any:
    """Update a stack and its exports."""
    stack = self.get_stack(name)
    # moto has no previous value of a parameter that was not specified.
    parameters = stack.template_dict.get("Parameters", {})
    defaults = {name: parameter["Default"] for name, parameter in parameters.items() if "Default" in parameter}
    stack.parameters = {**defaults, **stack.parameters}
    before = {export.name: export.value for export in stack.exports}
    exported = stack.parse_template(template).get("Outputs", {}).values()
    exported_names = {output["Export"]["Name"] for output in exported if "Export" in output}
    for export in before.keys() - exported_names:
        _refuse_if_used(self, stack, export, "deleted")
    updated = _update_stack(self, name, template, *arguments, **named)
    for export in updated.exports:
        if before.get(export.name, export.value) != export.value:
            _refuse_if_used(self, stack, export.name, "updated")
        self.exports[export.name] = export
    for export in before.keys() - exported_names:
        del self.exports[export]
    return updated


def delete_stack(self: Any, name_or_stack_id: str) -> None:
    """Delete a stack, unless another one imports its exports."""
    for stack in [stack for stack in self.stacks.values() if name_or_stack_id in (stack.name, stack.stack_id)]:
        for export in stack.exports:
            _refuse_if_used(self, stack, export.name, "deleted")
        try:
            _delete_stack(self, stack.stack_id)
        except ValidationError:
            # moto has already removed the stack from its list.
            self.stacks[stack.stack_id] = stack
            stack.status = "DELETE_FAILED"
            raise
        # For the outputs of a deleted stack, moto would create its resources again.
        stack.output_map._output_json_map = {}


def _refuse_if_used(backend: Any, stack: Any, export: str, what: str) -> None:
    for other in backend.stacks.values():
        if other.name != stack.name and export in _imports(other.template_dict):
            raise ValidationError(message=f"Export {export} cannot be {what} as it is in use by {other.name}")


def _imports(value: Any) -> set[str]:
    names = {value["Fn::ImportValue"]} if isinstance(value, dict) and "Fn::ImportValue" in value else set()
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return names.union(*map(_imports, children))
