"""Inputs of at most 1 MB a file that are made to exhaust time or memory. Each generator writes one and returns it."""

import json
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeAlias

Json: TypeAlias = dict[str, Any]

# Writes an input into an empty folder, and returns the path to give to a command.
HostileInput: TypeAlias = Callable[[Path], Path]

MAX_BYTES = 1_000_000
HOSTILE_INPUTS: dict[str, HostileInput] = {}


def hostile(write: HostileInput) -> HostileInput:
    """Register a generator under its name."""
    HOSTILE_INPUTS[write.__name__] = write
    return write


def application(container: Json | None = None, service: Json | None = None, node: Json | None = None) -> Json:
    """Return the resources of a mesh with one node and its ECS service, with some properties of its parts replaced."""
    arn = {"Fn::Sub": "arn:aws:iam::123456789012:role/${Mesh.MeshName}"}
    envoy = {
        "Name": "envoy",
        "Image": "public.ecr.aws/appmesh/aws-appmesh-envoy:v1",
        "Environment": [{"Name": "APPMESH_RESOURCE_ARN", "Value": "mesh/m/virtualNode/a"}],
    }
    return {
        "Mesh": {"Type": "AWS::AppMesh::Mesh", "Properties": {"MeshName": "m"}},
        "Node": virtual_node("a", **(node or {})),
        "Namespace": {"Type": "AWS::ServiceDiscovery::PrivateDnsNamespace", "Properties": {"Name": "b", "Vpc": "v"}},
        "Registry": {
            "Type": "AWS::ServiceDiscovery::Service",
            "Properties": {
                "Name": "a",
                "NamespaceId": {"Ref": "Namespace"},
                "DnsConfig": {"DnsRecords": [{"Type": "A", "TTL": 60}]},
            },
        },
        "Task": {
            "Type": "AWS::ECS::TaskDefinition",
            "Properties": {
                "Family": "a",
                "ExecutionRoleArn": arn,
                "ContainerDefinitions": [
                    {"Name": "app", "Image": "envoyproxy/envoy:v1", **(container or {})},
                    envoy,
                ],
            },
        },
        "Service": service_of_task(**(service or {})),
    }


def service_of_task(**properties: Any) -> Json:
    """Return the ECS service of the application."""
    network = {"AwsvpcConfiguration": {"Subnets": ["subnet-1"], "SecurityGroups": ["sg-1"]}}
    declared = {"TaskDefinition": {"Ref": "Task"}, "NetworkConfiguration": network, **properties}
    return {"Type": "AWS::ECS::Service", "Properties": declared}


def virtual_node(name: str, **spec: Any) -> Json:
    """Return a virtual node that listens on port 80."""
    declared = {
        "Listeners": [{"PortMapping": {"Port": 80, "Protocol": "http"}}],
        "ServiceDiscovery": {"DNS": {"Hostname": "a.b"}},
        **spec,
    }
    return app_mesh("VirtualNode", name, declared)


def app_mesh(kind: str, name: str, spec: Json, **properties: str) -> Json:
    """Return an App Mesh resource."""
    return {
        "Type": f"AWS::AppMesh::{kind}",
        "Properties": {"MeshName": "m", f"{kind}Name": name, "Spec": spec, **properties},
    }


def write(folder: Path, resources: Json, name: str = "template.json", **sections: Any) -> Path:
    """Write a template."""
    return write_text(folder / name, json.dumps({**sections, "Resources": resources}, separators=(",", ":")))


def write_text(file: Path, text: str) -> Path:
    """Write a file of at most 1 MB."""
    assert len(text.encode()) <= MAX_BYTES, (file.name, len(text.encode()))
    file.write_text(text)
    return file


def aliased(value: str, use: str, count: int) -> str:
    """Return YAML of a template that defines a value once, and has an environment with many uses of it."""
    resources = json.dumps(application())[:-1]
    uses = f"{use}," * count
    other = f'"Uses":{{"Type":"AWS::ECS::Service","Properties":{{"X":[{uses}]}}}}'
    return f"X: &a {value}\nResources: {resources},{other}}}\n"


def environment(values: Iterable[Any]) -> Json:
    """Return an application with these values of environment variables."""
    return application({"Environment": [{"Name": f"v{number}", "Value": value} for number, value in enumerate(values)]})


