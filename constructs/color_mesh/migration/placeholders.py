"""What stands for the account and the region where nothing says in which a template is deployed."""

import re
from collections.abc import Iterator, Mapping

from color_mesh.migration.python import Code, text
from color_mesh.model.errors import problem, refuse

PLACEHOLDERS: Mapping[str, str] = {"AWS::AccountId": "$AWS-ACCOUNT-ID$", "AWS::Region": "$AWS-REGION$"}
_ATTRIBUTES = {"AWS::AccountId": "self.account", "AWS::Region": "self.region"}
_ECR = re.compile(r"([^.]+)\.dkr\.ecr\.([^.]+)\.amazonaws\.com(?:\.cn)?/([^:@]+)(?:[:@](.+))?")


def stack_text(of: str) -> Code:
    """Write text in which the stack's own account and region stand for those that are not known."""
    if not any(each in of for each in PLACEHOLDERS.values()):
        return text(of)
    for name, placeholder in PLACEHOLDERS.items():
        if of == placeholder:
            return _ATTRIBUTES[name]
    code = text(of.replace("{", "{{").replace("}", "}}"))
    for name, placeholder in PLACEHOLDERS.items():
        code = code.replace(placeholder, "{" + _ATTRIBUTES[name] + "}")
    return f"f{code}"


def own_repository(image: str) -> tuple[str, str] | None:
    """Find the repository and the tag of an image in the stack's own registry of Amazon ECR, if it is there."""
    found = _ECR.fullmatch(image)
    if found is None or {found[1], found[2]} != {*PLACEHOLDERS.values()}:
        return None
    return found[3], found[4] or "latest"


def named(text: str) -> str:
    """Name what is not known, for people to read."""
    for name, placeholder in PLACEHOLDERS.items():
        text = text.replace(placeholder, f"<{name}>")
    return text


def refuse_placeholders(files: Mapping[str, str]) -> None:
    """Refuse to write what only an account or a region makes true.

    Raises:
        MeshError: With each that has to be given.
    """
    refuse(_needed(files))


def _needed(files: Mapping[str, str]) -> Iterator[str]:
    for file, written in files.items():
        for line in written.splitlines():
            for name in (name for name, placeholder in PLACEHOLDERS.items() if placeholder in line):
                got = line.strip().replace(PLACEHOLDERS[name], f"<{name}>")
                yield problem(f"{file} takes {name}", "is known only at deployment", got, f"--set {name}=VALUE")
