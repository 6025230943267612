"""Steps of the rehearsal with a canary deployment: its state machine runs against the emulator's APIs."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from rehearsal.command_line import Cdk, RehearsalError
from rehearsal.deployed import Deployed
from rehearsal.emulated_aws import emulated_aws
from rehearsal.inventory import check_nothing_left
from rehearsal.steps import deploy, step

BEFORE = {"stock": "9", "canary": "1"}
AFTER = {"stock": "0", "canary": "100"}
SECONDS = 60


@dataclass(frozen=True, kw_only=True)
class Canary:
    """The deployed state machine.

    Attributes:
        deployed: The stacks.
    """

    deployed: Deployed

    def start(self) -> str:
        """Start an execution, and return its ARN."""
        (machine,) = self.deployed.ids_of("AWS::StepFunctions::StateMachine")
        # Step Functions names executions by itself; moto does not.
        started = self._api("stepfunctions").start_execution(stateMachineArn=machine, name=str(uuid4()))
        arn: str = started["executionArn"]
        return arn

    def check_end(self, execution: str, error: str | None) -> None:
        """Wait for the end of an execution, and compare its error."""
        for _ in range(SECONDS * 10):
            result = self._api("stepfunctions").describe_execution(executionArn=execution)
            if result["status"] != "RUNNING":
                break
            time.sleep(0.1)
        ended, expected = (result["status"], result.get("error")), ("FAILED" if error else "SUCCEEDED", error)
        if ended != expected:
            raise RehearsalError(f"the execution ended with {ended}, expected {expected}: {result.get('cause')}")

    def check_weights(self, weights: Mapping[str, str]) -> None:
        """Compare the weights in Cloud Map."""
        if self.weights() != weights:
            raise RehearsalError(f"the weights are {self.weights()}, expected {weights}")

    def wait_for(self, weights: Mapping[str, str]) -> None:
        """Wait for weights that a step sets."""
        for _ in range(SECONDS * 20):
            if self.weights() == weights:
                return
            time.sleep(0.05)
        self.check_weights(weights)

    def weights(self) -> dict[str, str]:
        """Return the weights in Cloud Map."""
        instance: dict[str, Any] = self._api("servicediscovery").get_instance(**self._instance())["Instance"]
        attributes: dict[str, str] = instance["Attributes"]
        return attributes

    def reset(self) -> None:
        """Set the weights of the template."""
        self._api("servicediscovery").register_instance(**self._instance(), Attributes=BEFORE)

    def set_alarm(self, state: str) -> None:
        """Set the state of the alarm."""
        (name,) = self.deployed.ids_of("AWS::CloudWatch::Alarm")
        self._api("cloudwatch").set_alarm_state(AlarmName=name, StateValue=state, StateReason="rehearsal")

    def delete_alarm(self) -> None:
        """Delete the alarm, so that the next step cannot ask it."""
        (name,) = self.deployed.ids_of("AWS::CloudWatch::Alarm")
        self._api("cloudwatch").delete_alarms(AlarmNames=[name])

    def _instance(self) -> dict[str, str]:
        ((stack, name),) = (
            (stack, name)
            for stack, template in self.deployed.templates.items()
            for name, resource in template["Resources"].items()
            if resource["Type"] == "AWS::ServiceDiscovery::Instance" and BEFORE.keys() <= _attributes(resource)
        )
        properties = self.deployed.properties(stack, name)
        return {"ServiceId": properties["ServiceId"], "InstanceId": properties["InstanceId"]}

    def _api(self, service: str) -> Any:
        return self.deployed.aws.client(service)


def _attributes(resource: Mapping[str, Any]) -> set[str]:
    return set(resource["Properties"]["InstanceAttributes"])


def rehearse_canary(folder: Path) -> None:
    """Run the state machine to its end, into an alarm, twice at once, and into an error."""
    with emulated_aws(folder) as aws:
        cdk = Cdk(aws=aws)
        cdk.run(
            "synth", "--quiet", "--app", "python -m rehearsal.shop canary-deployment", "--output", str(folder / "app")
        )
        with step("cdk bootstrap"):
            cdk.bootstrap(folder / "app")
        with step("cdk deploy: a route with a canary deployment"):
            canary = Canary(deployed=deploy(cdk, folder / "app"))
        with step("start-execution: the weights are shifted in steps"):
            execution = canary.start()
            canary.wait_for({"stock": "90", "canary": "10"})
            canary.wait_for({"stock": "50", "canary": "50"})
            canary.check_end(execution, None)
            canary.check_weights(AFTER)
            canary.reset()
        with step("an alarm: the weights of before are restored"):
            execution = canary.start()
            canary.wait_for({"stock": "50", "canary": "50"})
            canary.set_alarm("ALARM")
            canary.check_end(execution, "AlarmInAlarm")
            canary.check_weights(BEFORE)
        with step("an alarm before the start: nothing changes"):
            canary.check_end(canary.start(), "AlarmBefore")
            canary.check_weights(BEFORE)
            canary.set_alarm("OK")
        with step("two at once: the second one is refused"):
            first, second = canary.start(), canary.start()
            # The weights meanwhile are those of a step of the first one.
            canary.check_end(second, "CanaryInProgress")
            canary.check_end(first, None)
            canary.check_weights(AFTER)
            canary.reset()
        with step("a step that fails: the weights of before are restored"):
            execution = canary.start()
            canary.wait_for({"stock": "50", "canary": "50"})
            canary.delete_alarm()
            canary.check_end(execution, "AlarmMissing")
            canary.check_weights(BEFORE)
        with step("cdk destroy: no resources remain"):
            cdk.destroy(folder / "app")
            check_nothing_left(aws)
