"""ECS services of a mesh: the constructs that replace them, and the findings about differences."""

import ast
from pathlib import Path
from typing import Any

import pytest

from color_mesh.migration import Migration
from color_mesh.migration.findings import FindingKind
from color_mesh.migration.sizes import FargateSize, fargate_size
from color_mesh.migration.workload import Workload
from tests.support.builders import refusal
from tests.support.local_templates import resource
from tests.support.migrated_template import APP, ARN, ENVOY, SPEC, migrated, running


def workload(tmp_path: Path, task: dict[str, Any], service: dict[str, Any] | None = None) -> Workload:
    (only_workload,) = migrated(tmp_path, running(task, service)).workloads
    return only_workload


def findings(migration: Migration, kind: FindingKind) -> list[str]:
    mesh_only = ("mesh ", "virtual node 'red'", "virtual gateway 'front'")
    of_workloads = (each for each in migration.findings if not each.subject.startswith(mesh_only))
    return [f"{each.subject}: {each.text}" for each in of_workloads if each.kind == kind]


# Sizes


@pytest.mark.parametrize(
    ("cpu", "memory", "size"),
    [
        pytest.param(0, 0, (256, 512), id="nothing"),
        pytest.param(257, 512, (512, 1024), id="more-cpu"),
        pytest.param(256, 2049, (512, 3072), id="more-memory-than-goes-with-the-cpu"),
        pytest.param(16384, 122880, (16384, 122880), id="largest"),
    ],
)
def test_smallest_fargate_size_that_fits_is_chosen(cpu: int, memory: int, size: tuple[int, int]) -> None:
    assert fargate_size(cpu, memory) == FargateSize(cpu=size[0], memory_mib=size[1])


def test_too_large_task_has_no_fargate_size() -> None:
    assert fargate_size(16385, 0) is fargate_size(0, 122881) is None


@pytest.mark.parametrize(
    ("task", "size", "envoy", "app"),
    [
        pytest.param({}, (256, 512), (128, 384), (128, 128), id="defaults"),
        pytest.param({"Cpu": "512", "Memory": "1024"}, (512, 1024), (128, 128), (384, 896), id="of-the-task"),
        pytest.param(
            {"Memory": "512", "ContainerDefinitions": [{**APP, "Memory": 256}, ENVOY]},
            (256, 512),
            (128, 256),
            (128, 256),
            id="envoy-gets-what-is-left",
        ),
        pytest.param(
            {"ContainerDefinitions": [{**APP, "Cpu": 200}, {**ENVOY, "Cpu": 100, "MemoryReservation": 200}]},
            (512, 1024),
            (100, 200),
            (200, 824),
            id="of-containers",
        ),
    ],
)
def test_task_size_is_that_of_its_containers(
    task: dict[str, Any], size: tuple[int, int], envoy: tuple[int, int], app: tuple[int, int], tmp_path: Path
) -> None:
    red = workload(tmp_path, task)
    assert (red.size.cpu, red.size.memory_mib) == size
    assert (red.cpu.envoy, red.memory_mib.envoy) == envoy
    assert (red.cpu.of_app(size[0]), red.memory_mib.of_app(size[1])) == app


def test_task_larger_than_any_fargate_size_is_refused(tmp_path: Path) -> None:
    task = {"ContainerDefinitions": [{**APP, "Cpu": 16385}, ENVOY]}
    assert refusal(migrated, tmp_path, running(task)) == (
        "t.json: Service: needs a larger task than Fargate has, got 't.json: Task' (at most 16 vCPUs and 120 GiB)"
    )


def test_service_that_cannot_be_migrated_stops_no_other_one(tmp_path: Path) -> None:
    arn = ARN.replace("virtualNode/red", "virtualGateway/front")
    envoy = {**ENVOY, "Environment": [{"Name": "APPMESH_RESOURCE_ARN", "Value": arn}]}
    gateway = {
        "GatewayTask": resource("AWS::ECS::TaskDefinition", ContainerDefinitions=[envoy]),
        "GatewayService": resource("AWS::ECS::Service", TaskDefinition={"Ref": "GatewayTask"}),
    }
    task = {"ContainerDefinitions": [{**APP, "Cpu": 16385}, ENVOY]}
    whole = migrated(tmp_path, gateway)
    for damaged in (running(task), running({"Cpu": ["a"]}), running({}, {"DesiredCount": "many"})):
        migration = migrated(tmp_path, {**gateway, **damaged})
        assert migration.workloads == whole.workloads
        assert any("is not migrated: " in each for each in findings(migration, "lost"))


# Assignment to nodes


