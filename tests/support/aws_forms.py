"""A mesh with its tasks as JSON of the AWS CLI and as Terraform has it, for tests that read both."""

import json
import re
from typing import Any

from color_mesh.appmesh import (
    gateway_route_spec,
    mesh_spec,
    route_spec,
    virtual_gateway_spec,
    virtual_node_spec,
    virtual_router_spec,
    virtual_service_spec,
)
from color_mesh.model import Mesh

Json = dict[str, Any]
ACCOUNT = "444455556666"
# Keys of lists in the API, each with the block that Terraform repeats.
_BLOCKS = {
    "backends": "backend",
    "headers": "header",
    "listeners": "listener",
    "queryParameters": "query_parameter",
    "weightedTargets": "weighted_target",
}


def create_inputs(mesh: Mesh) -> list[Json]:
    """Return the input of the commands that create each part of a mesh."""
    parts: list[tuple[str, Json, Json, Any]] = [("mesh", {}, mesh_spec(mesh), mesh)]
    parts += [("virtualNode", {"virtualNodeName": each.name}, virtual_node_spec(each), each) for each in mesh.nodes]
    parts += [
        ("virtualService", {"virtualServiceName": each.name}, virtual_service_spec(each), each)
        for each in mesh.services
    ]
    for router in mesh.routers:
        owner = {"virtualRouterName": router.name}
        parts.append(("virtualRouter", owner, virtual_router_spec(router), router))
        parts += [("route", {**owner, "routeName": each.name}, route_spec(each), each) for each in router.routes]
    for gateway in mesh.gateways:
        owner = {"virtualGatewayName": gateway.name}
        parts.append(("virtualGateway", owner, virtual_gateway_spec(gateway), gateway))
        parts += [
            ("gatewayRoute", {**owner, "gatewayRouteName": each.name}, gateway_route_spec(each), each)
            for each in gateway.routes
        ]
    return [
        {
            "meshName": mesh.name,
            **names,
            "spec": spec,
            **({"tags": [{"key": key, "value": value} for key, value in part.tags]} if part.tags else {}),
            **({"meshOwner": mesh.owner} if mesh.owner and kind != "mesh" else {}),
        }
        for kind, names, spec, part in parts
    ]


def kind_of(created: Json) -> str:
    """Return the kind of a part of a mesh, in the spelling of the API."""
    kinds = ("route", "gatewayRoute", "virtualNode", "virtualService", "virtualRouter", "virtualGateway", "mesh")
    return next(kind for kind in kinds if f"{kind}Name" in created)


def described(created: Json) -> Json:
    """Return the output of the command that describes a part of a mesh."""
    kind = kind_of(created)
    owner = created.get("meshOwner", ACCOUNT)
    declared = {key: value for key, value in created.items() if key not in ("meshOwner", "clientToken")}
    metadata = {
        "arn": f"arn:aws:appmesh:eu-west-1:{owner}:mesh/{created['meshName']}/{kind}/{created[f'{kind}Name']}",
        "createdAt": "2024-05-01T10:00:00.120000+02:00",
        "lastUpdatedAt": 1714550400.12,
        "meshOwner": owner,
        "resourceOwner": ACCOUNT,
        "uid": "0a1b2c3d-0000-4000-8000-00000000000a",
        "version": 3,
    }
    return {kind: {**declared, "metadata": metadata, "status": {"status": "ACTIVE"}}}


def recorded(created: Json) -> Json:
    """Return an answer of the API as programs record it, with its metadata and dates as objects."""
    answer = described(created)
    date = {"__class__": "datetime", "year": 2024, "month": 5, "day": 1, "hour": 10, "minute": 0, "second": 0}
    answer[kind_of(created)]["metadata"]["createdAt"] = date
    metadata = {"RequestId": "0a1b2c3d", "HTTPStatusCode": 200, "HTTPHeaders": {"date": "Wed"}, "RetryAttempts": 0}
    return {"status_code": 200, "data": {**answer, "ResponseMetadata": metadata}}


def terraform_values(created: Json) -> tuple[str, Json]:
    """Return the type and the attributes of a part of a mesh as Terraform has them."""
    kind = kind_of(created)
    values: Json = {
        "name": created[f"{kind}Name"],
        "id": "0a1b2c3d",
        "arn": f"arn:aws:appmesh:eu-west-1:{ACCOUNT}:mesh/{created['meshName']}",
        "created_date": "2024-05-01T08:00:00Z",
        "resource_owner": ACCOUNT,
        "mesh_owner": created.get("meshOwner", ACCOUNT),
        "spec": [_block(created["spec"])],
        "tags": {each["key"]: each["value"] for each in created.get("tags", [])} or None,
        "tags_all": {},
        **{_snake(key): value for key, value in created.items() if key.endswith("Name") and key != f"{kind}Name"},
    }
    return f"aws_appmesh_{_snake(kind)}", values


