"""Properties of the tutorial's topology, one rule a test."""

from collections.abc import Callable

import pytest

from tests.support.cloudformation import Assembly, container, only, properties, statements

COLORS = ("red", "blue", "green", "yellow")
CLOUD_MAP = {
    "red": "Red color service.",
    "blue": "Blue color service.",
    "router": "Green color service, and DNS record for multiple colors.",
    "yellow": "Yellow color service.",
}


def logical_id(assembly: Assembly, stack: str, prefix: str, type: str) -> str:
    resources: dict[str, dict[str, str]] = assembly[stack]["Resources"]
    (only_id,) = (id for id, resource in resources.items() if resource["Type"] == type and id.startswith(prefix))
    return only_id


def imported(value: dict[str, str]) -> str:
    """Return the name of an imported export, without the prefix of the CDK."""
    return value["Fn::ImportValue"].split(":ExportsOutput", 1)[1]


class TestNetwork:
    def test_namespace_is_private_and_described(self, assembly: Assembly) -> None:
        namespace = only(assembly["NetworkStack"], "AWS::ServiceDiscovery::PrivateDnsNamespace")
        assert (namespace["Name"], namespace["Description"]) == ("colors.local", "Namespace for the color mesh.")

    def test_vpc_has_the_dns_attributes_that_cloud_map_needs(self, assembly: Assembly) -> None:
        vpc = only(assembly["NetworkStack"], "AWS::EC2::VPC")
        assert (vpc["EnableDnsHostnames"], vpc["EnableDnsSupport"]) == (True, True)

    def test_vpc_has_two_private_and_two_public_subnets_behind_one_nat(self, assembly: Assembly) -> None:
        subnets = properties(assembly["NetworkStack"], "AWS::EC2::Subnet")
        assert sorted(subnet["MapPublicIpOnLaunch"] for subnet in subnets) == [False, False, True, True]
        assert len(properties(assembly["NetworkStack"], "AWS::EC2::NatGateway")) == 1

    def test_mesh_security_group_admits_its_members_only(self, assembly: Assembly) -> None:
        group = only(assembly["NetworkStack"], "AWS::EC2::SecurityGroup", GroupName="colorapp-sg")
        rule = only(assembly["NetworkStack"], "AWS::EC2::SecurityGroupIngress")
        assert "SecurityGroupIngress" not in group
        assert rule["IpProtocol"] == "-1"
        assert rule["SourceSecurityGroupId"] == rule["GroupId"]
        assert rule["GroupId"]["Fn::GetAtt"][0].startswith("ColorAppSecurityGroup")

    def test_gateway_security_group_admits_clients_on_port_80_only(self, assembly: Assembly) -> None:
        group = only(assembly["NetworkStack"], "AWS::EC2::SecurityGroup", GroupName="gateway-sg")
        (rule,) = group["SecurityGroupIngress"]
        assert {key: rule[key] for key in ("CidrIp", "IpProtocol", "FromPort", "ToPort")} == {
            "CidrIp": "0.0.0.0/0",
            "IpProtocol": "tcp",
            "FromPort": 80,
            "ToPort": 80,
        }

    def test_vpc_has_a_flow_log(self, assembly: Assembly) -> None:
        assert only(assembly["NetworkStack"], "AWS::EC2::FlowLog")["TrafficType"] == "ALL"