# References


@hostile
def wrong_references_under_a_long_key(folder: Path) -> Path:
    return write(folder, application(node={"k" * 500_000: [{"Ref": "x"}] * 35_000}))


@hostile
def wrong_references_beside_many_names(folder: Path) -> Path:
    names: Json = {f"parameter{number}": {} for number in range(25_000)}
    return write(folder, application(node={"Backends": [{"Ref": "x"}] * 35_000}), Parameters=names)


@hostile
def wrong_attributes_beside_many_resources(folder: Path) -> Path:
    others = {f"r{number}": {"Type": "A"} for number in range(16_000)}
    return write(folder, {**application(node={"Backends": [{"Fn::GetAtt": "x.y"}] * 24_000}), **others})


@hostile
def wrong_conditions_beside_many_conditions(folder: Path) -> Path:
    conditions = {f"c{number}": {"Fn::Equals": [1, 1]} for number in range(12_000)}
    others = {f"r{number}": {"Type": "AWS::ECS::Service", "Condition": "x"} for number in range(9_000)}
    return write(folder, {**application(), **others}, Conditions=conditions)


@hostile
def wrong_outputs_beside_many_outputs(folder: Path) -> Path:
    outputs = {f"o{number}": {"Value": 1, "Export": {"Name": f"e{number}"}} for number in range(10_000)}
    return write(folder, application(node={"Backends": [{"Fn::ImportValue": "x"}] * 15_000}), Outputs=outputs)


@hostile
def many_outputs_of_other_stacks(folder: Path) -> Path:
    outputs = {f"o{number}": {"Value": 1} for number in range(16_000)}
    use = {"Fn::GetStackOutput": {"StackName": "template", "OutputName": "o1"}}
    return write(folder, application(node={"Backends": [use] * 6_000}), Outputs=outputs)


@hostile
def references_of_a_long_name(folder: Path) -> Path:
    text = aliased('"' + "x" * 700_000 + '"', "{Ref: *a}", 25_000)
    return write_text(folder / "template.yaml", text)


@hostile
def reference_chain(folder: Path) -> Path:
    conditions: Json = {f"c{number}": {"Fn::Not": [{"Condition": f"c{number + 1}"}]} for number in range(18_000)}
    conditions["c18000"] = {"Fn::Equals": [1, 1]}
    others = {"Uses": {"Type": "AWS::ECS::Service", "Condition": "c0"}}
    return write(folder, {**application(), **others}, Conditions=conditions)


@hostile
def functions_with_large_wrong_arguments(folder: Path) -> Path:
    text = aliased(f"[{'1,' * 80_000}]", "{Fn::Join: *a}", 20_000)
    return write_text(folder / "template.yaml", text)


@hostile
def unsupported_functions(folder: Path) -> Path:
    return write(folder, application(node={"Backends": [{"Fn::" + "x" * 30: 1}] * 22_000}))


@hostile
def parameter_with_many_allowed_values(folder: Path) -> Path:
    values = [str(number) for number in range(70_000)]
    parameter = {"Type": "CommaDelimitedList", "Default": ",".join(values[::-1][:50_000]), "AllowedValues": values}
    return write(folder, application({"Command": {"Ref": "P"}}), Parameters={"P": parameter})


@hostile
def parameter_with_a_value_that_is_not_allowed(folder: Path) -> Path:
    values = [str(number) for number in range(70_000)]
    parameter = {"Default": "x", "AllowedValues": values}
    return write(folder, application(node={"Backends": [{"Ref": "P"}] * 10_000}), Parameters={"P": parameter})


@hostile
def list_of_parameter_referred_to_often(folder: Path) -> Path:
    parameter = {"Type": "CommaDelimitedList", "Default": "," * 400_000}
    return write(folder, environment([{"Ref": "P"}] * 10_000), Parameters={"P": parameter})


@hostile
def long_text_split_often(folder: Path) -> Path:
    text = aliased('"' + "," * 700_000 + '"', "{Fn::Split: [',', *a]}", 8_000)
    return write_text(folder / "template.yaml", text)


@hostile
def selections_from_a_long_list(folder: Path) -> Path:
    text = aliased(f"[{'1,' * 100_000}]", "{Fn::Select: [99999, *a]}", 20_000)
    return write_text(folder / "template.yaml", text)