@pytest.mark.parametrize("name", ["APPMESH_RESOURCE_ARN", "APPMESH_VIRTUAL_NODE_NAME", "APPMESH_RESOURCE_NAME"])
@pytest.mark.parametrize("value", [ARN, "mesh/colors/virtualNode/red", {"Ref": "Red"}, {"Fn::GetAtt": ["Red", "Arn"]}])
def test_environment_of_envoy_names_the_node(name: str, value: Any, tmp_path: Path) -> None:
    envoy = {**ENVOY, "Environment": [{"Name": name, "Value": value}]}
    assert workload(tmp_path, {"ContainerDefinitions": [APP, envoy]}).part.name == "red"


def test_environment_of_envoy_that_names_no_node_is_refused(tmp_path: Path) -> None:
    envoy = {**ENVOY, "Environment": [{"Name": "APPMESH_RESOURCE_ARN", "Value": "red"}]}
    assert refusal(migrated, tmp_path, running({"ContainerDefinitions": [APP, envoy]})) == (
        "t.json: Task.ContainerDefinitions[1].Environment[0].Value: APPMESH_RESOURCE_ARN names no virtual node or "
        "virtual gateway, got 'red' (such as arn:aws:appmesh:REGION:ACCOUNT:mesh/color-mesh/virtualNode/red)"
    )


@pytest.mark.parametrize(
    ("containers", "app"),
    [
        pytest.param([{**APP, "Name": "b", "PortMappings": []}, APP, ENVOY], "app", id="port-of-the-listener"),
        pytest.param(
            [{"Name": "a", "Image": "a", "Essential": False}, {"Name": "b", "Image": "b"}, ENVOY], "b", id="essential"
        ),
    ],
)
def test_application_is_the_container_with_the_port_of_the_listener(
    containers: list[Any], app: str, tmp_path: Path
) -> None:
    red = workload(tmp_path, {"ContainerDefinitions": containers})
    assert red.app is not None
    assert (red.app.name, len(red.others)) == (app, 1)


@pytest.mark.parametrize(
    ("resources", "lost"),
    [
        pytest.param(
            running({"ContainerDefinitions": [APP]}),
            "t.json: Task: is not part of the mesh: no container is an Envoy of App Mesh",
            id="no-envoy",
        ),
        pytest.param(
            running({"ContainerDefinitions": [ENVOY]}),
            "t.json: Task: has no application: Envoy is the only container",
            id="no-application",
        ),
        pytest.param(
            {"Task": running({})["Task"]},
            "t.json: Task: no ECS service in the templates runs this task definition",
            id="no-service",
        ),
        pytest.param(
            running(
                {
                    "ContainerDefinitions": [
                        APP,
                        {
                            **ENVOY,
                            "Environment": [{"Name": "APPMESH_RESOURCE_ARN", "Value": "mesh/colors/virtualNode/blue"}],
                        },
                    ]
                }
            ),
            "t.json: Task: is not part of the mesh: its Envoy is that of mesh/colors/virtualNode/blue",
            id="of-another-node",
        ),
    ],
)
def test_task_definition_that_is_not_migrated_is_lost(resources: dict[str, Any], lost: str, tmp_path: Path) -> None:
    migration = migrated(tmp_path, resources)
    assert (migration.workloads, findings(migration, "lost")) == ((), [lost])


# Findings


@pytest.mark.parametrize(
    ("container", "lost"),
    [
        pytest.param(
            {"Environment": [{"Name": "TABLE", "Value": {"Ref": "Red"}}]},
            "the variable TABLE is removed: Red.Ref is known only at deployment (add --set Red.Ref=VALUE)",
            id="variable",
        ),
        pytest.param(
            {"Secrets": [{"Name": "KEY", "ValueFrom": "arn:aws:secretsmanager:r:1:secret:a-123456:k:AWSPREVIOUS:"}]},
            "the secret KEY is removed: arn:aws:secretsmanager:r:1:secret:a-123456:k:AWSPREVIOUS: is neither the "
            "current version of a secret nor a parameter",
            id="secret",
        ),
        pytest.param(
            {"LogConfiguration": {"LogDriver": "splunk"}},
            "the log driver splunk is replaced: containers log to CloudWatch Logs",
            id="log-driver",
        ),
    ],
)
def test_unsupported_property_of_a_container_is_lost(container: dict[str, Any], lost: str, tmp_path: Path) -> None:
    migration = migrated(tmp_path, running({"ContainerDefinitions": [{**APP, **container}, ENVOY]}))
    assert findings(migration, "lost") == [f"t.json: Task container 'app': {lost}"]