class TestMesh:
    @pytest.mark.parametrize("name", CLOUD_MAP)
    def test_cloud_map_service(self, name: str, assembly: Assembly) -> None:
        service = only(assembly["MeshStack"], "AWS::ServiceDiscovery::Service", Name=name)
        assert service["Description"] == CLOUD_MAP[name]
        assert service["DnsConfig"]["DnsRecords"] == [{"TTL": 300, "Type": "A"}]
        assert service["DnsConfig"]["RoutingPolicy"] == "MULTIVALUE"

    def test_mesh_drops_egress(self, assembly: Assembly) -> None:
        mesh = only(assembly["MeshStack"], "AWS::AppMesh::Mesh")
        assert mesh == {"MeshName": "color-mesh", "Spec": {"EgressFilter": {"Type": "DROP_ALL"}}}

    @pytest.mark.parametrize("name", COLORS)
    def test_node_listens_on_http_80(self, name: str, assembly: Assembly) -> None:
        node = only(assembly["MeshStack"], "AWS::AppMesh::VirtualNode", VirtualNodeName=name)
        assert node["Spec"]["Listeners"] == [{"PortMapping": {"Port": 80, "Protocol": "http"}}]

    @pytest.mark.parametrize(
        ("name", "service"), [("red", "red"), ("blue", "blue"), ("green", "router"), ("yellow", "yellow")]
    )
    def test_node_has_cloud_map_discovery(self, name: str, service: str, assembly: Assembly) -> None:
        node = only(assembly["MeshStack"], "AWS::AppMesh::VirtualNode", VirtualNodeName=name)
        assert node["Spec"]["ServiceDiscovery"] == {
            "AWSCloudMap": {"NamespaceName": "colors.local", "ServiceName": service}
        }

    @pytest.mark.parametrize(
        ("name", "backends"),
        [("red", ["router.colors.local"]), ("blue", ["red.colors.local"]), ("green", []), ("yellow", [])],
    )
    def test_node_has_backends(self, name: str, backends: list[str], assembly: Assembly) -> None:
        node = only(assembly["MeshStack"], "AWS::AppMesh::VirtualNode", VirtualNodeName=name)
        declared = [backend["VirtualService"]["VirtualServiceName"] for backend in node["Spec"].get("Backends", [])]
        assert declared == backends

    def test_red_logs_five_operators_as_text(self, assembly: Assembly) -> None:
        node = only(assembly["MeshStack"], "AWS::AppMesh::VirtualNode", VirtualNodeName="red")
        text = "[%START_TIME%] %REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL% %RESPONSE_CODE%\n"
        file = {"Format": {"Text": text}, "Path": "/dev/stdout"}
        assert node["Spec"]["Logging"] == {"AccessLog": {"File": file}}

    def test_blue_logs_five_keys_as_json_in_order(self, assembly: Assembly) -> None:
        node = only(assembly["MeshStack"], "AWS::AppMesh::VirtualNode", VirtualNodeName="blue")
        file = node["Spec"]["Logging"]["AccessLog"]["File"]
        assert file["Path"] == "/dev/stdout"
        assert [(pair["Key"], pair["Value"]) for pair in file["Format"]["Json"]] == [
            ("start_time", "%START_TIME%"),
            ("method", "%REQ(:METHOD)%"),
            ("request_path", "%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%"),
            ("protocol", "%PROTOCOL%"),
            ("response_code", "%RESPONSE_CODE%"),
        ]

    @pytest.mark.parametrize("name", ["green", "yellow"])
    def test_node_logs_in_the_default_format(self, name: str, assembly: Assembly) -> None:
        node = only(assembly["MeshStack"], "AWS::AppMesh::VirtualNode", VirtualNodeName=name)
        assert node["Spec"]["Logging"] == {"AccessLog": {"File": {"Path": "/dev/stdout"}}}

    def test_virtual_services_and_their_providers(self, assembly: Assembly) -> None:
        services = properties(assembly["MeshStack"], "AWS::AppMesh::VirtualService")
        assert {service["VirtualServiceName"]: service["Spec"]["Provider"] for service in services} == {
            "red.colors.local": {"VirtualNode": {"VirtualNodeName": "red"}},
            "blue.colors.local": {"VirtualNode": {"VirtualNodeName": "blue"}},
            "router.colors.local": {"VirtualRouter": {"VirtualRouterName": "color-router"}},
        }

    def test_router_listens_on_http_80(self, assembly: Assembly) -> None:
        router = only(assembly["MeshStack"], "AWS::AppMesh::VirtualRouter", VirtualRouterName="color-router")
        assert router["Spec"] == {"Listeners": [{"PortMapping": {"Port": 80, "Protocol": "http"}}]}

    def test_route_has_weights_4_and_1(self, assembly: Assembly) -> None:
        route = only(assembly["MeshStack"], "AWS::AppMesh::Route", RouteName="color-route")
        assert route["VirtualRouterName"] == "color-router"
        assert route["Spec"] == {
            "Priority": 1,
            "HttpRoute": {
                "Match": {"Method": "GET", "Port": 80, "Prefix": "/"},
                "Action": {
                    "WeightedTargets": [
                        {"Port": 80, "VirtualNode": "green", "Weight": 4},
                        {"Port": 80, "VirtualNode": "yellow", "Weight": 1},
                    ]
                },
            },
        }

    def test_gateway_listens_on_http_80_and_logs(self, assembly: Assembly) -> None:
        gateway = only(assembly["MeshStack"], "AWS::AppMesh::VirtualGateway", VirtualGatewayName="color-gateway")
        assert gateway["Spec"] == {
            "Listeners": [{"PortMapping": {"Port": 80, "Protocol": "http"}}],
            "Logging": {"AccessLog": {"File": {"Path": "/dev/stdout"}}},
        }

    @pytest.mark.parametrize(
        ("name", "service", "match"),
        [
            ("color-gateway-route-1", "router.colors.local", {"Prefix": "/router"}),
            ("color-gateway-route-2", "blue.colors.local", {"Method": "GET", "Port": 80, "Prefix": "/"}),
        ],
    )
    def test_gateway_route(self, name: str, service: str, match: dict[str, object], assembly: Assembly) -> None:
        route = only(assembly["MeshStack"], "AWS::AppMesh::GatewayRoute", GatewayRouteName=name)
        assert route["VirtualGatewayName"] == "color-gateway"
        assert route["Spec"] == {
            "HttpRoute": {
                "Match": match,
                "Action": {"Target": {"VirtualService": {"VirtualServiceName": service}}},
            }
        }

    def test_route_depends_on_its_nodes(self, assembly: Assembly) -> None:
        resources = assembly["MeshStack"]["Resources"]
        waits = resources[logical_id(assembly, "MeshStack", "Router", "AWS::AppMesh::Route")]["DependsOn"]
        assert sorted(resources[id]["Type"].rsplit("::", 1)[1] for id in waits) == [
            "VirtualNode",
            "VirtualNode",
            "VirtualRouter",
        ]