@hostile
def lookups_in_one_large_mapping(folder: Path) -> Path:
    mapping = {"m": {"k": {"v": ["x"] * 100_000}}}
    return write(folder, environment([{"Fn::FindInMap": ["m", "k", "v"]}] * 7_000), Mappings=mapping)


@hostile
def substitution_without_end(folder: Path) -> Path:
    return write(folder, environment([{"Fn::Sub": "${" * 450_000}]))


@hostile
def conditions_of_many_alternatives(folder: Path) -> Path:
    alternatives = [{"Condition": "c"}] * 40_000
    conditions = {"c": {"Fn::Equals": [1, 2]}, "d": {"Fn::Or": alternatives}}
    return write(folder, {**application(), "Uses": {"Type": "A", "Condition": "d"}}, Conditions=conditions)


# Aliases


@hostile
def long_aliased_string(folder: Path) -> Path:
    containers = '{"Name": "x", "Image": *a, "Command": [*a, *a]}, ' * 8_000
    resources = json.dumps(application())[:-1]
    text = (
        f'X: &a "{"x" * 500_000}"\nResources: {resources}, "Other": {{"Type": "AWS::ECS::TaskDefinition", '
        f'"Properties": {{"ContainerDefinitions": [{containers}]}}}}}}\n'
    )
    return write_text(folder / "template.yaml", text)


@hostile
def long_aliased_string_joined(folder: Path) -> Path:
    text = aliased('"' + "x" * 500_000 + '"', "{Fn::Join: ['', [*a, *a, *a]]}", 10_000)
    return write_text(folder / "template.yaml", text)


@hostile
def aliases_that_double(folder: Path) -> Path:
    levels = "".join(f"X{level}: &x{level} [*x{level - 1}, *x{level - 1}]\n" for level in range(1, 90))
    return write_text(folder / "template.yaml", f"X0: &x0 [x]\n{levels}Resources: {json.dumps(application())}\n")


@hostile
def merges_of_merges(folder: Path) -> Path:
    keys = ", ".join(f"k{number}: 1" for number in range(20_000))
    merges = "".join(f"M{number}: {{<<: *m}}\n" for number in range(25_000))
    text = f"M: &m {{{keys}}}\n{merges}Resources: {json.dumps(application())}\n"
    return write_text(folder / "template.yaml", text)


# Syntax


@hostile
def many_yaml_values(folder: Path) -> Path:
    return write_text(folder / "template.yaml", f"Resources: {json.dumps(application())}\nX: [{'a,' * 495_000}]\n")


@hostile
def many_yaml_mappings(folder: Path) -> Path:
    return write_text(folder / "template.yaml", f"Resources: {json.dumps(application())}\nX: [{'{},' * 330_000}]\n")


@hostile
def many_json_lists(folder: Path) -> Path:
    return write(folder, application(), X=[[]] * 330_000)


@hostile
def deep_json(folder: Path) -> Path:
    return write_text(folder / "template.json", '{"Resources":' + "[" * 900_000)


@hostile
def deep_yaml(folder: Path) -> Path:
    return write_text(folder / "template.yaml", "Resources: " + "[" * 900_000)


@hostile
def deep_yaml_lists(folder: Path) -> Path:
    return write_text(folder / "template.yaml", "- " * 450_000 + "a")


@hostile
def many_yaml_documents(folder: Path) -> Path:
    return write_text(folder / "template.yaml", "--- a\n" * 160_000)


@hostile
def many_yaml_anchors(folder: Path) -> Path:
    return write_text(folder / "template.yaml", "X: [" + "".join(f"&a{n} 1, " for n in range(80_000)) + "]\n")


# Numbers


@hostile
def number_of_many_digits(folder: Path) -> Path:
    return write_text(folder / "template.json", f'{{"Resources":{{"A":{"9" * 900_000}}}}}')


@hostile
def many_numbers_of_many_digits(folder: Path) -> Path:
    return write_text(folder / "template.json", f'{{"Resources":{{"A":[{("9" * 4_300 + ",") * 230}1]}}}}')


@hostile
def many_fractions_of_many_digits(folder: Path) -> Path:
    return write_text(folder / "template.json", f'{{"Resources":{{"A":[{("0." + "9" * 4_300 + ",") * 230}1]}}}}')