@pytest.mark.parametrize(
    ("source", "why"),
    [
        pytest.param("arn:aws:secretsmanager:r:1:secret:*", "wildcard", id="every-secret"),
        pytest.param("arn:aws:secretsmanager:r:1:secret:prod/*-AbCdEf:key::", "wildcard", id="every-secret-of-a-path"),
        pytest.param("arn:aws:secretsmanager:r:1:secret:a-??????", "wildcard", id="every-character"),
        pytest.param("arn:aws:secretsmanager:*:*:secret:a-123456", "wildcard", id="every-region-and-account"),
        pytest.param("arn:*:secretsmanager:r:1:secret:a-123456", "wildcard", id="every-partition"),
        pytest.param("arn:aws:secretsmanager:r:1:secret:${aws:PrincipalTag/a}", "neither", id="policy-variable"),
        pytest.param("arn:aws:ssm:*:1:parameter/a", "wildcard", id="parameters-of-every-region"),
        pytest.param("/*", "wildcard", id="every-parameter"),
    ],
)
def test_secret_whose_permission_would_reach_other_secrets_is_removed(source: str, why: str, tmp_path: Path) -> None:
    containers = [{**APP, "Secrets": [{"Name": "KEY", "ValueFrom": source}]}, ENVOY]
    migration = migrated(tmp_path, running({"ContainerDefinitions": containers}))
    reasons = {
        "wildcard": "has a wildcard, and a permission to read it would be one to read other secrets",
        "neither": "is neither the current version of a secret nor a parameter",
    }
    assert findings(migration, "lost") == [
        f"t.json: Task container 'app': the secret KEY is removed: {source} {reasons[why]}"
    ]
    assert "secret" not in migration.files("")["services_stack.py"].lower()


OTHER_PARAMETER = "arn:aws:ssm:eu-west-1:999999999999:parameter/key"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        pytest.param(
            OTHER_PARAMETER,
            ["the secret KEY is parameter /key of the new app's account and region, not " + OTHER_PARAMETER],
            id="other-owner",
        ),
        pytest.param({"Fn::Sub": "arn:aws:ssm:${AWS::Region}:${AWS::AccountId}:parameter/key"}, [], id="same-owner"),
        pytest.param("/key", [], id="name"),
    ],
)
def test_parameter_of_another_account_is_a_finding(source: Any, expected: list[str], tmp_path: Path) -> None:
    containers = [{**APP, "Memory": 128, "Secrets": [{"Name": "KEY", "ValueFrom": source}]}, ENVOY]
    migration = migrated(tmp_path, running({"Cpu": "256", "Memory": "512", "ContainerDefinitions": containers}))
    assert findings(migration, "changed") == [f"t.json: Task container 'app': {each}" for each in expected]


def test_secret_of_the_account_and_region_of_the_stack_stays(tmp_path: Path) -> None:
    arn = {"Fn::Sub": "arn:aws:secretsmanager:${AWS::Region}:${AWS::AccountId}:secret:${AWS::Region}/a=b@c+d.e-AbCdEf"}
    containers = [{**APP, "Secrets": [{"Name": "KEY", "ValueFrom": arn}]}, ENVOY]
    migration = migrated(tmp_path, running({"ContainerDefinitions": containers}))
    assert findings(migration, "lost") == []
    assert (
        'f"arn:aws:secretsmanager:{self.region}:{self.account}:secret:{self.region}/a=b@c+d.e-AbCdEf"'
        in migration.files("")["services_stack.py"]
    )


@pytest.mark.parametrize(
    "image",
    [
        "111122223333.dkr.ecr.eu-west-1.amazonaws.com/*",
        "111122223333.dkr.ecr.eu-west-1.amazonaws.com/team/ap?:1",
        "111122223333.dkr.ecr.eu-west-1.amazonaws.com/${aws:username}",
        "example/red:*",
        "example/red\n",
    ],
)
def test_image_with_characters_that_no_image_has_is_refused(image: str, tmp_path: Path) -> None:
    containers = [{**APP, "Image": image}, ENVOY]
    assert refusal(migrated, tmp_path, running({"ContainerDefinitions": containers})) == (
        f"virtual node 'red' container 'app': image has invalid characters, got {image!r} "
        "(letters, digits, '.', '_', '-', '/', ':' and '@')"
    )


def test_wildcard_in_an_image_of_the_own_registry_is_refused(tmp_path: Path) -> None:
    image = {"Fn::Sub": "${AWS::AccountId}.dkr.ecr.${AWS::Region}.amazonaws.com/*:1"}
    containers = [{**APP, "Image": image}, ENVOY]
    assert refusal(migrated, tmp_path, running({"ContainerDefinitions": containers})).startswith(
        "virtual node 'red' container 'app': image has invalid characters, got "
        "'<AWS::AccountId>.dkr.ecr.<AWS::Region>.amazonaws.com/*:1' ("
    )


def test_every_property_that_is_not_migrated_is_lost(tmp_path: Path) -> None:
    task = {"IpcMode": "task", "ContainerDefinitions": [{**APP, "Ulimits": [{"Name": "core"}]}, ENVOY]}
    migration = migrated(tmp_path, running(task, {"PlacementStrategies": [{"Type": "random"}]}))
    assert findings(migration, "lost") == [
        "t.json: Task container 'app': property Ulimits",
        "t.json: Task: property IpcMode",
        "t.json: Service: property PlacementStrategies",
    ]