class TestTasks:
    @pytest.mark.parametrize("name", COLORS)
    def test_task_is_a_fargate_quarter_core(self, name: str, assembly: Assembly) -> None:
        task = only(assembly["EcsStack"], "AWS::ECS::TaskDefinition", Family=f"{name}_node")
        assert (task["Cpu"], task["Memory"], task["NetworkMode"]) == ("256", "512", "awsvpc")
        assert task["RequiresCompatibilities"] == ["FARGATE"]

    @pytest.mark.parametrize("name", COLORS)
    def test_app_container(self, name: str, assembly: Assembly) -> None:
        task = only(assembly["EcsStack"], "AWS::ECS::TaskDefinition", Family=f"{name}_node")
        app = container(task, f"{name}-app")
        log = app.pop("LogConfiguration")
        assert app == {
            "Name": f"{name}-app",
            "Image": "forsakenidol/colorapp",
            "Cpu": 128,
            "Memory": 128,
            "Essential": True,
            "PortMappings": [{"ContainerPort": 80, "Name": "color-port", "Protocol": "tcp"}],
            "Environment": [{"Name": "COLOR", "Value": name}],
            "DependsOn": [{"Condition": "HEALTHY", "ContainerName": "envoy-sidecar"}],
            "LinuxParameters": {"Capabilities": {}, "InitProcessEnabled": True},
            "HealthCheck": {
                "Command": ["CMD-SHELL", "curl -f http://localhost/healthcheck || exit 1"],
                "Interval": 5,
                "Timeout": 5,
                "Retries": 3,
            },
        }
        assert (log["LogDriver"], log["Options"]["awslogs-stream-prefix"]) == ("awslogs", f"{name}-app-container")

    @pytest.mark.parametrize("name", COLORS)
    def test_envoy_sidecar(self, name: str, assembly: Assembly) -> None:
        task = only(assembly["EcsStack"], "AWS::ECS::TaskDefinition", Family=f"{name}_node")
        envoy = container(task, "envoy-sidecar")
        (variable,) = envoy.pop("Environment")
        log = envoy.pop("LogConfiguration")
        assert envoy == {
            "Name": "envoy-sidecar",
            "Image": "public.ecr.aws/appmesh/aws-appmesh-envoy:v1.27.0.0-prod",
            "Cpu": 128,
            "Memory": 384,
            "Essential": True,
            "User": "1337",
            "StartTimeout": 30,
            "HealthCheck": {
                "Command": ["CMD-SHELL", "curl -s http://localhost:9901/server_info | grep state | grep -q LIVE"],
                "Interval": 5,
                "Timeout": 2,
                "Retries": 3,
                "StartPeriod": 10,
            },
        }
        assert variable["Name"] == "APPMESH_RESOURCE_ARN"
        assert variable["Value"]["Fn::Join"][1][-1] == f":mesh/color-mesh/virtualNode/{name}"
        assert log["Options"]["awslogs-stream-prefix"] == f"{name}-envoy-sidecar"

    @pytest.mark.parametrize("name", COLORS)
    def test_traffic_goes_through_envoy(self, name: str, assembly: Assembly) -> None:
        proxy = only(assembly["EcsStack"], "AWS::ECS::TaskDefinition", Family=f"{name}_node")["ProxyConfiguration"]
        assert (proxy["Type"], proxy["ContainerName"]) == ("APPMESH", "envoy-sidecar")
        assert {pair["Name"]: pair["Value"] for pair in proxy["ProxyConfigurationProperties"]} == {
            "IgnoredUID": "1337",
            "AppPorts": "80",
            "ProxyIngressPort": "15000",
            "ProxyEgressPort": "15001",
            "EgressIgnoredIPs": "169.254.170.2,169.254.169.254",
        }

    @pytest.mark.parametrize(
        ("name", "registry"), [("red", "Red"), ("blue", "Blue"), ("green", "Green"), ("yellow", "Yellow")]
    )
    def test_service(self, name: str, registry: str, assembly: Assembly) -> None:
        service = only(assembly["EcsStack"], "AWS::ECS::Service", ServiceName=f"{name}-svc")
        network = service["NetworkConfiguration"]["AwsvpcConfiguration"]
        assert (service["LaunchType"], service["PlatformVersion"]) == ("FARGATE", "LATEST")
        assert (service["SchedulingStrategy"], service["DeploymentController"]) == ("REPLICA", {"Type": "ECS"})
        assert (service["DesiredCount"], service["EnableExecuteCommand"]) == (1, True)
        assert network["AssignPublicIp"] == "DISABLED"
        assert ["Private" in imported(subnet) for subnet in network["Subnets"]] == [True, True]
        assert ["ColorAppSecurityGroup" in imported(group) for group in network["SecurityGroups"]] == [True]
        (registered,) = service["ServiceRegistries"]
        assert f"{registry}CloudMapService" in imported(registered["RegistryArn"])

    @pytest.mark.parametrize("name", COLORS)
    def test_task_role_streams_its_own_node_and_runs_commands(self, name: str, assembly: Assembly) -> None:
        stream, execute = statements(assembly["EcsStack"], f"{name.capitalize()}TaskRole")
        assert stream["Action"] == "appmesh:StreamAggregatedResources"
        assert stream["Resource"]["Fn::Join"][1][-1] == f":mesh/color-mesh/virtualNode/{name}"
        assert (execute["Resource"], execute["Action"]) == (
            "*",
            [
                "ssmmessages:CreateControlChannel",
                "ssmmessages:CreateDataChannel",
                "ssmmessages:OpenControlChannel",
                "ssmmessages:OpenDataChannel",
            ],
        )

    @pytest.mark.parametrize("name", [*COLORS, "gateway"])
    def test_execution_role_writes_to_the_log_group_only(self, name: str, assembly: Assembly) -> None:
        (write,) = statements(assembly["EcsStack"], f"{name.capitalize()}TaskDefinitionExecutionRole")
        assert write["Action"] == ["logs:CreateLogStream", "logs:PutLogEvents"]
        assert write["Resource"]["Fn::GetAtt"][0].startswith("LogGroup")

    def test_no_role_has_a_managed_policy(self, assembly: Assembly) -> None:
        roles = [role for template in assembly.values() for role in properties(template, "AWS::IAM::Role")]
        assert [role.get("ManagedPolicyArns") for role in roles] == [None] * 11

    def test_log_group_keeps_a_week_and_goes_with_the_stack(self, assembly: Assembly) -> None:
        resources = assembly["EcsStack"]["Resources"]
        group = resources[logical_id(assembly, "EcsStack", "LogGroup", "AWS::Logs::LogGroup")]
        assert group["Properties"] == {"LogGroupName": "color-mesh", "RetentionInDays": 7}
        assert (group["DeletionPolicy"], group["UpdateReplacePolicy"]) == ("Delete", "Delete")