@hostile
def sexagesimal_number(folder: Path) -> Path:
    return write_text(folder / "template.yaml", f"Resources: {{A: 1{':59' * 330_000}}}\n")


@hostile
def sexagesimal_fraction(folder: Path) -> Path:
    return write_text(folder / "template.yaml", f"Resources: {{A: 1{':59' * 330_000}.5}}\n")


@hostile
def many_sexagesimal_numbers(folder: Path) -> Path:
    numbers = ("1" + ":59" * 1_000 + ", ") * 330
    return write_text(folder / "template.yaml", f"Resources: {{A: [{numbers}1]}}\n")


@hostile
def binary_number_of_many_digits(folder: Path) -> Path:
    return write_text(folder / "template.yaml", f"Resources: {{A: 0b1{'01' * 490_000}}}\n")


@hostile
def counts_of_a_thousand_million(folder: Path) -> Path:
    many = 1_000_000_000
    deployment = {"MaximumPercent": many, "MinimumHealthyPercent": many}
    service = {
        "DesiredCount": many,
        "DeploymentConfiguration": deployment,
        "HealthCheckGracePeriodSeconds": many,
    }
    container = {"Cpu": many, "Memory": many, "StopTimeout": many, "PortMappings": [{"ContainerPort": many}]}
    return write(folder, application(container, service))


@hostile
def address_ranges_of_a_thousand_million(folder: Path) -> Path:
    rule = {"IpProtocol": "tcp", "FromPort": 0, "ToPort": 1_000_000_000, "CidrIp": "0.0.0.0/0"}
    group = {"Type": "AWS::EC2::SecurityGroup", "Properties": {"SecurityGroupIngress": [rule] * 8_000}}
    vpc = {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "0.0.0.0/0"}}
    subnets = {f"S{n}": {"Type": "AWS::EC2::Subnet", "Properties": {"CidrBlock": "0.0.0.0/0"}} for n in range(1000)}
    return write(folder, {**application(), "Group": group, "Vpc": vpc, **subnets})


# Regular expressions and text


@hostile
def size_of_many_digits(folder: Path) -> Path:
    resources = application()
    resources["Task"]["Properties"].update(Cpu="1" * 400_000, Memory="1" * 400_000 + "x")
    return write(folder, resources)


@hostile
def wildcards_that_backtrack(folder: Path) -> Path:
    statement = {"Effect": "Allow", "Action": "*a" * 40 + "b", "Resource": "*a" * 40 + "b"}
    policy = {"PolicyDocument": {"Statement": [statement]}}
    role = {
        "Type": "AWS::IAM::Role",
        "Properties": {"Policies": [policy], "AssumeRolePolicyDocument": {}},
    }
    secrets = [{"Name": "s", "ValueFrom": "arn:aws:secretsmanager:us-east-1:123456789012:secret:" + "a" * 60_000}]
    container = {
        "Secrets": secrets,
        "LogConfiguration": {"LogDriver": "awslogs", "Options": {"awslogs-group": "a" * 60_000}},
    }
    resources = application(container)
    resources["Task"]["Properties"].update(ExecutionRoleArn={"Ref": "Role"}, TaskRoleArn={"Ref": "Role"})
    return write(folder, {**resources, "Role": role})


@hostile
def image_names_that_backtrack(folder: Path) -> Path:
    return write(folder, application({"Image": "a-envoy" * 60_000 + "-alpine" * 60_000 + "/"}))


@hostile
def mesh_names_that_backtrack(folder: Path) -> Path:
    value = "arn:aws:appmesh:" + "mesh/a/virtualNode/" * 40_000
    return write(folder, application({"Environment": [{"Name": "APPMESH_RESOURCE_ARN", "Value": value}]}))


@hostile
def names_that_are_split_into_words(folder: Path) -> Path:
    return write(folder, application(node={"ServiceDiscovery": {"DNS": {"Hostname": "aA_" * 300_000}}}))


@hostile
def compressed_envoy_configuration(folder: Path) -> Path:
    import base64
    import gzip

    bomb = base64.b64encode(gzip.compress(b"[" + b"0," * 200_000_000 + b"0]", 9)).decode()
    return write(folder, application({"Command": ["--config-yaml", "{}", "gzip", bomb]}))


