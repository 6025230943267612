"""Canary deployments: the weights of a route shifted in steps by AWS Step Functions, and back if an alarm says so."""

from collections.abc import Iterator, Mapping, Sequence
from math import ceil
from typing import Any

from aws_cdk import Aws, CfnOutput, Duration, RemovalPolicy, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_servicediscovery as servicediscovery
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from color_mesh.cdk.kinds import checked
from color_mesh.cdk.node import MeshNode
from color_mesh.cdk.router import MeshRouter
from color_mesh.cdk.task import acknowledge
from color_mesh.model import Route
from color_mesh.model.errors import problem, refuse
from color_mesh.model.weights import weight_attribute, weights_instance

_CHECK_SECONDS = 60
_CALL_TIMEOUT_SECONDS = 30
_MAX_ALARMS = 100  # Amazon CloudWatch API Reference, DescribeAlarms.
# Standard workflows end after a year, and after 25,000 events (AWS Step Functions quotas). A check has 20 events.
_MAX_CHECKS = 1000
_MISSING = "CloudWatch does not have all alarms of the canary deployment."


class CanaryDeployment(Construct):
    """State machine that shifts the requests of a route from one node to another in steps.

    It reads the weights of the route in Cloud Map, changes them step by step, and asks the alarms once a minute. When
    one of them is in alarm, or a call fails, it restores the weights that it has read. An execution fails at once while
    another one is running, and while an alarm is in alarm or does not exist. Stopping an execution leaves the weights
    as they are.

    Afterwards the weights differ from those of the templates, and stay until the templates have others. Open
    connections of a tcp route stay at their node, whatever its weight becomes.

    Attributes:
        state_machine: The state machine. Its executions need no input.
        start_command: Command that starts an execution.
    """

    @checked()
    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        router: MeshRouter,
        stable: MeshNode,
        canary: MeshNode,
        alarms: Sequence[cloudwatch.IAlarm],
        route: str | None = None,
        percentages: Sequence[int] = (5, 25, 50, 100),
        interval: Duration = Duration.minutes(5),  # noqa: B008  (a value)
    ) -> None:
        """Create the state machine, and an output with the command that starts it.

        Args:
            scope: Scope of the construct, in a stack that may refer to the alarms.
            id: Construct id.
            router: Router of the route, in a mesh with ``data_plane="envoy"``.
            stable: Node that requests leave.
            canary: Node that requests go to.
            alarms: Metric alarms that end the deployment, 1 to 100.
            route: Name of the route, whose targets are ``stable`` and ``canary``. Default: the only such route.
            percentages: Shares of the requests that the canary gets, in percent, each more than the one before.
                Default: 5, 25, 50 and 100.
            interval: Time from one step to the next, and from the last step to the end. Default: 5 minutes.

        Raises:
            MeshError: If an argument is not valid. The error lists all problems, and no construct is created.
        """
        subject = f"canary deployment {id!r}"
        nodes = (stable.name, canary.name)
        routes = _routes_between(router, nodes, route)
        problems = [*_check_steps(subject, percentages, interval), *_check_alarms(subject, alarms)]
        refuse([*problems, *_check_routes(subject, router, nodes, routes)])
        (shifted,) = routes
        attributes = {target.virtual_node: weight_attribute(shifted, target) for target in shifted.targets}
        super().__init__(scope, id)
        service = router.mesh_resources["WeightsService"]
        assert isinstance(service, servicediscovery.CfnService)
        instance = {"ServiceId": service.attr_id, "InstanceId": weights_instance(shifted.name)}
        steps = [
            {attributes[stable.name]: str(100 - share), attributes[canary.name]: str(share)} for share in percentages
        ]
        states = _states(instance, steps, interval, [alarm.alarm_name for alarm in alarms])
        log_group = logs.LogGroup(
            self, "LogGroup", retention=logs.RetentionDays.ONE_MONTH, removal_policy=RemovalPolicy.DESTROY
        )
        self.state_machine: sfn.StateMachine = sfn.StateMachine(
            self,
            "StateMachine",
            definition_body=sfn.DefinitionBody.from_string(Stack.of(self).to_json_string(states)),
            logs=sfn.LogOptions(destination=log_group, level=sfn.LogLevel.ALL),
        )
        self._allow(["servicediscovery:GetInstance", "servicediscovery:RegisterInstance"], [service.attr_arn])
        self._allow(["cloudwatch:DescribeAlarms"], [alarm.alarm_arn for alarm in alarms])
        # A policy of its own: the role's is created before the state machine, which it would have to name.
        own = iam.PolicyStatement(actions=["states:ListExecutions"], resources=[self.state_machine.state_machine_arn])
        iam.Policy(self, "Executions", roles=[self.state_machine.role], statements=[own])
        command = f"aws stepfunctions start-execution --state-machine-arn {self.state_machine.state_machine_arn}"
        self.start_command: str = command
        CfnOutput(self, "Start", value=command, description=f"Starts the canary deployment of route {shifted.name}.")
        reason = "log delivery has no permissions for single log groups (Step Functions, Logging in CloudWatch Logs)"
        acknowledge(self.state_machine.role, "AwsSolutions::AwsSolutions-IAM5[Resource::*]", reason)
        reason = "the log has every state; traces need permissions for all resources"
        acknowledge(self.state_machine, "AwsSolutions::AwsSolutions-SF2", reason)

    def _allow(self, actions: Sequence[str], arns: Sequence[str]) -> None:
        self.state_machine.add_to_role_policy(iam.PolicyStatement(actions=list(actions), resources=list(arns)))

    def start_after_deployments(self, scope: Construct, id: str, service: ecs.IService) -> events.Rule:
        """Start an execution whenever a deployment of an ECS service completes.

        Args:
            scope: Scope of the rule, in the stack of the service.
            id: Construct id of the rule.
            service: Service of the node that requests go to.

        Returns:
            The rule.
        """
        # Amazon ECS Developer Guide, Amazon ECS service deployment state change events.
        pattern = events.EventPattern(
            source=["aws.ecs"],
            detail_type=["ECS Deployment State Change"],
            resources=[service.service_arn],
            detail={"eventName": ["SERVICE_DEPLOYMENT_COMPLETED"]},
        )
        return events.Rule(scope, id, event_pattern=pattern, targets=[targets.SfnStateMachine(self.state_machine)])