class TestGateway:
    def test_task_is_envoy_alone(self, assembly: Assembly) -> None:
        task = only(assembly["EcsStack"], "AWS::ECS::TaskDefinition", Family="gateway")
        (envoy,) = task["ContainerDefinitions"]
        assert (task["Cpu"], task["Memory"], "ProxyConfiguration" in task) == ("256", "512", False)
        assert (envoy["Name"], envoy["Cpu"], envoy["Memory"], envoy["Essential"]) == ("envoy-proxy", 256, 512, True)
        assert envoy["PortMappings"] == [{"ContainerPort": 80, "Name": "gateway-port", "Protocol": "tcp"}]
        assert envoy["Environment"][0]["Value"]["Fn::Join"][1][-1] == ":mesh/color-mesh/virtualGateway/color-gateway"
        assert (envoy["StartTimeout"], envoy["HealthCheck"]["StartPeriod"]) == (30, 10)

    def test_envoy_listens_on_port_80_without_being_root(self, assembly: Assembly) -> None:
        envoy = container(only(assembly["EcsStack"], "AWS::ECS::TaskDefinition", Family="gateway"), "envoy-proxy")
        assert envoy["User"] == "1337"
        assert envoy["SystemControls"] == [{"Namespace": "net.ipv4.ip_unprivileged_port_start", "Value": "0"}]

    def test_task_role_streams_its_own_gateway_only(self, assembly: Assembly) -> None:
        (stream,) = statements(assembly["EcsStack"], "GatewayTaskRole")
        assert stream["Action"] == "appmesh:StreamAggregatedResources"
        assert stream["Resource"]["Fn::Join"][1][-1] == ":mesh/color-mesh/virtualGateway/color-gateway"

    def test_load_balancer_is_internet_facing_with_both_groups(self, assembly: Assembly) -> None:
        balancer = only(assembly["EcsStack"], "AWS::ElasticLoadBalancingV2::LoadBalancer", Name="gateway-lb")
        assert (balancer["Type"], balancer["Scheme"], balancer["IpAddressType"]) == (
            "network",
            "internet-facing",
            "ipv4",
        )
        groups = [imported(group) for group in balancer["SecurityGroups"]]
        assert ["ColorApp" in groups[0], "GatewaySecurityGroup" in groups[1], len(groups)] == [True, True, 2]
        assert ["Public" in imported(subnet) for subnet in balancer["Subnets"]] == [True, True]

    def test_target_group_checks_tasks_by_address(self, assembly: Assembly) -> None:
        group = only(assembly["EcsStack"], "AWS::ElasticLoadBalancingV2::TargetGroup", Name="gateway-tg")
        assert "Vpc" in imported(group.pop("VpcId"))
        assert group == {
            "Name": "gateway-tg",
            "Protocol": "TCP",
            "Port": 80,
            "TargetType": "ip",
            "IpAddressType": "ipv4",
            "HealthCheckEnabled": True,
            "HealthCheckIntervalSeconds": 10,
            "HealthCheckTimeoutSeconds": 5,
            "HealthyThresholdCount": 2,
            "UnhealthyThresholdCount": 3,
        }

    def test_listener_forwards_tcp_80(self, assembly: Assembly) -> None:
        listener = only(assembly["EcsStack"], "AWS::ElasticLoadBalancingV2::Listener")
        assert (listener["Protocol"], listener["Port"]) == ("TCP", 80)
        assert listener["LoadBalancerArn"]["Ref"].startswith("GatewayLoadBalancer")
        (action,) = listener["DefaultActions"]
        assert (action["Type"], action["TargetGroupArn"]["Ref"][:18]) == ("forward", "GatewayTargetGroup")

    def test_load_balanced_service_has_two_tasks_in_private_subnets(self, assembly: Assembly) -> None:
        service = only(assembly["EcsStack"], "AWS::ECS::Service", ServiceName="gateway-svc-load-balanced")
        network = service["NetworkConfiguration"]["AwsvpcConfiguration"]
        (balanced,) = service["LoadBalancers"]
        assert (service["DesiredCount"], network["AssignPublicIp"]) == (2, "DISABLED")
        assert (balanced["ContainerName"], balanced["ContainerPort"]) == ("envoy-proxy", 80)
        assert ["Private" in imported(subnet) for subnet in network["Subnets"]] == [True, True]
        assert ["ColorAppSecurityGroup" in imported(group) for group in network["SecurityGroups"]] == [True]

    def test_public_service_has_one_task_with_a_public_address(self, synthesize: Callable[..., Assembly]) -> None:
        template = synthesize(gateway="public-ip")["EcsStack"]
        service = only(template, "AWS::ECS::Service", ServiceName="gateway-svc")
        network = service["NetworkConfiguration"]["AwsvpcConfiguration"]
        assert (service["DesiredCount"], network["AssignPublicIp"]) == (1, "ENABLED")
        assert ["Public" in imported(subnet) for subnet in network["Subnets"]] == [True, True]
        groups = [imported(group) for group in network["SecurityGroups"]]
        assert ["ColorApp" in groups[0], "GatewaySecurityGroup" in groups[1], len(groups)] == [True, True, 2]
        assert properties(template, "AWS::ElasticLoadBalancingV2::LoadBalancer") == []


class TestOutputs:
    @pytest.mark.parametrize("name", COLORS)
    def test_shell_output_is_an_execute_command_line(self, name: str, assembly: Assembly) -> None:
        parts = assembly["EcsStack"]["Outputs"][f"{name.capitalize()}Shell"]["Value"]["Fn::Join"][1]
        text = "".join(part if isinstance(part, str) else "X" for part in parts)
        assert text == (
            "aws ecs execute-command --region X --cluster X --task $(aws ecs list-tasks --region X --cluster X "
            f"--service-name X --query 'taskArns[0]' --output text) --container {name}-app --interactive "
            "--command /bin/sh"
        )

    def test_gateway_url_is_the_load_balancers(self, assembly: Assembly) -> None:
        start, name = assembly["EcsStack"]["Outputs"]["GatewayUrl"]["Value"]["Fn::Join"][1]
        assert (start, name["Fn::GetAtt"][1]) == ("http://", "DNSName")