@hostile
def compressed_envoy_configuration_as_command(folder: Path) -> Path:
    import base64
    import gzip

    bomb = base64.b64encode(gzip.compress(b"[" + b"0," * 200_000_000 + b"0]", 9)).decode()
    return write(folder, application({"Command": ["gzip", bomb]}))


# Many parts


@hostile
def table_padded_to_the_longest_cell(folder: Path) -> Path:
    resources = application({"Image": "a" * 150_000 + "/envoy"})
    services = {f"S{number}": service_of_task() for number in range(3_500)}
    return write(folder, {**resources, **services})


@hostile
def table_of_a_mesh_padded_to_the_longest_cell(folder: Path) -> Path:
    nodes = {f"N{n}": app_mesh("VirtualService", f"n{n}.b", {}) for n in range(5_500)}
    backends = [{"VirtualService": {"VirtualServiceName": f"n{n}.b"}} for n in range(5_500)]
    return write(folder, {**application(node={"Backends": backends}), **nodes})


@hostile
def many_virtual_nodes(folder: Path) -> Path:
    nodes = {f"N{number}": virtual_node(f"n{number}") for number in range(4_000)}
    return write(folder, {**application(), **nodes})


@hostile
def many_wrong_virtual_nodes(folder: Path) -> Path:
    nodes = {f"N{number}": {"Type": "AWS::AppMesh::VirtualNode"} for number in range(20_000)}
    return write(folder, {**application(), **nodes})


@hostile
def many_routes(folder: Path) -> Path:
    listeners = {"Listeners": [{"PortMapping": {"Port": 80, "Protocol": "http"}}]}
    routes = {
        f"R{number}": app_mesh(
            "Route",
            f"r{number}",
            {
                "Priority": 1,
                "HttpRoute": {
                    "Match": {"Prefix": "/"},
                    "Action": {"WeightedTargets": [{"VirtualNode": "a", "Weight": 1}]},
                },
            },
            VirtualRouterName="r",
        )
        for number in range(4_200)
    }
    return write(folder, {**application(), "Router": app_mesh("VirtualRouter", "r", listeners), **routes})


@hostile
def many_routers_with_a_route(folder: Path) -> Path:
    listeners = {"Listeners": [{"PortMapping": {"Port": 80, "Protocol": "http"}}]}
    action = {"Action": {"WeightedTargets": [{"VirtualNode": "a", "Weight": 1}]}, "Match": {"Prefix": "/"}}
    parts: Json = {}
    for number in range(2_300):
        parts[f"R{number}"] = app_mesh("VirtualRouter", f"r{number}", listeners)
        parts[f"Q{number}"] = app_mesh("Route", "q", {"HttpRoute": action}, VirtualRouterName=f"r{number}")
    return write(folder, {**application(), **parts})


@hostile
def many_meshes(folder: Path) -> Path:
    meshes = {f"M{n}": {"Type": "AWS::AppMesh::Mesh", "Properties": {"MeshName": f"m{n}"}} for n in range(12_000)}
    return write(folder, {**application(), **meshes})


@hostile
def many_services_with_tasks(folder: Path) -> Path:
    parts: Json = {}
    task = application()["Task"]["Properties"]
    for number in range(1_300):
        parts[f"T{number}"] = {"Type": "AWS::ECS::TaskDefinition", "Properties": task}
        parts[f"S{number}"] = service_of_task(TaskDefinition={"Ref": f"T{number}"})
    return write(folder, {**application(), **parts})


@hostile
def many_containers(folder: Path) -> Path:
    resources = application()
    depends = [{"ContainerName": "x", "Condition": "START"}]
    resources["Task"]["Properties"]["ContainerDefinitions"] += [
        {"Name": f"c{number}", "Image": "envoy", "DependsOn": depends} for number in range(10_000)
    ]
    return write(folder, resources)


@hostile
def many_backends_of_many_nodes(folder: Path) -> Path:
    services = {
        f"V{n}": app_mesh("VirtualService", f"v{n}.b", {"Provider": {"VirtualNode": {"VirtualNodeName": "a"}}})
        for n in range(2_000)
    }
    backends = [{"VirtualService": {"VirtualServiceName": f"v{n}.b"}} for n in range(2_000)]
    nodes = {f"N{number}": virtual_node(f"n{number}", Backends=backends) for number in range(4)}
    return write(folder, {**application(node={"Backends": backends}), **services, **nodes})


