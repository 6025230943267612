"""Compare what was deployed with what the templates say, field for field."""

from collections.abc import Iterator, Mapping
from typing import Any

from botocore.exceptions import ClientError

from rehearsal.command_line import RehearsalError
from rehearsal.deployed import Deployed

# The order of these means nothing, and an API may change it.
SETS = ("securitygroups", "subnets", "resourcerecords", "roles", "managedpolicyarns")
# An API says more of these than a template: defaults, and CloudFormation's own tags.
PARTIAL = ("tags", "loadbalancerattributes", "targetgroupattributes")
# A security group has rules that are resources of their own, too.
AMONG_OTHERS = ("securitygroupegress", "securitygroupingress")


def check_resources(deployed: Deployed) -> int:
    """Check that every resource of every template is there as the template says; return how many there are."""
    problems: list[str] = []
    count = 0
    for stack, template in deployed.templates.items():
        for logical_id, resource in template["Resources"].items():
            count += 1
            subject = f"{stack} {logical_id} ({resource['Type']})"
            try:
                expected, actual = deployed.properties(stack, logical_id), deployed.answer(stack, logical_id)
            except (ClientError, LookupError, TypeError, ValueError) as error:
                problems.append(f"{subject}: cannot be asked for: {error!r}")
                continue
            problems += [f"{subject}: {problem}" for problem in differences(expected, actual)]
    if problems:
        raise RehearsalError("not as the templates say:\n" + "\n".join(problems))
    return count


def differences(expected: Any, actual: Any, path: str = "", name: str = "") -> Iterator[str]:
    """Tell where an API's answer is not what a template says; what a template does not say is not compared."""
    if isinstance(expected, Mapping) and isinstance(actual, Mapping):
        said = {key.lower(): value for key, value in actual.items()}
        for key, value in expected.items():
            # An API leaves out what is empty.
            missing: Any = [] if isinstance(value, list) else {} if isinstance(value, Mapping) else None
            yield from differences(value, said.get(key.lower(), missing), f"{path}.{key}", key.lower())
    elif isinstance(expected, list) and isinstance(actual, list):
        yield from _list_differences(expected, actual, path, name)
    elif _scalar(expected) != _scalar(actual):
        yield f"{path.lstrip('.')} is {actual!r}, the template says {expected!r}"


def _list_differences(expected: list[Any], actual: list[Any], path: str, name: str) -> Iterator[str]:
    if name in PARTIAL:
        known = {item["Key"]: item["Value"] for item in actual}
        yield from differences({item["Key"]: item["Value"] for item in expected}, known, path)
        return
    if name in AMONG_OTHERS:
        missing = [want for want in expected if not any(not list(differences(want, have)) for have in actual)]
        yield from (f"{path.lstrip('.')} is {actual!r}, the template says {want!r}" for want in missing)
        return
    if name in SETS:
        expected, actual = sorted(expected), sorted(actual)
    if len(expected) != len(actual):
        yield f"{path.lstrip('.')} is {actual!r}, the template says {expected!r}"
        return
    for index, (want, have) in enumerate(zip(expected, actual, strict=True)):
        yield from differences(want, have, f"{path}[{index}]")


def _scalar(value: Any) -> Any:
    """Make numbers and booleans the text that CloudFormation takes for them."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float) else value
