"""What was deployed: the templates that were sent, with their references resolved by what the APIs say."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from rehearsal.emulated_aws import ACCOUNT, REGION, EmulatedAws
from rehearsal.questions import ask

PSEUDO_PARAMETERS = {
    "AWS::AccountId": ACCOUNT,
    "AWS::Partition": "aws",
    "AWS::Region": REGION,
    "AWS::URLSuffix": "amazonaws.com",
}
STACKS = ("NetworkStack", "MeshStack", "EcsStack")
# ``Fn::GetAtt`` of these is called otherwise in what the API answers.
CALLED: Mapping[tuple[str, str], str] = {("AWS::ECS::Service", "Name"): "serviceName"}


@dataclass(frozen=True, kw_only=True)
class Deployed:
    """Define the stacks of a synthesized app as they are deployed."""

    aws: EmulatedAws
    app: Path
    _answers: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)

    @cached_property
    def templates(self) -> dict[str, dict[str, Any]]:
        """The templates that were sent."""
        return {stack: json.loads((self.app / f"{stack}.template.json").read_text()) for stack in STACKS}

    @cached_property
    def ids(self) -> dict[tuple[str, str], str]:
        """The resources' ids in AWS, by stack and logical id."""
        cloudformation = self.aws.client("cloudformation")
        return {
            (stack, resource["LogicalResourceId"]): resource["PhysicalResourceId"]
            for stack in STACKS
            for resource in cloudformation.describe_stack_resources(StackName=stack)["StackResources"]
        }

    @cached_property
    def exports(self) -> dict[str, str]:
        """What stacks export."""
        exports = self.aws.listed("cloudformation", "list_exports", "Exports")
        return {export["Name"]: export["Value"] for export in exports}

    def ids_of(self, type: str) -> set[str]:
        """The ids of all resources of a type."""
        return {
            self.ids[stack, logical_id]
            for stack, template in self.templates.items()
            for logical_id, resource in template["Resources"].items()
            if resource["Type"] == type
        }

    def properties(self, stack: str, logical_id: str) -> dict[str, Any]:
        """The properties of a resource, resolved."""
        resource = self.templates[stack]["Resources"][logical_id]
        resolved: dict[str, Any] = self.resolve(stack, resource.get("Properties", {}))
        return resolved

    def answer(self, stack: str, logical_id: str) -> dict[str, Any]:
        """What the API says of a resource, asked once."""
        if (stack, logical_id) not in self._answers:
            type = self.templates[stack]["Resources"][logical_id]["Type"]
            answer = ask(self.aws, type, self.ids[stack, logical_id], self.properties(stack, logical_id))
            self._answers[stack, logical_id] = answer
        return self._answers[stack, logical_id]

    def resolve(self, stack: str, value: Any) -> Any:
        """Resolve references, by what the APIs and not CloudFormation say."""
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
            return PSEUDO_PARAMETERS.get(argument) or self.ids[stack, argument]
        if function == "Fn::GetAtt":
            return self._attribute(stack, *argument)
        given = self.resolve(stack, argument)
        match function:
            case "Fn::Join":
                return given[0].join(given[1])
            case "Fn::Split":
                return given[1].split(given[0])
            case "Fn::Select":
                return given[1][int(given[0])]
            case "Fn::GetAZs":
                zones = self.aws.client("ec2").describe_availability_zones()["AvailabilityZones"]
                return [zone["ZoneName"] for zone in zones]
            case "Fn::ImportValue":
                return self.exports[given]
        raise NotImplementedError(f"{stack}: the rehearsal cannot resolve {function}")

    def _attribute(self, stack: str, logical_id: str, name: str) -> Any:
        type = self.templates[stack]["Resources"][logical_id]["Type"]
        wanted = CALLED.get((type, name), name).lower()
        found = {key.lower(): value for key, value in self.answer(stack, logical_id).items()}
        return found[wanted]