@hostile
def many_records_of_zones(folder: Path) -> Path:
    zones = {
        f"Z{n}": {"Type": "AWS::Route53::HostedZone", "Properties": {"Name": f"z{n}.b", "VPCs": [{"VPCId": "v"}]}}
        for n in range(3_500)
    }
    records = {
        f"R{n}": {
            "Type": "AWS::Route53::RecordSet",
            "Properties": {"Name": "x.b", "Type": "A", "HostedZoneId": {"Ref": f"Z{n}"}, "ResourceRecords": ["1"]},
        }
        for n in range(3_500)
    }
    return write(folder, {**application(), **zones, **records})


@hostile
def many_policies_of_many_roles(folder: Path) -> Path:
    statement = {"Effect": "Allow", "Action": ["x"] * 30_000, "Resource": ["y"] * 30_000}
    role = {"Type": "AWS::IAM::Role", "Properties": {"Policies": [{"PolicyDocument": {"Statement": [statement]}}]}}
    resources = {f"R{n}": {"Type": "AWS::IAM::Role", "Properties": {}} for n in range(5_000)}
    policy = {
        "Type": "AWS::IAM::Policy",
        "Properties": {"Roles": [{"Ref": f"R{n}"} for n in range(5_000)], "PolicyDocument": {"Statement": statement}},
    }
    return write(folder, {**application(), "Role": role, **resources, "Policy": policy})


# Files


def write_assembly(folder: Path, artifacts: Json) -> Path:
    """Write the manifest of a cloud assembly."""
    folder.mkdir(exist_ok=True)
    write_text(folder / "manifest.json", json.dumps({"artifacts": artifacts}, separators=(",", ":")))
    return folder


def nested_assembly(directory: str) -> Json:
    """Return the artifact of a nested cloud assembly."""
    return {"type": "cdk:cloud-assembly", "properties": {"directoryName": directory}}


@hostile
def assembly_nested_again_and_again(folder: Path) -> Path:
    for level in range(40):
        write_assembly(folder / f"l{level}", {name: nested_assembly(f"../l{level + 1}") for name in "ab"})
    write(folder, application())
    stack = {"type": "aws:cloudformation:stack", "properties": {"templateFile": "../template.json"}}
    write_assembly(folder / "l40", {"s": stack})
    return folder / "l0"


@hostile
def assembly_nested_10000_times(folder: Path) -> Path:
    write_assembly(folder, {f"a{number}": nested_assembly("inner") for number in range(10_000)})
    stack = {"type": "aws:cloudformation:stack", "properties": {"templateFile": "../t.json"}}
    write_assembly(folder / "inner", {"s": stack})
    write(folder, {**application(), "X": {"Type": "A", "Metadata": {"x": ["x"] * 200_000}}}, "t.json")
    return folder


@hostile
def assembly_with_a_large_template_5000_times(folder: Path) -> Path:
    stack = {"type": "aws:cloudformation:stack", "properties": {"templateFile": "t.json"}}
    write(folder, {**application(), "X": {"Type": "A", "Metadata": {"x": ["x"] * 200_000}}}, "t.json")
    return write_assembly(folder, {f"s{number}": stack for number in range(5_000)})


