"""Code of the application load balancers whose targets are nodes."""

from collections.abc import Iterator

from color_mesh.ecs.actions import Action
from color_mesh.ecs.conditions import Condition
from color_mesh.ecs.listeners import LoadBalancerListener
from color_mesh.ecs.target_groups import HTTP_PROTOCOLS
from color_mesh.migration.balancers import MigratedBalancer, NodeTargets
from color_mesh.migration.placeholders import stack_text
from color_mesh.migration.python import Code, Identifiers, call, listed, member, unless, value

_VERSIONS = ("HTTP1", "HTTP2", "GRPC")
_CONDITIONS = {
    "host-header": "host_headers",
    "http-request-method": "http_request_methods",
    "path-pattern": "path_patterns",
    "source-ip": "source_ips",
}


def balancer_statements(migrated: MigratedBalancer, ids: Identifiers, variables: Identifiers) -> Iterator[str]:
    """Render the statements that create a load balancer, its target groups, listeners and rules.

    Args:
        migrated: Load balancer.
        ids: Ids of the stack's constructs.
        variables: Variables of the function.
    """
    name = migrated.balancer.name
    balancer = variables.variable(f"{name}-balancer", "balancer")
    id = value(ids.construct_id(name, "LoadBalancer"))
    arguments = {"vpc": Code("cluster.vpc"), **unless(False, internet_facing=migrated.balancer.public)}
    yield f"{balancer} = {call('elbv2.ApplicationLoadBalancer', Code('self'), id, **arguments)}"
    groups: dict[str, Code] = {}
    for place, targets in migrated.targets.items():
        groups[place] = variables.variable(f"{targets.node}-targets", "targets")
        group_id = value(ids.construct_id(f"{name}-{targets.node}-targets", "TargetGroup"))
        yield f"{groups[place]} = {call('elbv2.ApplicationTargetGroup', Code('self'), group_id, **_group(targets))}"
    for listener in migrated.listeners:
        yield from _listener(migrated, listener, balancer, groups, variables)


def _group(targets: NodeTargets) -> dict[str, Code]:
    group, check = targets.group, targets.group.health_check
    health = {
        **unless("/", path=check.path),
        **unless("200", healthy_http_codes=check.codes),
        **({} if check.interval_seconds == 30 else {"interval": _seconds(check.interval_seconds)}),
        **({} if check.timeout_seconds == 5 else {"timeout": _seconds(check.timeout_seconds)}),
        **unless(5, healthy_threshold_count=check.healthy_threshold),
        **unless(2, unhealthy_threshold_count=check.unhealthy_threshold),
    }
    if group.protocol_version == "GRPC":
        health.pop("healthy_http_codes", None)
    delay = group.deregistration_delay_seconds
    version = group.protocol_version
    return {
        "vpc": Code("cluster.vpc"),
        # Envoy takes plaintext, unless the listener of the node has TLS.
        "protocol": member("elbv2.ApplicationProtocol", group.protocol or "HTTP", HTTP_PROTOCOLS),
        **({} if version == "HTTP1" else {"protocol_version": _version(version)}),
        "targets": listed([call(f"nodes[{value(targets.node)}].load_balancer_target")]),
        **({"health_check": call("elbv2.HealthCheck", **health)} if health else {}),
        **({} if delay == 300 else {"deregistration_delay": _seconds(delay)}),
    }


def _version(version: str) -> Code:
    return member("elbv2.ApplicationProtocolVersion", version, _VERSIONS)


def _listener(
    migrated: MigratedBalancer,
    listener: LoadBalancerListener,
    balancer: Code,
    groups: dict[str, Code],
    variables: Identifiers,
) -> Iterator[str]:
    protocol = str(listener.protocol)
    variable = variables.variable(f"{migrated.balancer.name}-{protocol}-{listener.port}", "listener")
    default = migrated.target(listener.actions)
    certificates = (call("elbv2.ListenerCertificate.from_arn", stack_text(str(each))) for each in listener.certificates)
    arguments = {
        "port": value(listener.port),
        "protocol": member("elbv2.ApplicationProtocol", protocol, HTTP_PROTOCOLS),
        "open": value(migrated.balancer.public),
        **({"certificates": listed(certificates)} if protocol == "HTTPS" else {}),
        **(
            {"default_target_groups": listed([groups[default]])}
            if default is not None
            else {"default_action": _default_action(listener.actions[-1] if listener.actions else None)}
        ),
    }
    yield f"{variable} = {call(f'{balancer}.add_listener', value(f'{protocol}{listener.port}'), **arguments)}"
    if not migrated.balancer.public:
        vpc = call("ec2.Peer.ipv4", Code("cluster.vpc.vpc_cidr_block"))
        yield call(f"{balancer}.connections.allow_from", vpc, call("ec2.Port.tcp", value(listener.port)))
    for rule in migrated.rules(listener):
        target = migrated.target(rule.actions)
        assert target is not None
        yield call(
            f"{variable}.add_target_groups",
            value(f"Rule{rule.priority}"),
            priority=value(rule.priority),
            conditions=listed(map(_condition, rule.conditions)),
            target_groups=listed([groups[target]]),
        )


def _default_action(action: Action | None) -> Code:
    """Render the default action of a listener that does not forward to a node."""
    if action is not None and action.redirect is not None:
        redirect = action.redirect
        parts = {
            **unless("#{protocol}", protocol=redirect.protocol),
            **unless("#{host}", host=redirect.host),
            **unless("#{port}", port=redirect.port),
            **unless("/#{path}", path=redirect.path),
            **unless("#{query}", query=redirect.query),
            "permanent": value(redirect.status_code == 301),
        }
        return call("elbv2.ListenerAction.redirect", **parts)
    if action is not None and action.fixed_response is not None:
        response = action.fixed_response
        texts = unless("text/plain", content_type=response.content_type) | unless("", message_body=response.body)
        return call("elbv2.ListenerAction.fixed_response", value(response.status_code), **texts)
    return call("elbv2.ListenerAction.fixed_response", value(503))


def _condition(condition: Condition) -> Code:
    values = listed(map(value, condition.values))
    if condition.field == "http-header":
        return call("elbv2.ListenerCondition.http_header", value(condition.header or ""), values)
    if condition.field == "query-string":
        pairs = (
            call("elbv2.QueryStringCondition", **unless(None, key=key), value=value(text))
            for key, text in condition.pairs
        )
        return call("elbv2.ListenerCondition.query_strings", listed(pairs))
    return call(f"elbv2.ListenerCondition.{_CONDITIONS[condition.field]}", values)


def _seconds(number: int) -> Code:
    return call("Duration.seconds", value(number))