def _block(value: Json) -> Json:
    return {_BLOCKS.get(key, _snake(key)): _attribute(key, each) for key, each in value.items()}


def _attribute(key: str, value: Any) -> Any:
    if key == "attributes":
        return {each["key"]: each["value"] for each in value}
    if isinstance(value, dict):
        return [_block(value)]
    return [_block(each) if isinstance(each, dict) else each for each in value] if isinstance(value, list) else value


def _snake(key: str) -> str:
    return re.sub("([A-Z])", r"_\1", key).lower()


def state(*resources: tuple[str, str, Json], **more: Json) -> Json:
    """Return a state of version 4, of types, names and attributes; ``more`` has keys of instances, by name."""
    return {
        "version": 4,
        "terraform_version": "1.8.5",
        "serial": 12,
        "lineage": "0a1b2c3d",
        "outputs": {},
        "resources": [
            {
                "mode": "managed",
                "type": type_name,
                "name": name,
                "provider": 'provider["registry.terraform.io/hashicorp/aws"]',
                "instances": [{"schema_version": 0, "attributes": values, **more.get(name, {})}],
            }
            for type_name, name, values in resources
        ],
        "check_results": None,
    }


def shown(*resources: tuple[str, str, Json], key: str = "values", **sensitive: Json) -> Json:
    """Return the output of ``terraform show -json``, with all resources in a module."""
    declared = [
        {
            "address": f"module.shop.{type_name}.{name}",
            "mode": "managed",
            "type": type_name,
            "name": name,
            "provider_name": "registry.terraform.io/hashicorp/aws",
            "schema_version": 0,
            "values": values,
            "sensitive_values": sensitive.get(name, {}),
        }
        for type_name, name, values in resources
    ]
    module = {"child_modules": [{"address": "module.shop", "resources": declared}]}
    return {"format_version": "1.0", "terraform_version": "1.8.5", key: {"root_module": module}}


NAMESPACE_ARN = f"arn:aws:servicediscovery:eu-west-1:{ACCOUNT}:namespace/ns-1a"
REGISTRY_ARN = f"arn:aws:servicediscovery:eu-west-1:{ACCOUNT}:service/srv-1a"
TASK_ARN = f"arn:aws:ecs:eu-west-1:{ACCOUNT}:task-definition/stock:7"
NODE_ARN = f"arn:aws:appmesh:eu-west-1:{ACCOUNT}:mesh/shop/virtualNode/stock"
NODE_INPUT: Json = {
    "meshName": "shop",
    "virtualNodeName": "stock",
    "spec": {
        "listeners": [{"portMapping": {"port": 80, "protocol": "http"}}],
        "serviceDiscovery": {"awsCloudMap": {"namespaceName": "shop.local", "serviceName": "stock"}},
    },
}
CONTAINERS: list[Json] = [
    {
        "name": "app",
        "image": "shop/stock:1",
        "essential": True,
        "portMappings": [{"containerPort": 80, "hostPort": 80, "protocol": "tcp"}],
        "environment": [{"name": "TOKEN", "value": "not-for-anyone"}],
        "command": ["--listen", "80"],
        "dockerLabels": {"com.example.team": "stock"},
    },
    {
        "name": "envoy",
        "image": "public.ecr.aws/appmesh/aws-appmesh-envoy:v1.29.6.1-prod",
        "user": "1337",
        "environment": [{"name": "APPMESH_RESOURCE_ARN", "value": NODE_ARN}],
    },
]
_PROXY = {
    "AppPorts": "80",
    "EgressIgnoredIPs": "169.254.170.2,169.254.169.254",
    "IgnoredUID": "1337",
    "ProxyEgressPort": "15001",
    "ProxyIngressPort": "15000",
}
REGISTERED: Json = {
    "family": "stock",
    "networkMode": "awsvpc",
    "cpu": "256",
    "memory": "512",
    "requiresCompatibilities": ["FARGATE"],
    "containerDefinitions": CONTAINERS,
    "proxyConfiguration": {
        "type": "APPMESH",
        "containerName": "envoy",
        "properties": [{"name": name, "value": value} for name, value in _PROXY.items()],
    },
}