@hostile
def nested_stacks_of_one_large_template(folder: Path) -> Path:
    nested = {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": "child.json"}}
    write(folder, {**application(), "X": {"Type": "A", "Metadata": {"x": ["x"] * 200_000}}}, "child.json")
    return write(folder, {**application(), **{f"N{number}": nested for number in range(190)}})


@hostile
def nested_stacks_of_one_large_yaml_template(folder: Path) -> Path:
    nested = {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": "child.yaml"}}
    write_text(folder / "child.yaml", f"Resources: {json.dumps(application())}\nX: [{'{},' * 60_000}]\n")
    return write(folder, {**application(), **{f"N{number}": nested for number in range(190)}})


@hostile
def nested_stacks_of_nested_stacks(folder: Path) -> Path:
    for level in range(30):
        nested = {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": f"t{level + 1}.json"}}
        write(folder, {"A": nested, "B": nested}, f"t{level}.json")
    write(folder, application(), "t30.json")
    return folder / "t0.json"


@hostile
def manifest_of_one_megabyte(folder: Path) -> Path:
    return write_assembly(folder, {f"a{number}": {"metadata": ["x"]} for number in range(33_000)})


@hostile
def manifest_of_ninety_megabytes(folder: Path) -> Path:
    (folder / "manifest.json").write_text('{"artifacts":{"a":{"metadata":[' + "[]," * 30_000_000 + "1]}}}")
    return folder


@hostile
def folder_of_many_templates(folder: Path) -> Path:
    inner = folder / "templates"
    inner.mkdir()
    for number in range(60):
        write(inner, {**application(), "X": {"Type": "A", "Metadata": {"x": ["x"] * 200_000}}}, f"t{number}.json")
    return inner


@hostile
def folder_of_many_yaml_templates(folder: Path) -> Path:
    inner = folder / "templates"
    inner.mkdir()
    for number in range(30):
        write_text(inner / f"t{number}.yaml", f"Resources: {json.dumps(application())}\nX: [{'{},' * 60_000}]\n")
    return inner


@hostile
def folder_of_many_small_files(folder: Path) -> Path:
    inner = folder / "templates"
    inner.mkdir()
    for number in range(20_000):
        (inner / f"t{number}.json").write_text('{"Resources":{}}')
    return inner


@hostile
def folder_of_many_virtual_nodes(folder: Path) -> Path:
    inner = folder / "templates"
    inner.mkdir()
    write(inner, application())
    for number in range(20):
        nodes = {f"N{n}": virtual_node(f"n{number}-{n}") for n in range(500)}
        write(inner, nodes, f"t{number}.json")
    return inner


@hostile
def folder_of_many_routes(folder: Path) -> Path:
    inner = folder / "templates"
    inner.mkdir()
    listeners = {"Listeners": [{"PortMapping": {"Port": 80, "Protocol": "http"}}]}
    write(inner, {**application(), "Router": app_mesh("VirtualRouter", "r", listeners)})
    action = {"WeightedTargets": [{"VirtualNode": "a", "Weight": 1}]}
    for number in range(19):
        routes = {}
        for n in range(500):
            header = {"Name": "x", "Match": {"Exact": f"{number}-{n}"}}
            route = {"HttpRoute": {"Match": {"Prefix": "/", "Headers": [header]}, "Action": action}}
            routes[f"R{n}"] = app_mesh("Route", f"r{number}-{n}", route, VirtualRouterName="r")
        write(inner, routes, f"t{number}.json")
    return inner


@hostile
def folder_of_many_services(folder: Path) -> Path:
    inner = folder / "templates"
    inner.mkdir()
    write(inner, application())
    task = application()["Task"]
    for number in range(19):
        services = {f"S{n}": service_of_task() for n in range(400)}
        write(inner, {"Task": task, **services}, f"t{number}.json")
    return inner


@hostile
def folder_of_many_manifests(folder: Path) -> Path:
    inner = folder / "manifests"
    inner.mkdir()
    for number in range(60):
        content = {"meshName": "m", "virtualNodeName": f"n{number}", "spec": {"x": ["x"] * 190_000}}
        write_text(inner / f"t{number}.json", json.dumps(content))
    return inner


@hostile
def file_of_the_kernel_that_claims_size_0(folder: Path) -> Path:
    (folder / "template.json").symlink_to("/proc/self/pagemap")
    return folder / "template.json"


@hostile
def file_of_the_kernel_in_a_folder(folder: Path) -> Path:
    inner = folder / "templates"
    inner.mkdir()
    write(inner, application())
    os.symlink("/proc/kallsyms", inner / "k.json")
    return inner


@hostile
def nested_stack_in_a_file_of_the_kernel(folder: Path) -> Path:
    nested = {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": "/proc/self/pagemap"}}
    return write(folder, {**application(), "N": nested})


@hostile
def images_in_a_file_of_the_kernel(folder: Path) -> Path:
    (folder / "color-mesh.json").symlink_to("/proc/self/pagemap")
    return write(folder, application())


@hostile
def images_in_a_pipe(folder: Path) -> Path:
    os.mkfifo(folder / "color-mesh.json")
    return write(folder, application())


@hostile
def images_in_a_folder(folder: Path) -> Path:
    (folder / "color-mesh.json").mkdir()
    return write(folder, application())


@hostile
def many_images(folder: Path) -> Path:
    images = {f"i{number}": {"command": ["./x"]} for number in range(30_000)}
    write_text(folder / "color-mesh.json", json.dumps({"images": images}))
    return write(folder, application())


@hostile
def images_of_ninety_megabytes(folder: Path) -> Path:
    (folder / "color-mesh.json").write_text('{"images":[' + "[]," * 30_000_000 + "1]}")
    return write(folder, application())


@hostile
def template_that_is_a_pipe(folder: Path) -> Path:
    os.mkfifo(folder / "template.json")
    return folder / "template.json"


@hostile
def template_that_is_a_device(folder: Path) -> Path:
    (folder / "template.json").symlink_to("/dev/zero")
    return folder / "template.json"


@hostile
def pipe_and_device_in_a_folder(folder: Path) -> Path:
    inner = folder / "templates"
    inner.mkdir()
    write(inner, application())
    os.mkfifo(inner / "p.json")
    (inner / "z.json").symlink_to("/dev/zero")
    return inner


@hostile
def manifest_that_is_a_pipe(folder: Path) -> Path:
    os.mkfifo(folder / "manifest.json")
    return folder


@hostile
def manifest_that_is_a_folder(folder: Path) -> Path:
    (folder / "manifest.json").mkdir()
    return folder


@hostile
def manifest_that_is_a_device(folder: Path) -> Path:
    (folder / "manifest.json").symlink_to("/dev/zero")
    return folder


@hostile
def nested_manifest_that_is_a_pipe(folder: Path) -> Path:
    write_assembly(folder, {"a": nested_assembly("inner")})
    (folder / "inner").mkdir()
    os.mkfifo(folder / "inner" / "manifest.json")
    return folder


@hostile
def template_of_an_assembly_that_is_a_pipe(folder: Path) -> Path:
    os.mkfifo(folder / "t.json")
    stack = {"type": "aws:cloudformation:stack", "properties": {"templateFile": "t.json"}}
    return write_assembly(folder, {"s": stack})


@hostile
def nested_stack_that_is_a_pipe(folder: Path) -> Path:
    os.mkfifo(folder / "child.json")
    nested = {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": "child.json"}}
    return write(folder, {**application(), "N": nested})


@hostile
def files_of_the_aws_cli_for_many_routers(folder: Path) -> Path:
    inner = folder / "manifests"
    inner.mkdir()
    listeners = {"listeners": [{"portMapping": {"port": 80, "protocol": "http"}}]}
    node = {**listeners, "serviceDiscovery": {"dns": {"hostname": "a.b"}}}
    write_text(inner / "a.json", json.dumps({"meshName": "m", "virtualNodeName": "a", "spec": node}))
    action = {"weightedTargets": [{"virtualNode": "a", "weight": 1}]}
    route = {"httpRoute": {"match": {"prefix": "/"}, "action": action}}
    for number in range(2_500):
        router = {"meshName": "m", "virtualRouterName": f"r{number}"}
        write_text(inner / f"r{number}.json", json.dumps({**router, "spec": listeners}))
        write_text(inner / f"s{number}.json", json.dumps({**router, "routeName": "q", "spec": route}))
    return inner


@hostile
def zipped_assets_that_expand(folder: Path) -> Path:
    import zipfile

    with zipfile.ZipFile(folder / "asset.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.json", b"0" * 100_000_000)
    write(folder, application(), "t.json")
    stack = {"type": "aws:cloudformation:stack", "properties": {"templateFile": "t.json"}}
    assets = {"type": "cdk:asset-manifest", "properties": {"file": "asset.zip"}}
    return write_assembly(folder, {"s": stack, "s.assets": assets})


@hostile
def template_that_links_to_itself(folder: Path) -> Path:
    (folder / "template.json").symlink_to("template.json")
    return folder / "template.json"


@hostile
def manifest_that_links_to_itself(folder: Path) -> Path:
    (folder / "manifest.json").symlink_to("manifest.json")
    return folder


@hostile
def nested_stack_that_links_to_itself(folder: Path) -> Path:
    (folder / "child.json").symlink_to("child.json")
    nested = {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": "child.json"}}
    return write(folder, {**application(), "N": nested})
