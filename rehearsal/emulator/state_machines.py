"""State machines that run, and the alarms that they ask: moto's CloudFormation lacks alarms.

moto passes the parameters of AWS SDK integrations on as they are written. Step Functions writes them with an upper-case
letter first, whatever the API does.
"""

import os
from typing import Any
from urllib.parse import urlsplit

from moto.core.config import default_user_config
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_aws_sdk import (
    StateTaskServiceAwsSdk,
)

from rehearsal.emulator.apis import Properties, call, client, known
from rehearsal.emulator.resource_types import Created, ResourceType


def _create_state_machine(properties: Properties) -> Created:
    parameters = {**properties, "Name": properties["StateMachineName"], "Definition": properties["DefinitionString"]}
    arn = call("stepfunctions", "CreateStateMachine", known("stepfunctions", "CreateStateMachine", parameters))
    return Created(id=arn["stateMachineArn"], attributes={"Arn": arn["stateMachineArn"]})


def _create_alarm(properties: Properties) -> Created:
    call("cloudwatch", "PutMetricAlarm", properties)
    name = properties["AlarmName"]
    (alarm,) = client("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"]
    return Created(id=name, attributes={"Arn": alarm["AlarmArn"]})


def install() -> None:
    """Let state machines run, against the port of the emulator."""
    os.environ["MOTO_PORT"] = str(urlsplit(os.environ["AWS_ENDPOINT_URL"]).port)
    default_user_config["stepfunctions"] = {"execute_state_machine": True}

    def operation(self: Any) -> Any:
        meta = client(self._get_boto_service_name()).meta
        return meta.service_model.operation_model(meta.method_to_api_mapping[self._get_boto_service_action()])

    def to_request(self: Any, parameters: Properties, **_: object) -> None:
        self._to_boto_request(parameters, operation(self).input_shape)

    def from_response(self: Any, response: object, **_: object) -> None:
        self._from_boto_response(response, operation(self).output_shape)

    StateTaskServiceAwsSdk._normalise_parameters = to_request
    StateTaskServiceAwsSdk._normalise_response = from_response


RESOURCE_TYPES = (
    ResourceType(
        name="AWS::StepFunctions::StateMachine",
        name_property="StateMachineName",
        create=_create_state_machine,
        delete=lambda arn, _: client("stepfunctions").delete_state_machine(stateMachineArn=arn),
    ),
    ResourceType(
        name="AWS::CloudWatch::Alarm",
        name_property="AlarmName",
        create=_create_alarm,
        delete=lambda name, _: client("cloudwatch").delete_alarms(AlarmNames=[name]),
    ),
)