def test_environment_of_the_app_mesh_envoy_is_lost(tmp_path: Path) -> None:
    more = [*ENVOY["Environment"], {"Name": "ENVOY_LOG_LEVEL", "Value": "debug"}]
    migration = migrated(
        tmp_path, running({"ContainerDefinitions": [APP, {**ENVOY, "Environment": more, "User": "1337"}]})
    )
    assert findings(migration, "lost") == [
        ("t.json: Task container 'envoy': the environment of App Mesh's Envoy image is removed: ENVOY_LOG_LEVEL=debug")
    ]


def test_traces_of_the_app_mesh_envoy_are_an_argument_of_the_new_mesh(tmp_path: Path) -> None:
    tracing = {"ENABLE_ENVOY_XRAY_TRACING": "1", "XRAY_SAMPLING_RATE": "0.5"}
    more = [*ENVOY["Environment"], *({"Name": name, "Value": value} for name, value in tracing.items())]
    migration = migrated(tmp_path, running({"ContainerDefinitions": [APP, {**ENVOY, "Environment": more}]}))
    (found,) = (text for text in findings(migration, "to do") if "telemetry=Telemetry(sampling_percent=...)" in text)
    assert found.startswith("t.json: Task container 'envoy': Envoy sent its traces to a container of the task: ")
    assert findings(migration, "lost") == []


