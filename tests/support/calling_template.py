"""A template whose Envoy asks Cloud Map itself, with the role of its task: a caller and two nodes with tasks.

The configuration of the Envoy is as small as it can be. What the constructs compile is tested elsewhere.
"""

import json
from typing import Any

from tests.support.local_templates import TRUST, Resources, resource

REGION = "us-east-1"
HOST = f"data-servicediscovery.{REGION}.amazonaws.com"
_TYPE = "type.googleapis.com/"
# Endpoints of services are those of Cloud Map; the weights are the attributes of an instance.
_LUA = """
local function text(kind, value)
  return string.format('{"version_info":"1","type_url":"type.googleapis.com/%s","resources":[{"@type":"type.googleapis.com/%s",%s}]}', kind, kind, value)
end
function envoy_on_request(handle)
  local weights = handle:headers():get(":path"):find("runtime", 1, true) ~= nil
  local body = handle:body()
  local name = body:getBytes(0, body:length()):match('"resource_names":%s*%[%s*"([^"]+)"')
  local namespace, service = name:match("^([^/]+)/(.+)$")
  handle:streamInfo():dynamicMetadata():set("test", "name", name)
  handle:streamInfo():dynamicMetadata():set("test", "weights", weights)
  local length = body:setBytes(string.format('{"NamespaceName":"%s","ServiceName":"%s","MaxResults":1000,"HealthStatus":"HEALTHY_OR_ELSE_ALL"}', namespace, service))
  local headers = handle:headers()
  headers:replace(":path", "/")
  headers:replace("content-type", "application/x-amz-json-1.1")
  headers:replace("content-length", length)
  headers:add("x-amz-target", "Route53AutoNaming_v20170314.DiscoverInstances")
end
function envoy_on_response(handle)
  if handle:headers():get(":status") ~= "200" then return end
  local asked = handle:streamInfo():dynamicMetadata():get("test")
  local body = handle:body()
  local answer, found, out = body:getBytes(0, body:length()), {}, nil
  if asked.weights then
    for node, weight in (answer:match('"Attributes":%s*(%b{})') or ""):gmatch('"([%w%-]+)":%s*"(%d+)"') do
      found[#found + 1] = string.format('"weights.%s":%s', node, weight)
    end
    out = text("envoy.service.runtime.v3.Runtime", string.format('"name":"%s","layer":{%s}', asked.name, table.concat(found, ",")))
  else
    for ip in answer:gmatch('"AWS_INSTANCE_IPV4":%s*"([%d%.]+)"') do
      found[#found + 1] = string.format('{"endpoint":{"address":{"socket_address":{"address":"%s","port_value":80}}}}', ip)
    end
    out = text("envoy.config.endpoint.v3.ClusterLoadAssignment", string.format('"cluster_name":"%s","endpoints":[{"lb_endpoints":[%s]}]', asked.name, table.concat(found, ",")))
  end
  handle:headers():replace("content-type", "application/json")
  handle:headers():replace("content-length", body:setBytes(out))
end
"""  # noqa: E501


def _extension(name: str, kind: str, **fields: Any) -> dict[str, Any]:
    return {"name": name, "typed_config": {"@type": _TYPE + kind, **fields}}


def _source() -> dict[str, Any]:
    api = {"api_type": "REST", "transport_api_version": "V3", "cluster_names": ["aws"], "refresh_delay": "0.5s"}
    return {
        "resource_api_version": "V3",
        "initial_fetch_timeout": "0.1s",
        "api_config_source": {**api, "request_timeout": "2s"},
    }


def _tasks_of(name: str) -> dict[str, Any]:
    return {
        "name": name,
        "type": "EDS",
        "ignore_health_on_host_removal": True,
        "eds_cluster_config": {"service_name": f"shop.local/{name}", "eds_config": _source()},
    }