def answers() -> dict[str, Json]:
    """Return the answers of the AWS CLI about a mesh with a node and its service, by file name."""
    task = {
        **REGISTERED,
        "taskDefinitionArn": TASK_ARN,
        "revision": 7,
        "status": "ACTIVE",
        "requiresAttributes": [{"name": "ecs.capability.task-eni"}],
        "registeredAt": "2024-05-01T10:00:00+02:00",
        "registeredBy": "arn:aws:iam::111122223333:user/a",
    }
    service = {
        "serviceArn": f"arn:aws:ecs:eu-west-1:{ACCOUNT}:service/shop/stock",
        "serviceName": "stock",
        "clusterArn": f"arn:aws:ecs:eu-west-1:{ACCOUNT}:cluster/shop",
        "serviceRegistries": [{"registryArn": REGISTRY_ARN}],
        "status": "ACTIVE",
        "desiredCount": 2,
        "runningCount": 2,
        "launchType": "FARGATE",
        "taskDefinition": TASK_ARN,
        "deployments": [{"id": "ecs-svc/1", "status": "PRIMARY", "taskDefinition": TASK_ARN}],
        "deploymentConfiguration": {"maximumPercent": 150, "minimumHealthyPercent": 50},
        "networkConfiguration": {
            "awsvpcConfiguration": {"subnets": ["subnet-1a"], "securityGroups": ["sg-1a"], "assignPublicIp": "ENABLED"}
        },
        "events": [{"id": "1", "message": "(service stock) has reached a steady state."}],
    }
    registry = {
        "Id": "srv-1a",
        "Arn": REGISTRY_ARN,
        "Name": "stock",
        "NamespaceId": "ns-1a",
        "InstanceCount": 2,
        "DnsConfig": {"NamespaceId": "ns-1a", "RoutingPolicy": "MULTIVALUE", "DnsRecords": [{"Type": "A", "TTL": 60}]},
        "HealthCheckCustomConfig": {"FailureThreshold": 1},
        "CreateDate": "2024-05-01T10:00:00+02:00",
    }
    namespace = {"Id": "ns-1a", "Arn": NAMESPACE_ARN, "Name": "shop.local", "Type": "DNS_PRIVATE", "Properties": {}}
    return {
        "mesh": described({"meshName": "shop", "spec": {"egressFilter": {"type": "ALLOW_ALL"}}}),
        "node": described(NODE_INPUT),
        "task": {"taskDefinition": task, "tags": [{"key": "team", "value": "stock"}]},
        "services": {"services": [service], "failures": []},
        "registry": {"Service": registry},
        "namespaces": {"Namespaces": [namespace]},
    }


def terraform_resources() -> list[tuple[str, str, Json]]:
    """Return the same mesh with its node and service as types, names and attributes of Terraform."""
    node_type, node = terraform_values(NODE_INPUT)
    namespace = {"id": "ns-1a", "arn": NAMESPACE_ARN, "name": "shop.local", "vpc": "vpc-1a", "hosted_zone": "Z1"}
    registry = {
        "id": "srv-1a",
        "arn": REGISTRY_ARN,
        "name": "stock",
        "namespace_id": "ns-1a",
        "description": "",
        "dns_config": [
            {"namespace_id": "ns-1a", "routing_policy": "MULTIVALUE", "dns_records": [{"ttl": 60, "type": "A"}]}
        ],
        "health_check_config": [],
        "health_check_custom_config": [{"failure_threshold": 1}],
    }
    task = {
        "id": "stock",
        "arn": TASK_ARN,
        "family": "stock",
        "revision": 7,
        "container_definitions": json.dumps(CONTAINERS),
        "cpu": "256",
        "memory": "512",
        "network_mode": "awsvpc",
        "requires_compatibilities": ["FARGATE"],
        "proxy_configuration": [{"container_name": "envoy", "properties": _PROXY, "type": "APPMESH"}],
        "volume": [],
        "runtime_platform": [],
        "task_role_arn": "",
        "execution_role_arn": None,
        "tags": {"team": "stock"},
    }
    service = {
        "id": f"arn:aws:ecs:eu-west-1:{ACCOUNT}:service/shop/stock",
        "name": "stock",
        "cluster": f"arn:aws:ecs:eu-west-1:{ACCOUNT}:cluster/shop",
        "task_definition": TASK_ARN,
        "desired_count": 2,
        "launch_type": "FARGATE",
        "deployment_maximum_percent": 150,
        "deployment_minimum_healthy_percent": 50,
        "load_balancer": [],
        "service_registries": [{"container_name": "", "container_port": 0, "port": 0, "registry_arn": REGISTRY_ARN}],
        "network_configuration": [{"assign_public_ip": True, "security_groups": ["sg-1a"], "subnets": ["subnet-1a"]}],
    }
    mesh = {"id": "shop", "name": "shop", "spec": [{"egress_filter": [{"type": "ALLOW_ALL"}], "service_discovery": []}]}
    return [
        ("aws_appmesh_mesh", "shop", mesh),
        (node_type, "stock", node),
        ("aws_service_discovery_private_dns_namespace", "shop", namespace),
        ("aws_service_discovery_service", "stock", registry),
        ("aws_ecs_task_definition", "stock", task),
        ("aws_ecs_service", "stock", service),
    ]
