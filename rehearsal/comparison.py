"""Comparison of deployed resources with their templates, field by field."""

from collections.abc import Iterator, Mapping
from typing import Any

from botocore.exceptions import ClientError

from rehearsal.command_line import RehearsalError
from rehearsal.deployed import Deployed

# Lists without order. An API may return them in another one.
SETS = ("securitygroups", "subnets", "resourcerecords", "roles", "managedpolicyarns")
# Lists in which an API returns more than the template has: defaults, and tags of CloudFormation.
PARTIAL = ("tags", "loadbalancerattributes", "targetgroupattributes")
# A security group also returns rules that are separate resources.
AMONG_OTHERS = ("securitygroupegress", "securitygroupingress")


def check_resources(deployed: Deployed) -> int:
    """Compare every resource of every template with the API's response, and return the number of resources."""
    problems: list[str] = []
    count = 0
    for stack, template in deployed.templates.items():
        for logical_id, resource in template["Resources"].items():
            count += 1
            subject = f"{stack} {logical_id} ({resource['Type']})"
            try:
                expected, actual = deployed.properties(stack, logical_id), deployed.description(stack, logical_id)
            except (ClientError, LookupError, TypeError, ValueError) as error:
                problems.append(f"{subject}: cannot be read: {error!r}")
                continue
            problems += [f"{subject}: {problem}" for problem in differences(expected, actual)]
    if problems:
        raise RehearsalError("resources differ from the templates:\n" + "\n".join(problems))
    return count


def differences(expected: Any, actual: Any, path: str = "", name: str = "") -> Iterator[str]:
    """Yield the differences of an API's response from a template. Properties that the template lacks are ignored."""
    if isinstance(expected, Mapping) and isinstance(actual, Mapping):
        lowercase = {key.lower(): value for key, value in actual.items()}
        for key, value in expected.items():
            # An API omits empty values.
            missing: Any = [] if isinstance(value, list) else {} if isinstance(value, Mapping) else None
            yield from differences(value, lowercase.get(key.lower(), missing), f"{path}.{key}", key.lower())
    elif isinstance(expected, list) and isinstance(actual, list):
        yield from _list_differences(expected, actual, path, name)
    elif _scalar(expected) != _scalar(actual):
        yield f"{path.lstrip('.')} is {actual!r}, the template has {expected!r}"


def _list_differences(expected: list[Any], actual: list[Any], path: str, name: str) -> Iterator[str]:
    if name in PARTIAL:
        known = {item["Key"]: item["Value"] for item in actual}
        yield from differences({item["Key"]: item["Value"] for item in expected}, known, path)
        return
    if name in AMONG_OTHERS:
        missing = [item for item in expected if not any(not list(differences(item, each)) for each in actual)]
        yield from (f"{path.lstrip('.')} is {actual!r}, the template has {item!r}" for item in missing)
        return
    if name in SETS:
        expected, actual = sorted(expected), sorted(actual)
    if len(expected) != len(actual):
        yield f"{path.lstrip('.')} is {actual!r}, the template has {expected!r}"
        return
    for index, (expected_item, actual_item) in enumerate(zip(expected, actual, strict=True)):
        yield from differences(expected_item, actual_item, f"{path}[{index}]")


def _scalar(value: Any) -> Any:
    """Return numbers and booleans as the text that CloudFormation also accepts."""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.15g}" if isinstance(value, int | float) else value
