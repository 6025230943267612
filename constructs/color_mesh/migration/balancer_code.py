"""Code of the load balancers whose targets are nodes and gateways."""

from collections.abc import Iterator, Mapping

from color_mesh.ecs.actions import Action
from color_mesh.ecs.conditions import Condition
from color_mesh.ecs.listeners import LoadBalancerListener
from color_mesh.ecs.security_groups import ANYWHERE
from color_mesh.migration.balancer_attributes import BALANCER_ATTRIBUTES, GROUP_ATTRIBUTES, attribute_arguments
from color_mesh.migration.balancer_health import health_check_arguments
from color_mesh.migration.balancers import PROTOCOLS, VERSIONS, MigratedBalancer, PartTargets
from color_mesh.migration.placeholders import stack_text
from color_mesh.migration.python import Code, Identifiers, call, listed, member, unless, value
from color_mesh.migration.tls_policies import SUBSTITUTE, TLS_POLICIES, tls_policy

# Enumeration of the protocols of each type of load balancer.
_ENUMERATIONS: Mapping[str, str] = {"application": "elbv2.ApplicationProtocol", "network": "elbv2.Protocol"}
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
    balancer, kind = migrated.balancer, migrated.balancer.type
    is_named_so = balancer.name.lower().endswith("balancer")
    variable = variables.variable(balancer.name if is_named_so else f"{balancer.name}-balancer", "balancer")
    id = value(ids.construct_id(balancer.name, "LoadBalancer"))
    arguments = {"vpc": Code("cluster.vpc"), **unless(False, internet_facing=balancer.public)}
    if kind == "network":
        # Without a security group of its own, the tasks could not admit it.
        group_id = value(ids.construct_id(f"{balancer.name}-group", "Group"))
        group = call("ec2.SecurityGroup", Code("self"), group_id, vpc=Code("cluster.vpc"))
        arguments["security_groups"] = listed([group])
    arguments |= attribute_arguments(balancer.attributes, BALANCER_ATTRIBUTES[kind])
    yield f"{variable} = {call(f'elbv2.{kind.capitalize()}LoadBalancer', Code('self'), id, **arguments)}"
    groups: dict[str, Code] = {}
    for place, targets in migrated.created.items():
        groups[place] = variables.variable(f"{targets.part.name}-targets", "targets")
        group_id = value(ids.construct_id(f"{balancer.name}-{targets.part.name}-targets", "TargetGroup"))
        created = call(f"elbv2.{kind.capitalize()}TargetGroup", Code("self"), group_id, **_group(targets, kind))
        yield f"{groups[place]} = {created}"
    for listener in migrated.listeners:
        yield from _listener(migrated, listener, variable, groups, variables)


def _group(targets: PartTargets, kind: str) -> dict[str, Code]:
    group, version = targets.group, targets.group.protocol_version
    # Envoy takes plaintext, unless the listener of the node or gateway has TLS.
    protocol = group.protocol or next(iter(PROTOCOLS[kind]))
    health = health_check_arguments(group, kind)
    return {
        "vpc": Code("cluster.vpc"),
        **({"port": value(targets.port)} if kind == "network" else {}),
        "protocol": member(_ENUMERATIONS[kind], protocol, PROTOCOLS[kind]),
        **({} if version == "HTTP1" or kind == "network" else {"protocol_version": _version(version)}),
        "targets": listed([call(f"{targets.owner}[{value(targets.part.name)}].load_balancer_target")]),
        **({"health_check": call("elbv2.HealthCheck", **health)} if health else {}),
        **attribute_arguments(group.attributes, GROUP_ATTRIBUTES[kind]),
    }


def _version(version: str) -> Code:
    return member("elbv2.ApplicationProtocolVersion", version, VERSIONS)


def _listener(
    migrated: MigratedBalancer,
    listener: LoadBalancerListener,
    balancer: Code,
    groups: Mapping[str, Code],
    variables: Identifiers,
) -> Iterator[str]:
    kind, public = migrated.balancer.type, migrated.balancer.public
    protocol, port = str(listener.protocol), value(listener.port)
    clients = [call("ec2.Peer.ipv4", value(str(each))) for each in migrated.clients(listener)]
    is_open = public and migrated.clients(listener) == (ANYWHERE,)
    default, rules = migrated.target(listener.actions), migrated.rules(listener)
    certificates = (call("elbv2.ListenerCertificate.from_arn", stack_text(str(each))) for each in listener.certificates)
    arguments = {
        "port": port,
        "protocol": member(_ENUMERATIONS[kind], protocol, PROTOCOLS[kind]),
        **({"open": value(is_open)} if kind == "application" else {}),
        **({"certificates": listed(certificates)} if protocol in ("HTTPS", "TLS") else {}),
        **_tls_policy(listener),
        **(
            {"default_target_groups": listed([groups[default]])}
            if default is not None
            else {"default_action": _answer(migrated.answer(listener.actions))}
        ),
    }
    created = call(f"{balancer}.add_listener", value(f"{protocol}{listener.port}"), **arguments)
    variable = variables.variable(f"{migrated.balancer.name}-{protocol}-{listener.port}", "listener")
    yield f"{variable} = {created}" if rules else created
    if not public:
        clients = [call("ec2.Peer.ipv4", Code("cluster.vpc.vpc_cidr_block"))]
    elif is_open:
        # An application load balancer with ``open`` admits them.
        clients = [call("ec2.Peer.any_ipv4")] if kind == "network" else []
    for each in clients:
        yield call(f"{balancer}.connections.allow_from", each, call("ec2.Port.tcp", port))
    for rule in rules:
        actions = rule.actions if migrated.rule_loss(rule) is None else ()
        target = migrated.target(actions)
        yield call(
            f"{variable}.{'add_action' if target is None else 'add_target_groups'}",
            value(f"Rule{rule.priority}"),
            priority=value(rule.priority),
            conditions=listed(map(_condition, rule.conditions)),
            **(
                {"action": _answer(migrated.answer(actions))}
                if target is None
                else {"target_groups": listed([groups[target]])}
            ),
        )


def _tls_policy(listener: LoadBalancerListener) -> dict[str, Code]:
    if listener.tls_policy is None or listener.protocol not in ("HTTPS", "TLS"):
        return {}
    policy = tls_policy(listener.tls_policy) or SUBSTITUTE
    return {"ssl_policy": member("elbv2.SslPolicy", policy, TLS_POLICIES.values())}


def _answer(action: Action | None) -> Code:
    """Render an action by which the load balancer itself answers; without one, it answers 503."""
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
