"""Deployed stacks: their templates, with references resolved by the APIs instead of by CloudFormation."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from rehearsal.descriptions import describe
from rehearsal.emulated_aws import ACCOUNT, REGION, EmulatedAws

PSEUDO_PARAMETERS = {
    "AWS::AccountId": ACCOUNT,
    "AWS::Partition": "aws",
    "AWS::Region": REGION,
    "AWS::URLSuffix": "amazonaws.com",
}
# Attributes of ``Fn::GetAtt`` that have another name in the API's response.
RESPONSE_NAMES: Mapping[tuple[str, str], str] = {("AWS::ECS::Service", "Name"): "serviceName"}


@dataclass(frozen=True, kw_only=True)
class Deployed:
    """Stacks of a cloud assembly as they are deployed.

    Attributes:
        aws: The account.
        app: Folder of the cloud assembly.
    """

    aws: EmulatedAws
    app: Path
    _responses: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)

    @cached_property
    def templates(self) -> dict[str, dict[str, Any]]:
        """Templates by stack."""
        suffix = ".template.json"
        return {
            path.name.removesuffix(suffix): json.loads(path.read_text()) for path in sorted(self.app.glob(f"*{suffix}"))
        }

    @cached_property
    def ids(self) -> dict[tuple[str, str], str]:
        """Physical ids of the resources, by stack and logical id."""
        cloudformation = self.aws.client("cloudformation")
        return {
            (stack, resource["LogicalResourceId"]): resource["PhysicalResourceId"]
            for stack in self.templates
            for resource in cloudformation.describe_stack_resources(StackName=stack)["StackResources"]
        }

    @cached_property
    def exports(self) -> dict[str, str]:
        """Exports of all stacks."""
        exports = self.aws.listed("cloudformation", "list_exports", "Exports")
        return {export["Name"]: export["Value"] for export in exports}

    @cached_property
    def outputs(self) -> dict[tuple[str, str], str]:
        """Outputs of all stacks, by stack and logical id."""
        stacks = self.aws.client("cloudformation").describe_stacks()["Stacks"]
        return {
            (stack["StackName"], output["OutputKey"]): output["OutputValue"]
            for stack in stacks
            for output in stack.get("Outputs", [])
        }

    def ids_of(self, type: str) -> set[str]:
        """Return the physical ids of all resources of a type."""
        return {
            self.ids[stack, logical_id]
            for stack, template in self.templates.items()
            for logical_id, resource in template["Resources"].items()
            if resource["Type"] == type
        }

    def retained_ids(self) -> set[str]:
        """Return the physical ids of the resources that remain when their stack is deleted."""
        return {
            self.ids[stack, logical_id]
            for stack, template in self.templates.items()
            for logical_id, resource in template["Resources"].items()
            if resource.get("DeletionPolicy") == "Retain"
        }

    def properties(self, stack: str, logical_id: str) -> dict[str, Any]:
        """Return the properties of a resource with their references resolved."""
        resource = self.templates[stack]["Resources"][logical_id]
        resolved: dict[str, Any] = self.resolve(stack, resource.get("Properties", {}))
        return resolved

    def description(self, stack: str, logical_id: str) -> dict[str, Any]:
        """Return the API's description of a resource, requested once."""
        if (stack, logical_id) not in self._responses:
            type = self.templates[stack]["Resources"][logical_id]["Type"]
            response = describe(self.aws, type, self.ids[stack, logical_id], self.properties(stack, logical_id))
            self._responses[stack, logical_id] = response
        return self._responses[stack, logical_id]

    def resolve(self, stack: str, value: Any) -> Any:
        """Return a value with its references resolved."""
        if isinstance(value, list):
            return [self.resolve(stack, part) for part in value]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            ((function, argument),) = value.items()
            if function == "Ref" or function.startswith("Fn::"):
                return self._function(stack, function, argument)
        return {key: self.resolve(stack, part) for key, part in value.items()}

    def _function(self, stack: str, function: str, argument: Any) -> Any:
        if function == "Ref":
            pseudo_parameters = {**PSEUDO_PARAMETERS, "AWS::StackName": stack}
            return pseudo_parameters.get(argument) or self.ids[stack, argument]
        if function == "Fn::GetAtt":
            return self._attribute(stack, *argument)
        resolved = self.resolve(stack, argument)
        match function:
            case "Fn::Join":
                return resolved[0].join(resolved[1])
            case "Fn::Split":
                return resolved[1].split(resolved[0])
            case "Fn::Select":
                return resolved[1][int(resolved[0])]
            case "Fn::GetAZs":
                zones = self.aws.client("ec2").describe_availability_zones()["AvailabilityZones"]
                return [zone["ZoneName"] for zone in zones]
            case "Fn::ImportValue":
                return self.exports[resolved]
            case "Fn::GetStackOutput":
                return self.outputs[resolved["StackName"], resolved["OutputName"]]
        raise NotImplementedError(f"{stack}: the rehearsal cannot resolve {function}")

    def _attribute(self, stack: str, logical_id: str, name: str) -> Any:
        type = self.templates[stack]["Resources"][logical_id]["Type"]
        response_name = RESPONSE_NAMES.get((type, name), name).lower()
        attributes = {key.lower(): value for key, value in self.description(stack, logical_id).items()}
        return attributes[response_name]