@pytest.mark.parametrize(
    ("service", "kind", "text"),
    [
        pytest.param({"LaunchType": "EC2"}, "changed", "tasks run on Fargate, not on EC2", id="ec2"),
        pytest.param(
            {"DeploymentConfiguration": {"MinimumHealthyPercent": 0}},
            "changed",
            "a deployment keeps 100 % of the desired tasks running, and runs at most 200 %",
            id="deployment",
        ),
        pytest.param(
            {"NetworkConfiguration": {"AwsvpcConfiguration": {"Subnets": ["a"], "AssignPublicIp": "ENABLED"}}},
            "changed",
            "tasks run in private subnets, without public addresses",
            id="public",
        ),
        pytest.param(
            {"SchedulingStrategy": "DAEMON"},
            "lost",
            "the scheduling strategy DAEMON is replaced by a desired number of tasks",
            id="daemon",
        ),
        pytest.param(
            {"DeploymentController": {"Type": "CODE_DEPLOY"}},
            "lost",
            "the deployment controller CODE_DEPLOY is replaced by rolling updates of ECS",
            id="code-deploy",
        ),
        pytest.param(
            {"LoadBalancers": [{"TargetGroupArn": "arn:a", "ContainerPort": 80}]},
            "to do",
            "a load balancer forwarded to virtual node 'red': add a load balancer in services_stack.py, with "
            "targets=[nodes['red'].load_balancer_target()]",
            id="load-balancer",
        ),
    ],
)
def test_difference_of_a_service_is_a_finding(
    service: dict[str, Any], kind: FindingKind, text: str, tmp_path: Path
) -> None:
    app = {**APP, "Memory": 128}
    migration = migrated(
        tmp_path, running({"Cpu": "256", "Memory": "512", "ContainerDefinitions": [app, ENVOY]}, service)
    )
    assert findings(migration, kind) == [f"t.json: Service: {text}"]


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        pytest.param({"ManagedPolicyArns": ["arn:aws:iam::aws:policy/AWSAppMeshEnvoyAccess"]}, [], id="app-mesh"),
        pytest.param(
            {"Policies": [{"PolicyDocument": {"Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}}}]},
            ["s3:*"],
            id="its-own",
        ),
        pytest.param(
            {
                "Policies": [
                    {"PolicyDocument": {"Statement": {"Effect": "Allow", "NotAction": ["iam:*"], "Resource": "*"}}},
                    {"PolicyDocument": {"Statement": {"Effect": "Deny", "Action": "s3:Delete*", "Resource": "*"}}},
                ]
            },
            ["every action but iam:*, without s3:Delete*"],
            id="excluded-and-denied",
        ),
        pytest.param(
            {"ManagedPolicyArns": ["arn:aws:iam::aws:policy/AmazonSQSFullAccess"]},
            ["those of policies that are in no template"],
            id="of-aws",
        ),
    ],
)
def test_permissions_of_the_task_role_are_to_be_granted_again(
    properties: dict[str, Any], expected: list[str], tmp_path: Path
) -> None:
    resources = running({"TaskRoleArn": {"Fn::GetAtt": ["Role", "Arn"]}})
    migration = migrated(tmp_path, {**resources, "Role": resource("AWS::IAM::Role", **properties)})
    new_role = "t.json: Service: the task role is a new one: grant it the permissions of the old one"
    assert findings(migration, "to do") == [f"{new_role}, {permissions}" for permissions in expected]


# Gateways


def front(service: dict[str, Any], **more: Any) -> dict[str, Any]:
    envoy = {**ENVOY, "Environment": [{"Name": "APPMESH_RESOURCE_ARN", "Value": {"Ref": "Front"}}]}
    return {**running({"ContainerDefinitions": [envoy]}, service), **more}


BEHIND = {"LoadBalancers": [{"TargetGroupArn": {"Ref": "Group"}, "ContainerPort": 8080}]}


def balancer(scheme: str | None, listener: dict[str, Any], protocol: str = "TCP") -> dict[str, Any]:
    return {
        "Group": resource("AWS::ElasticLoadBalancingV2::TargetGroup", Port=8080),
        "Balancer": resource("AWS::ElasticLoadBalancingV2::LoadBalancer", **({"Scheme": scheme} if scheme else {})),
        "Listener": resource(
            "AWS::ElasticLoadBalancingV2::Listener",
            LoadBalancerArn={"Ref": "Balancer"},
            Port=443,
            Protocol=protocol,
            **listener,
        ),
    }


AUTHENTICATE = {"Type": "authenticate-oidc", "Order": 1}
FORWARD = {"DefaultActions": [{"Type": "forward", "TargetGroupArn": {"Ref": "Group"}}]}
WEIGHTED = {
    "DefaultActions": [{"Type": "forward", "ForwardConfig": {"TargetGroups": [{"TargetGroupArn": {"Ref": "Group"}}]}}]
}


@pytest.mark.parametrize(
    ("more", "public"),
    [
        pytest.param(balancer(None, FORWARD), True, id="public-by-default"),
        pytest.param(balancer("internet-facing", WEIGHTED), True, id="public-by-weight"),
        pytest.param(balancer("internal", FORWARD), False, id="internal"),
        pytest.param(balancer(None, FORWARD, "HTTPS"), False, id="public-by-tls"),
        pytest.param(
            balancer(None, {"DefaultActions": [AUTHENTICATE, *FORWARD["DefaultActions"]]}, "HTTP"),
            False,
            id="authenticates",
        ),
        pytest.param(balancer(None, {"DefaultActions": ["forward"]}), False, id="no-action"),
        pytest.param(balancer(None, {"DefaultActions": {"Type": "forward"}}), False, id="no-list"),
        pytest.param(
            {"Group": resource("AWS::ElasticLoadBalancingV2::TargetGroup", Port=8080)}, False, id="no-listener"
        ),
        pytest.param(
            {
                **balancer(None, {}),
                "Rule": resource(
                    "AWS::ElasticLoadBalancingV2::ListenerRule",
                    ListenerArn={"Ref": "Listener"},
                    Actions=FORWARD["DefaultActions"],
                ),
            },
            True,
            id="public-by-a-rule",
        ),
    ],
)
def test_load_balancer_of_a_gateway_is_internet_facing_only_if_it_was(
    more: dict[str, Any], public: bool, tmp_path: Path
) -> None:
    migration = migrated(tmp_path, front(BEHIND, **more))
    assert [each.internet_facing for each in migration.workloads] == [public]
    services_stack = migration.files("t.json")["services_stack.py"]
    assert ('exposure="internet"' in services_stack) is public


GROUP = {"Group": resource("AWS::ElasticLoadBalancingV2::TargetGroup", Port=8080)}
PUBLIC = {"NetworkConfiguration": {"AwsvpcConfiguration": {"Subnets": ["a"], "AssignPublicIp": "ENABLED"}}}
INTERNAL = "a new network load balancer, internal, which forwards TCP on the port of the gateway"
PUBLIC_BALANCER = (
    "a new network load balancer, internet-facing (exposure='internet'), which forwards TCP on the port of the gateway"
)
OPEN = (
    "the gateway accepts connections from every address, also if the old security groups did not: pass "
    "entry_security_group=... to its implement(...) to limit them"
)


@pytest.mark.parametrize(
    ("service", "more", "kind", "expected"),
    [
        pytest.param({}, {}, "changed", [f"there was no load balancer; there is {INTERNAL}"], id="none"),
        pytest.param(PUBLIC, {}, "changed", [], id="public-addresses"),
        pytest.param(PUBLIC, {}, "to do", [OPEN], id="public-addresses-without-the-old-security-group"),
        pytest.param(
            {**PUBLIC, **BEHIND},
            balancer(None, FORWARD),
            "to do",
            [OPEN, f"change the address for clients of TCP 443: they connect to {PUBLIC_BALANCER}"],
            id="both",
        ),
        pytest.param(
            BEHIND,
            GROUP,
            "to do",
            ["change the address for clients of a load balancer that is in no template: they connect to " + INTERNAL],
            id="far",
        ),
        pytest.param(
            BEHIND,
            balancer(None, {"DefaultActions": [AUTHENTICATE, *FORWARD["DefaultActions"]]}, "HTTPS"),
            "lost",
            [
                "TLS of the load balancer listener HTTPS 443",
                "authentication of clients by the load balancer listener HTTPS 443",
            ],
            id="tls-and-authentication",
        ),
    ],
)
def test_difference_for_clients_of_a_gateway_is_a_finding(
    service: dict[str, Any], more: dict[str, Any], kind: FindingKind, expected: list[str], tmp_path: Path
) -> None:
    migration = migrated(tmp_path, front(service, **more))
    # Every task gets a size, which is a finding of its own.
    of_service = [each for each in findings(migration, kind) if each.startswith("t.json: Service:")]
    assert [each for each in of_service if "CPU units" not in each] == [f"t.json: Service: {each}" for each in expected]


def test_containers_beside_a_gateway_have_no_cpu_and_memory_of_their_own(tmp_path: Path) -> None:
    envoy = {**ENVOY, "Environment": [{"Name": "APPMESH_RESOURCE_ARN", "Value": {"Ref": "Front"}}]}
    agent = {"Name": "agent", "Image": "agent", "Cpu": 100, "Memory": 256}
    migration = migrated(tmp_path, running({"Cpu": "256", "Memory": "512", "ContainerDefinitions": [envoy, agent]}))
    services_stack = migration.files("t.json")["services_stack.py"]
    assert services_stack.count("cpu=") == services_stack.count("memory") == 0
    assert 'image=ecs.ContainerImage.from_registry("agent"),\n            logging=' in services_stack


@pytest.mark.parametrize(("name", "arguments"), [("agent", '"agent", image='), ("Envoy", '"Envoy-container", image=')])
def test_id_of_a_container_is_that_of_no_other_construct(name: str, arguments: str, tmp_path: Path) -> None:
    migration = migrated(tmp_path, running({"ContainerDefinitions": [APP, {"Name": name, "Image": "a"}, ENVOY]}))
    services_stack = " ".join(migration.files("t.json")["services_stack.py"].split())
    assert f"add_container( {arguments}" in services_stack
    assert ('container_name="Envoy"' in services_stack) is (name == "Envoy")


# Dependencies between containers


def test_dependencies_between_containers_are_migrated(tmp_path: Path) -> None:
    waiting = {
        **APP,
        "DependsOn": [
            {"ContainerName": "init", "Condition": "SUCCESS"},
            {"ContainerName": "envoy", "Condition": "HEALTHY"},
        ],
    }
    init = {
        "Name": "init",
        "Image": "init",
        "Essential": False,
        "DependsOn": [{"ContainerName": "envoy", "Condition": "START"}],
    }
    migration = migrated(tmp_path, running({"ContainerDefinitions": [waiting, init, ENVOY]}))
    lines = [line.strip() for line in migration.files("t.json")["services_stack.py"].splitlines()]
    assert "red_init = task.task_definition.add_container(" in lines
    condition = "ecs.ContainerDependencyCondition"
    dependencies = [line for line in lines if "ecs.ContainerDependency(" in line]
    assert dependencies == [
        f"ecs.ContainerDependency(container=red_init, condition={condition}.SUCCESS)",
        f"ecs.ContainerDependency(container=task.envoy_container, condition={condition}.START)",
    ]


def test_unknown_condition_of_a_dependency_is_refused(tmp_path: Path) -> None:
    condition = "START)\nimport os  #"
    app = {**APP, "DependsOn": [{"ContainerName": "envoy", "Condition": condition}]}
    assert refusal(migrated, tmp_path, running({"ContainerDefinitions": [app, ENVOY]})) == (
        f"t.json: Task.ContainerDefinitions[0].DependsOn[0].Condition: unknown condition, got {condition!r} (known: "
        "START, COMPLETE, SUCCESS, HEALTHY)"
    )


def test_route_manager_container_is_removed(tmp_path: Path) -> None:
    manager = {
        "Name": "proxyinit",
        "Image": "111122223333.dkr.ecr.eu-west-1.amazonaws.com/aws-appmesh-proxy-route-manager:v7",
    }
    migration = migrated(
        tmp_path, running({"Memory": "512", "ContainerDefinitions": [{**APP, "Memory": 128}, manager, ENVOY]})
    )
    assert migration.workloads[0].others == ()
    assert "t.json: Service: the container 'proxyinit' is removed: traffic is not redirected any more" in findings(
        migration, "changed"
    )


# Spellings


@pytest.mark.parametrize(
    ("value", "text"),
    [pytest.param(True, "true", id="truth"), pytest.param(7, "7", id="number"), pytest.param(None, "", id="nothing")],
)
def test_environment_values_become_text(value: Any, text: str, tmp_path: Path) -> None:
    variable = {"Name": "A"} if value is None else {"Name": "A", "Value": value}
    red = workload(tmp_path, {"ContainerDefinitions": [{**APP, "Environment": [variable]}, ENVOY]})
    assert red.app is not None
    assert red.app.environment == {"A": text}


def test_environment_value_that_is_a_list_is_refused(tmp_path: Path) -> None:
    task = {"ContainerDefinitions": [{**APP, "Environment": [{"Name": "A", "Value": ["b"]}]}, ENVOY]}
    assert refusal(migrated, tmp_path, running(task)) == (
        "t.json: Task.ContainerDefinitions[0].Environment[0].Value: is not text, got ['b'] (text)"
    )


@pytest.mark.parametrize("named", ["red", "red:7", "arn:aws:ecs:eu-west-1:111122223333:task-definition/red:7"])
def test_service_may_refer_to_its_task_definition_by_family_or_arn(named: str, tmp_path: Path) -> None:
    resources = running({"Family": "red"})
    resources["Service"]["Properties"]["TaskDefinition"] = named
    assert [each.part.name for each in migrated(tmp_path, resources).workloads] == ["red"]


def test_service_without_its_task_definition_is_lost(tmp_path: Path) -> None:
    migration = migrated(tmp_path, {"Service": resource("AWS::ECS::Service", TaskDefinition="far")})
    assert findings(migration, "lost") == ["t.json: Service: the task definition far is in no template"]


def test_gateway_with_public_addresses_keeps_them(tmp_path: Path) -> None:
    public = {"NetworkConfiguration": {"AwsvpcConfiguration": {"Subnets": ["a"], "AssignPublicIp": "ENABLED"}}}
    assert 'exposure="public-ip"' in migrated(tmp_path, front(public)).files("t.json")["services_stack.py"]


# Text of templates in the generated code


def shape(source: str) -> list[str]:
    """Return the kinds of all syntax nodes of a module."""
    return [type(node).__name__ for node in ast.walk(ast.parse(source))]


def test_text_of_a_template_is_never_code(tmp_path: Path) -> None:
    def services_stack(text: str) -> str:
        container = {
            "Name": text,
            "Image": "example/red:1",
            "Command": [text],
            "EntryPoint": [text],
            "Environment": [{"Name": text, "Value": text}],
            "HealthCheck": {"Command": ["CMD", text]},
        }
        containers = [{**container, "PortMappings": [{"ContainerPort": 80}]}, {**container, "Name": f"{text}2"}, ENVOY]
        task = {"Family": text, "ContainerDefinitions": containers}
        return migrated(tmp_path, running(task, {"ServiceName": text})).files(text)["services_stack.py"]

    assert shape(services_stack('"""\'\\\n{self}\r\x00\u2028"); import os  #')) == shape(services_stack("text"))


# Accounts and regions


def test_image_in_the_registry_of_the_stack_needs_no_account(tmp_path: Path) -> None:
    image = {"Fn::Sub": "${AWS::AccountId}.dkr.ecr.${AWS::Region}.amazonaws.com/red:2"}
    migration = migrated(tmp_path, running({"ContainerDefinitions": [{**APP, "Image": image}, ENVOY]}))
    services_stack = migration.files("t.json")["services_stack.py"]
    assert 'ecr.Repository.from_repository_name(self, "RedImage", "red"), "2"' in services_stack


@pytest.mark.parametrize(
    ("values", "image"),
    [
        pytest.param(
            {"AWS::AccountId": "111122223333", "AWS::Region": "eu-west-1"},
            "111122223333.dkr.ecr.eu-west-1.",
            id="given",
        ),
    ],
)
def test_given_account_and_region_are_in_the_image_name(values: dict[str, str], image: str, tmp_path: Path) -> None:
    name = {"Fn::Sub": "${AWS::AccountId}.dkr.ecr.${AWS::Region}.amazonaws.com/red:2"}
    migration = migrated(tmp_path, running({"ContainerDefinitions": [{**APP, "Image": name}, ENVOY]}), **values)
    assert image in migration.files("t.json")["services_stack.py"]


ACCOUNT = {"Fn::Sub": "red-${AWS::AccountId}"}


@pytest.mark.parametrize(
    ("task", "service", "subject"),
    [
        pytest.param({"Family": ACCOUNT}, {}, "virtual node 'red': task definition family", id="family"),
        pytest.param({}, {"ServiceName": ACCOUNT}, "virtual node 'red': service name", id="service-name"),
        pytest.param(
            {"ContainerDefinitions": [{**APP, "Image": ACCOUNT}, ENVOY]},
            {},
            "virtual node 'red' container 'app': image",
            id="image",
        ),
        pytest.param(
            {"ContainerDefinitions": [{**APP, "PortMappings": [{"ContainerPort": 80, "Name": ACCOUNT}]}, ENVOY]},
            {},
            "virtual node 'red' container 'app': name of port 80",
            id="port-name",
        ),
        pytest.param(
            {"ContainerDefinitions": [APP, {"Name": "agent", "Image": ACCOUNT}, ENVOY]},
            {},
            "virtual node 'red' container 'agent': image",
            id="image-of-another-container",
        ),
    ],
)
def test_name_with_an_unknown_account_is_refused(
    task: dict[str, Any], service: dict[str, Any], subject: str, tmp_path: Path
) -> None:
    assert refusal(migrated, tmp_path, running(task, service)) == (
        f"{subject} depends on AWS::AccountId, which is known only at deployment, got 'red-<AWS::AccountId>' "
        "(--set AWS::AccountId=VALUE)"
    )


def test_health_check_with_an_unknown_account_is_refused(tmp_path: Path) -> None:
    check = {"Command": ["CMD-SHELL", {"Fn::Sub": "check ${AWS::Region}"}]}
    assert refusal(migrated, tmp_path, running({"ContainerDefinitions": [{**APP, "HealthCheck": check}, ENVOY]})) == (
        "virtual node 'red' container 'app': health check depends on AWS::Region, which is known only at deployment, "
        "got 'CMD-SHELL check <AWS::Region>' (--set AWS::Region=VALUE)"
    )


def test_environment_and_command_may_depend_on_the_account(tmp_path: Path) -> None:
    app = {**APP, "Environment": [{"Name": "A", "Value": ACCOUNT}], "Command": [ACCOUNT]}
    services_stack = migrated(tmp_path, running({"ContainerDefinitions": [app, ENVOY]})).files("")["services_stack.py"]
    assert services_stack.count('f"red-{self.account}"') == 2


# Values that cannot be evaluated

FAR = {"Fn::ImportValue": "network:Subnets"}


def test_properties_that_are_not_migrated_need_no_value(tmp_path: Path) -> None:
    envoy = {**ENVOY, "Image": FAR, "LogConfiguration": {"LogDriver": "awslogs", "Options": {"awslogs-group": FAR}}}
    task = {"ContainerDefinitions": [APP, envoy], "ExecutionRoleArn": FAR}
    network = {"NetworkConfiguration": {"AwsvpcConfiguration": {"Subnets": FAR, "SecurityGroups": [FAR]}}}
    assert workload(tmp_path, task, {"Cluster": FAR, **network}).part.name == "red"


@pytest.mark.parametrize(
    ("container", "place"),
    [
        pytest.param({"Command": ["serve", FAR]}, "Command[1]", id="word"),
        pytest.param({"Memory": FAR}, "Memory", id="number"),
        pytest.param({"Environment": [{"Name": "A", "Value": FAR}]}, "Environment[0].Value", id="variable"),
    ],
)
def test_property_that_is_migrated_needs_a_value(container: dict[str, Any], place: str, tmp_path: Path) -> None:
    assert refusal(migrated, tmp_path, running({"ContainerDefinitions": [{**APP, **container}, ENVOY]})) == (
        "import 'network:Subnets': no template exports it, got None (add the template that exports it, or give it "
        "with --set network:Subnets=VALUE; exported: nothing; used once: "
        f"t.json: Task.ContainerDefinitions[0].{place})"
    )


def test_backend_that_no_template_declares_is_lost(tmp_path: Path) -> None:
    spec = {**SPEC, "Backends": [{"VirtualService": {"VirtualServiceName": "far.colors.local"}}]}
    red = resource("AWS::AppMesh::VirtualNode", MeshName="colors", VirtualNodeName="red", Spec=spec)
    migration = migrated(tmp_path, {"Red": red})
    assert migration.converted.mesh.node("red").backends == ()
    lost = [f"{each.subject}: {each.text}" for each in migration.findings if each.kind == "lost"]
    assert lost == [
        (
            "virtual node 'red': requests to 'far.colors.local' fail: no template declares that virtual service (add "
            "the one that does)"
        )
    ]


# Names that applications call


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("http://cache.colors.local:6379", True),
        ("red.colors.local", False),
        ("cache.example.com", False),
        ("colors.local", False),
    ],
)
def test_name_that_the_new_zone_hides_is_work_by_hand(value: str, found: bool, tmp_path: Path) -> None:
    app = {**APP, "Environment": [{"Name": "URL", "Value": value}]}
    service = resource(
        "AWS::AppMesh::VirtualService",
        MeshName="colors",
        VirtualServiceName="red.colors.local",
        Spec={"Provider": {"VirtualNode": {"VirtualNodeName": "red"}}},
    )
    resources = {**running({"ContainerDefinitions": [app, ENVOY]}), "RedService": service}
    lines = findings(migrated(tmp_path, resources), "to do")
    text = (
        "t.json: Task ContainerDefinitions[0].Environment[URL]: calls 'cache.colors.local', which the "
        "private hosted zone 'colors.local' of the mesh hides and nothing answers any more: declare a "
        "virtual service or a record of that name, or change the variable"
    )
    assert (text in lines) is found