def _aws() -> dict[str, Any]:
    filters = [
        _extension(
            "envoy.filters.http.lua",
            "envoy.extensions.filters.http.lua.v3.Lua",
            default_source_code={"inline_string": _LUA},
        ),
        _extension(
            "envoy.filters.http.aws_request_signing",
            "envoy.extensions.filters.http.aws_request_signing.v3.AwsRequestSigning",
            service_name="servicediscovery",
            region=REGION,
            host_rewrite=HOST,
        ),
        _extension(
            "envoy.filters.http.upstream_codec",
            "envoy.extensions.filters.http.upstream_codec.v3.UpstreamCodec",
        ),
    ]
    options: dict[str, Any] = {"@type": f"{_TYPE}envoy.extensions.upstreams.http.v3.HttpProtocolOptions"}
    options |= {"explicit_http_config": {"http_protocol_options": {}}, "http_filters": filters}
    trusted: dict[str, Any] = {"trusted_ca": {"filename": "/etc/ssl/certs/ca-certificates.crt"}}
    trusted |= {"match_typed_subject_alt_names": [{"san_type": "DNS", "matcher": {"exact": HOST}}]}
    endpoint = {"address": {"socket_address": {"address": HOST, "port_value": 443}}}
    return {
        "name": "aws",
        "type": "LOGICAL_DNS",
        "connect_timeout": "1s",
        "dns_lookup_family": "V4_ONLY",
        "load_assignment": {"cluster_name": "aws", "endpoints": [{"lb_endpoints": [{"endpoint": endpoint}]}]},
        "transport_socket": _extension(
            "envoy.transport_sockets.tls",
            "envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
            sni=HOST,
            common_tls_context={"validation_context": trusted},
        ),
        "typed_extension_protocol_options": {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": options},
    }


def _router() -> dict[str, Any]:
    clusters = [{"name": "green", "weight": 1}, {"name": "yellow", "weight": 0}]
    route = {"weighted_clusters": {"runtime_key_prefix": "weights", "clusters": clusters}}
    retry = {"retry_on": "connect-failure,refused-stream,reset", "num_retries": 2}
    routes = [{"match": {"prefix": "/"}, "route": {**route, "retry_policy": retry}}]
    manager = _extension(
        "envoy.filters.network.http_connection_manager",
        "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        stat_prefix="router",
        http_filters=[_extension("envoy.filters.http.router", "envoy.extensions.filters.http.router.v3.Router")],
        route_config={"virtual_hosts": [{"name": "router", "domains": ["*"], "routes": routes}]},
    )
    address = {"socket_address": {"address": "127.0.0.1", "port_value": 8000}}
    return {"name": "router", "address": address, "filter_chains": [{"filters": [manager]}]}


BOOTSTRAP = {
    "node": {"id": "caller", "cluster": "caller"},
    "admin": {"address": {"socket_address": {"address": "127.0.0.1", "port_value": 9901}}},
    "layered_runtime": {
        "layers": [{"name": "weights", "rtds_layer": {"name": "shop.local/router", "rtds_config": _source()}}]
    },
    "static_resources": {"listeners": [_router()], "clusters": [_aws(), _tasks_of("green"), _tasks_of("yellow")]},
}


def _reference(name: str, attribute: str) -> dict[str, Any]:
    return {"Fn::GetAtt": [name, attribute]}


def _discovery(name: str, **properties: Any) -> Resources:
    return resource(
        "AWS::ServiceDiscovery::Service", Name=name, NamespaceId=_reference("Namespace", "Id"), **properties
    )


def _service(name: str, count: int, **properties: Any) -> Resources:
    return resource(
        "AWS::ECS::Service",
        ServiceName=name,
        Cluster="shop",
        TaskDefinition={"Ref": f"{name}Task"},
        DesiredCount=count,
        NetworkConfiguration={
            "AwsvpcConfiguration": {
                "Subnets": [{"Ref": "Subnet"}],
                "SecurityGroups": [_reference("Group", "GroupId")],
            }
        },
        **properties,
    )


def _node(color: str, count: int) -> Resources:
    container: dict[str, Any] = {
        "Name": color,
        "Image": "forsakenidol/colorapp",
        "Environment": [{"Name": "COLOR", "Value": color}],
    }
    check = {"Command": ["CMD-SHELL", "curl -f http://localhost/healthcheck"], "Interval": 5, "Retries": 2}
    task: dict[str, Any] = {"Family": color, "ContainerDefinitions": [{**container, "HealthCheck": check}]}
    records = {"DnsRecords": [{"Type": "A", "TTL": 5}]}
    return {
        f"{color}Task": resource("AWS::ECS::TaskDefinition", **task),
        f"{color}Names": _discovery(color, DnsConfig=records, HealthCheckCustomConfig={"FailureThreshold": 1}),
        f"{color}Service": _service(
            color, count, ServiceRegistries=[{"RegistryArn": _reference(f"{color}Names", "Arn")}]
        ),
    }


def permission(*services: str) -> dict[str, Any]:
    """Return a policy that allows a role to discover the instances of services."""
    condition: dict[str, Any] = {"StringEquals": {"servicediscovery:NamespaceName": "shop.local"}}
    condition["StringEquals"] |= {"servicediscovery:ServiceName": list(services)}
    statement = {"Effect": "Allow", "Action": "servicediscovery:DiscoverInstances", "Resource": "*"}
    return {"PolicyDocument": {"Statement": {**statement, "Condition": condition}}}


def calling_template(green: int = 2, yellow: int = 1) -> dict[str, Any]:
    """Return the template.

    Args:
        green: Number of tasks of the node ``green``.
        yellow: Number of tasks of the node ``yellow``.
    """
    everyone = {"IpProtocol": "-1", "CidrIp": "0.0.0.0/0"}
    envoy: dict[str, Any] = {"Name": "envoy", "Image": "envoyproxy/envoy:v1", "User": "101"}
    envoy |= {"Command": ["--config-yaml", json.dumps(BOOTSTRAP), "--concurrency", "1"]}
    app = {"Name": "caller", "Image": "forsakenidol/colorapp", "Environment": [{"Name": "COLOR", "Value": "caller"}]}
    resources = {
        "Vpc": resource("AWS::EC2::VPC", CidrBlock="10.1.0.0/16"),
        "Subnet": resource("AWS::EC2::Subnet", CidrBlock="10.1.2.0/24", AvailabilityZone=f"{REGION}b"),
        "Group": resource(
            "AWS::EC2::SecurityGroup",
            GroupName="tasks",
            SecurityGroupIngress=[everyone],
            SecurityGroupEgress=[everyone],
        ),
        "Namespace": resource("AWS::ServiceDiscovery::PrivateDnsNamespace", Name="shop.local", Vpc="vpc-1"),
        **_node("green", green),
        **_node("yellow", yellow),
        "Router": _discovery("router", Type="HTTP"),
        "Weights": resource(
            "AWS::ServiceDiscovery::Instance",
            ServiceId={"Ref": "Router"},
            InstanceId="color-route",
            InstanceAttributes={"green": "1", "yellow": "0"},
        ),
        "Role": resource(
            "AWS::IAM::Role",
            AssumeRolePolicyDocument=TRUST,
            Policies=[permission("green", "yellow", "router")],
        ),
        "callerTask": resource(
            "AWS::ECS::TaskDefinition",
            Family="caller",
            ContainerDefinitions=[app, envoy],
            TaskRoleArn=_reference("Role", "Arn"),
        ),
        "callerService": _service("caller", 1),
    }
    return {"Resources": resources}
