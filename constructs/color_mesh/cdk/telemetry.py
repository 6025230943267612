"""Telemetry in a task: permissions, variables of Envoy, and a collector if it is asked for."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from aws_cdk import Stack
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam

from color_mesh.cdk.task import acknowledge
from color_mesh.model import FargateContainer, Telemetry
from color_mesh.model.deployment import COLLECTOR_IMAGE
from color_mesh.model.task import MIN_MEMORY_MIB
from color_mesh.model.telemetry import OTLP_PORT

COLLECTOR = "aws-otel-collector"
# Port of the X-Ray daemon, to which App Mesh's Envoy sends its segments.
_XRAY_PORT = 2000
# Amazon CloudWatch User Guide, *OTLP Endpoints* and *Setting up bearer token authentication for Metrics*.
_OTLP_ACTIONS = ("xray:PutTraceSegments", "cloudwatch:PutMetricData")
# The API calls of the exporter `awsxray`.
_XRAY_ACTIONS = ("xray:PutTraceSegments", "xray:PutTelemetryRecords")


def collector_container() -> FargateContainer:
    """Return the container of the collector. It shares the memory that the other containers leave."""
    return FargateContainer(name=COLLECTOR, cpu=None, memory_mib=None)


def collector_containers(telemetry: Telemetry | None) -> tuple[FargateContainer, ...]:
    """Return the container of the collector, if there is one in each task."""
    return (collector_container(),) if telemetry is not None and telemetry.collector == "sidecar" else ()


def allow_otlp(task_definition: ecs.TaskDefinition) -> None:
    """Allow a task to send spans and metrics to the OTLP endpoints of AWS."""
    _allow(task_definition, _OTLP_ACTIONS)


def allow_xray(task_definition: ecs.TaskDefinition) -> None:
    """Allow a task to send segments to AWS X-Ray."""
    _allow(task_definition, _XRAY_ACTIONS)


def add_collector(
    task_definition: ecs.TaskDefinition, configuration: Mapping[str, Any], user: int | None, logging: ecs.LogDriver
) -> None:
    """Add the collector to a task. The task outlives it: requests do not depend on it.

    Args:
        task_definition: Task definition.
        configuration: Configuration of the collector.
        user: User id of the collector. ``None``: that of the image.
        logging: Log driver.
    """
    acknowledge(
        task_definition,
        "AwsSolutions::AwsSolutions-ECS2",
        "The collector takes its configuration from the variable AOT_CONFIG_CONTENT, and nothing in it is secret. "
        "Secrets of the application are in `secrets`, not in `environment`.",
    )
    task_definition.add_container(
        COLLECTOR,
        image=ecs.ContainerImage.from_registry(COLLECTOR_IMAGE),
        essential=False,
        environment={"AOT_CONFIG_CONTENT": json.dumps(configuration, separators=(",", ":"))},
        # Fargate requires no memory of a container, EC2 instances do.
        memory_reservation_mib=None if task_definition.is_fargate_compatible else MIN_MEMORY_MIB,
        readonly_root_filesystem=True,
        user=None if user is None else str(user),
        logging=logging,
    )


def otlp_collector(task_definition: ecs.TaskDefinition) -> Mapping[str, Any]:
    """Render a collector that passes OTLP of its task on to the OTLP endpoints of AWS."""
    stack = Stack.of(task_definition)
    services = {"traces": "xray", "metrics": "monitoring"}
    extensions = {
        f"sigv4auth/{signal}": {"region": stack.region, "service": service} for signal, service in services.items()
    }
    exporters = {
        f"otlphttp/{signal}": {
            f"{signal}_endpoint": f"https://{service}.{stack.region}.{stack.url_suffix}/v1/{signal}",
            "auth": {"authenticator": f"sigv4auth/{signal}"},
        }
        for signal, service in services.items()
    }
    return {
        "receivers": {"otlp": {"protocols": {"http": {"endpoint": f"127.0.0.1:{OTLP_PORT}"}}}},
        "processors": {"batch": {}},
        "extensions": extensions,
        "exporters": exporters,
        "service": {
            "extensions": list(extensions),
            "pipelines": {
                signal: {"receivers": ["otlp"], "processors": ["batch"], "exporters": [f"otlphttp/{signal}"]}
                for signal in services
            },
        },
    }


def xray_collector(task_definition: ecs.TaskDefinition) -> Mapping[str, Any]:
    """Render a collector in place of the X-Ray daemon, to which App Mesh's Envoy sends its segments."""
    return {
        "receivers": {"awsxray": {"endpoint": f"127.0.0.1:{_XRAY_PORT}", "transport": "udp"}},
        "processors": {"batch": {}},
        "exporters": {"awsxray": {"region": Stack.of(task_definition).region}},
        "service": {
            "pipelines": {"traces": {"receivers": ["awsxray"], "processors": ["batch"], "exporters": ["awsxray"]}}
        },
    }


def _allow(task_definition: ecs.TaskDefinition, actions: Sequence[str]) -> None:
    task_definition.add_to_task_role_policy(iam.PolicyStatement(actions=list(actions), resources=["*"]))
    acknowledge(
        task_definition.task_role,
        "AwsSolutions::AwsSolutions-IAM5[Resource::*]",
        "The actions that receive spans and metrics have no resource type, so AWS takes no resource but '*' (Service "
        "Authorization Reference, AWS X-Ray and Amazon CloudWatch).",
    )