def _states(
    instance: Mapping[str, str], steps: Sequence[Mapping[str, str]], interval: Duration, alarms: Sequence[str]
) -> dict[str, Any]:
    """Return the definition of the state machine, in the Amazon States Language."""
    checks = ceil(interval.to_seconds() / _CHECK_SECONDS)
    # Setting the same weights again at each check costs a call, and saves a loop in the loop.
    each_check = [{"weights": step} for step in steps for _ in range(checks)]
    missing = {"Not": {"Variable": "$.alarms.count", "NumericEquals": len(alarms)}}
    in_alarm = {"Variable": "$.alarms.inAlarm", "BooleanEquals": True}
    return {
        "StartAt": "Running",
        "States": {
            "Running": _call(
                "sfn:listExecutions",
                {"StateMachineArn.$": "$$.StateMachine.Id", "StatusFilter": "RUNNING"},
                "$.running",
                "Alone?",
            ),
            # The list is eventually consistent, and may not have this execution yet.
            "Alone?": {
                "Type": "Choice",
                "Choices": [{"Variable": "$.running.Executions[0]", "IsPresent": True, "Next": "Oldest"}],
                "Default": "AlarmsBefore",
            },
            # The latest execution is the first in the list. If two start at the same time, the oldest goes on.
            "Oldest": {
                "Type": "Pass",
                "Parameters": {
                    "own.$": "$$.Execution.Id",
                    "execution.$": "States.ArrayGetItem($.running.Executions, "
                    "States.MathAdd(States.ArrayLength($.running.Executions), -1))",
                },
                "ResultPath": "$.oldest",
                "Next": "Oldest?",
            },
            "Oldest?": {
                "Type": "Choice",
                "Choices": [
                    {
                        "Variable": "$.oldest.execution.ExecutionArn",
                        "StringEqualsPath": "$.oldest.own",
                        "Next": "AlarmsBefore",
                    }
                ],
                "Default": "InProgress",
            },
            "InProgress": _fail("CanaryInProgress", "Another execution of this state machine is running."),
            "AlarmsBefore": _describe_alarms(alarms, "AlarmsBefore?"),
            "AlarmsBefore?": {
                "Type": "Choice",
                "Choices": [
                    {**missing, "Next": "AlarmMissing"},
                    {**in_alarm, "Next": "AlarmBefore"},
                ],
                "Default": "ReadWeights",
            },
            "AlarmMissing": _fail("AlarmMissing", _MISSING),
            "AlarmBefore": _fail("AlarmBefore", "An alarm is in alarm. The weights have not changed."),
            "ReadWeights": _call(
                "servicediscovery:getInstance",
                instance,
                "$.before",
                "Plan",
                ResultSelector={"weights.$": "$.Instance.Attributes"},
            ),
            "Plan": {"Type": "Pass", "Result": each_check, "ResultPath": "$.plan", "Next": "Steps"},
            "Steps": {
                "Type": "Map",
                "MaxConcurrency": 1,
                "ItemsPath": "$.plan",
                "ItemProcessor": {
                    "StartAt": "Shift",
                    "States": {
                        "Shift": _register(instance, "$.weights", "Wait"),
                        "Wait": {"Type": "Wait", "Seconds": ceil(interval.to_seconds() / checks), "Next": "Alarms"},
                        "Alarms": _describe_alarms(alarms, "InAlarm?"),
                        "InAlarm?": {
                            "Type": "Choice",
                            "Choices": [{**missing, "Next": "Missing"}, {**in_alarm, "Next": "InAlarm"}],
                            "Default": "StepDone",
                        },
                        "Missing": _fail("AlarmMissing", _MISSING),
                        "InAlarm": _fail("AlarmInAlarm", "An alarm is in alarm. The weights are those of before."),
                        "StepDone": {"Type": "Succeed"},
                    },
                },
                "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "Restore"}],
                "Next": "Shifted",
            },
            "Shifted": {"Type": "Succeed"},
            "Restore": _register(instance, "$.before.weights", "RolledBack"),
            "RolledBack": {"Type": "Fail", "ErrorPath": "$.error.Error", "CausePath": "$.error.Cause"},
        },
    }


