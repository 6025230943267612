"""A template with every property that is migrated."""

from typing import Any

from color_mesh.appmesh.template import write_template
from tests.support.full_mesh import full_mesh


def full_template() -> dict[str, Any]:
    """Return a template with every property of App Mesh and every property of containers that is migrated."""
    mesh = write_template(full_mesh())["Resources"]
    arn = "arn:aws:appmesh:eu-west-1:111122223333:mesh/colors"
    app = {
        "Name": "app",
        "Image": {"Fn::Sub": "${AWS::AccountId}.dkr.ecr.${AWS::Region}.amazonaws.com/colors/target:1"},
        "EntryPoint": ["/entry"],
        "Command": ["--listen", {"Ref": "Argument"}],
        "PortMappings": [{"ContainerPort": 8080, "Name": "http", "Protocol": "tcp"}],
        "Environment": [
            {"Name": "COLOR", "Value": "red"},
            {"Name": "TABLE", "Value": {"Ref": "Table"}},
            {"Name": "REGION", "Value": {"Fn::Sub": "in ${AWS::Region}"}},
        ],
        "Secrets": [
            {"Name": "KEY", "ValueFrom": "arn:aws:secretsmanager:eu-west-1:111122223333:secret:key-AbCdEf:field::"},
            {"Name": "OTHER", "ValueFrom": "/colors/other"},
        ],
        "HealthCheck": {"Command": ["CMD-SHELL", "curl localhost"], "Interval": 10},
        "LogConfiguration": {"LogDriver": "awslogs", "Options": {"awslogs-group": "colors"}},
        "DependsOn": [{"ContainerName": "envoy", "Condition": "HEALTHY"}],
        "Ulimits": [{"Name": "nofile", "SoftLimit": 1, "HardLimit": 1}],
    }
    other = {
        **app,
        "Name": "other",
        "Image": "111122223333.dkr.ecr.eu-west-1.amazonaws.com/colors/other:1",
        "PortMappings": [],
        "LogConfiguration": {"LogDriver": "splunk", "Options": {"token": "x"}},
        "DependsOn": [{"ContainerName": "app", "Condition": "START"}],
    }

    def envoy(part: str) -> dict[str, Any]:
        variables = {"APPMESH_RESOURCE_ARN": f"{arn}/{part}", "ENVOY_LOG_LEVEL": "debug"}
        environment = [{"Name": name, "Value": each} for name, each in variables.items()]
        return {"Name": "envoy", "Image": "aws-appmesh-envoy:1", "Environment": environment}

    def task(part: str, *containers: dict[str, Any]) -> dict[str, Any]:
        return {
            "Type": "AWS::ECS::TaskDefinition",
            "Properties": {
                "Family": part.rpartition("/")[2],
                "Cpu": "512",
                "Memory": "1024",
                "TaskRoleArn": "arn:aws:iam::111122223333:role/task",
                "RuntimePlatform": {"CpuArchitecture": "ARM64"},
                "ContainerDefinitions": [*containers, envoy(part)],
                "Volumes": [{"Name": "scratch"}],
            },
        }

    def service(name: str, definition: str) -> dict[str, Any]:
        return {
            "Type": "AWS::ECS::Service",
            "Properties": {
                "ServiceName": name,
                "TaskDefinition": {"Ref": definition},
                "LaunchType": "EC2",
                "DeploymentController": {"Type": "CODE_DEPLOY"},
                "SchedulingStrategy": "DAEMON",
                "LoadBalancers": [{"TargetGroupArn": "arn:aws:elasticloadbalancing:group", "ContainerPort": 8080}],
                "Tags": [{"Key": "team", "Value": "colors"}],
            },
        }

    return {
        "Parameters": {"Argument": {"Type": "String", "Default": ":8080"}},
        "Resources": {
            **mesh,
            "Table": {"Type": "AWS::DynamoDB::Table"},
            "Task": task("virtualNode/target", app, other),
            "Service": service("target", "Task"),
            "EntryTask": task("virtualGateway/gateway", other | {"DependsOn": []}),
            "EntryService": service("gateway", "EntryTask"),
        },
    }