def _describe_alarms(alarms: Sequence[str], next_state: str) -> dict[str, Any]:
    """Return the state that counts the alarms, and looks for those that are in alarm."""
    result = {
        "count.$": "States.ArrayLength($.MetricAlarms)",
        "inAlarm.$": "States.ArrayContains($.MetricAlarms[*].StateValue, 'ALARM')",
    }
    parameters = {"AlarmNames": alarms, "MaxRecords": _MAX_ALARMS}
    return _call("cloudwatch:describeAlarms", parameters, "$.alarms", next_state, ResultSelector=result)


def _register(instance: Mapping[str, str], weights_path: str, next_state: str) -> dict[str, Any]:
    """Return the state that sets the weights."""
    parameters = {**instance, "Attributes.$": weights_path}
    return _call("servicediscovery:registerInstance", parameters, "$.operation", next_state)


def _call(api: str, parameters: Mapping[str, Any], result_path: str, next_state: str, **fields: Any) -> dict[str, Any]:
    """Return the state that calls an API of AWS, and repeats the call a few times if it fails."""
    return {
        "Type": "Task",
        "Resource": f"arn:{Aws.PARTITION}:states:::aws-sdk:{api}",
        "Parameters": parameters,
        "TimeoutSeconds": _CALL_TIMEOUT_SECONDS,
        "Retry": [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 2, "MaxAttempts": 3, "BackoffRate": 2}],
        "ResultPath": result_path,
        "Next": next_state,
        **fields,
    }


def _fail(error: str, cause: str) -> dict[str, Any]:
    return {"Type": "Fail", "Error": error, "Cause": cause}


def _routes_between(router: MeshRouter, nodes: Sequence[str], name: str | None) -> list[Route]:
    """Return the routes of a router with these two targets and no others, or the one of them with a name."""
    return [
        route
        for route in router.mesh.declared.parts.routers[router.name].routes
        if sorted(target.virtual_node for target in route.targets) == sorted(nodes) and name in (None, route.name)
    ]


def _check_routes(subject: str, router: MeshRouter, nodes: Sequence[str], routes: Sequence[Route]) -> Iterator[str]:
    """Validate that there is one route between the nodes, and that its weights are in Cloud Map."""
    if len(routes) != 1:
        between = f"{nodes[0]!r} and {nodes[1]!r}"
        fix = f"one route of virtual router {router.name!r} with these two targets; 'route' names it"
        names = ", ".join(route.name for route in routes) or "none"
        yield problem(subject, f"needs a route between {between}", names, fix)
    elif "WeightsService" not in router.mesh_resources:
        fix = "a mesh with data_plane='envoy'"
        yield problem(subject, "weights of the route do not change without a deployment", routes[0].name, fix)


def _check_steps(subject: str, percentages: Sequence[int], interval: Duration) -> Iterator[str]:
    rising = list(percentages) == sorted(set(percentages))
    if not percentages or not rising or not all(1 <= share <= 100 for share in percentages):
        fix = "1 to 100, each more than the one before, such as (5, 25, 50, 100)"
        yield problem(subject, "percentages are not rising shares", tuple(percentages), fix)
    seconds = interval.to_seconds(integral=False)
    if seconds < 1:
        yield problem(subject, "interval is too short", f"{seconds} s", "at least 1 second")
    elif ceil(seconds / _CHECK_SECONDS) * len(percentages) > _MAX_CHECKS:
        duration = f"{len(percentages)} steps of {ceil(seconds / 60)} minutes"
        yield problem(subject, "takes too long", duration, f"at most {_MAX_CHECKS} minutes in all")


def _check_alarms(subject: str, alarms: Sequence[cloudwatch.IAlarm]) -> Iterator[str]:
    if not 1 <= len(alarms) <= _MAX_ALARMS:
        yield problem(subject, "has no alarms or too many", len(alarms), f"1 to {_MAX_ALARMS} metric alarms")
    for alarm in alarms:
        if isinstance(alarm, cloudwatch.CompositeAlarm):
            # Amazon CloudWatch API Reference, DescribeAlarms: needs permissions for all alarms of the account.
            yield problem(subject, "alarm is a composite alarm", alarm.node.path, "the metric alarms that it combines")
