"""Listeners of load balancers and their rules (Elastic Load Balancing, version 2)."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from color_mesh.appmesh.fields import Fields
from color_mesh.cloudformation import Resource
from color_mesh.ecs.reading import Reader, resource_key

_TYPE = "AWS::ElasticLoadBalancingV2::{}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Redirect:
    """Redirect of requests. ``#{protocol}``, ``#{host}``, ``#{port}``, ``#{path}`` and ``#{query}`` are their own.

    Attributes:
        protocol: Protocol.
        host: Hostname.
        port: Port.
        path: Path, with a slash at its beginning.
        query: Query, without a question mark.
        status_code: HTTP status code.
    """

    protocol: str = "#{protocol}"
    host: str = "#{host}"
    port: str = "#{port}"
    path: str = "/#{path}"
    query: str = "#{query}"
    status_code: int = 301


@dataclass(frozen=True, kw_only=True, slots=True)
class FixedResponse:
    """Response of the load balancer itself.

    Attributes:
        status_code: HTTP status code.
        content_type: Content type.
        body: Body.
    """

    status_code: int
    content_type: str = "text/plain"
    body: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Action:
    """Action of a listener or rule.

    Attributes:
        type: Type, such as ``forward`` or ``authenticate-oidc``.
        weights: Target groups that requests are forwarded to, each with its weight.
        redirect: Redirect, of an action of this type.
        fixed_response: Response, of an action of this type.
    """

    type: str | None
    weights: Mapping[str, int] = field(default_factory=dict)
    redirect: Redirect | None = None
    fixed_response: FixedResponse | None = None

    @property
    def target_groups(self) -> tuple[str, ...]:
        """Target groups that requests are forwarded to."""
        return tuple(self.weights)


@dataclass(frozen=True, kw_only=True, slots=True)
class Condition:
    """Condition of a rule, which one of its values or regular expressions must fulfil.

    Attributes:
        field: Kind: ``host-header``, ``http-header``, ``http-request-method``, ``path-pattern``, ``query-string`` or
            ``source-ip``.
        values: Patterns with ``*`` and ``?``; methods, or ranges of addresses.
        regexes: Regular expressions.
        header: Name of the header, for ``http-header``.
        pairs: Keys and values of the query string, for ``query-string``; ``None`` for any key.
    """

    field: str
    values: tuple[str, ...] = ()
    regexes: tuple[str, ...] = ()
    header: str | None = None
    pairs: tuple[tuple[str | None, str], ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class ListenerRule:
    """Rule of a listener.

    Attributes:
        listener: Listener.
        actions: Actions for requests that match.
        priority: Priority; the lowest number comes first.
        conditions: Conditions, all of which must be fulfilled.
        transforms: Types of the transforms of requests.
    """

    listener: str | None
    actions: tuple[Action, ...] = ()
    priority: int = 0
    conditions: tuple[Condition, ...] = ()
    transforms: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class LoadBalancerListener:
    """Listener of a load balancer.

    Attributes:
        load_balancer: Load balancer.
        protocol: Protocol, such as ``TCP`` or ``HTTPS``.
        port: Port.
        actions: Default actions.
        rules: Rules, by priority.
    """

    load_balancer: str | None
    protocol: str | None
    port: int
    actions: tuple[Action, ...] = ()
    rules: tuple[ListenerRule, ...] = ()

    @property
    def target_groups(self) -> tuple[str, ...]:
        """Target groups of all actions."""
        actions = (*self.actions, *(action for rule in self.rules for action in rule.actions))
        return tuple(dict.fromkeys(group for action in actions for group in action.target_groups))


def read_listener_rules(reader: Reader) -> dict[str, ListenerRule]:
    """Read the listener rules, by place."""
    return reader.read_all(_TYPE.format("ListenerRule"), _listener_rule)


def read_listeners(reader: Reader) -> dict[str, LoadBalancerListener]:
    """Read the listeners, by place; without their rules."""
    return reader.read_all(_TYPE.format("Listener"), _listener)


def _listener(fields: Fields, _: Resource) -> LoadBalancerListener:
    return LoadBalancerListener(
        load_balancer=resource_key(fields.value("LoadBalancerArn")),
        protocol=fields.optional_text("Protocol"),
        port=fields.integer("Port"),
        actions=_actions(fields, "DefaultActions"),
    )


def _listener_rule(fields: Fields, _: Resource) -> ListenerRule:
    return ListenerRule(
        listener=resource_key(fields.value("ListenerArn")),
        actions=_actions(fields, "Actions"),
        priority=fields.optional_integer("Priority") or 0,
        conditions=fields.many("Conditions", _condition),
        transforms=fields.many("Transforms", lambda each: each.optional_text("Type") or ""),
    )


def _actions(fields: Fields, key: str) -> tuple[Action, ...]:
    ordered = fields.many(key, lambda each: (each.optional_integer("Order") or 0, _action(each)))
    return tuple(action for _, action in sorted(ordered, key=lambda each: each[0]))


def _action(fields: Fields) -> Action:
    weighted = fields.optional("ForwardConfig", lambda each: each.many("TargetGroups", _weight)) or ()
    group = resource_key(fields.value("TargetGroupArn"))
    single = {group: 1} if group is not None else {}
    return Action(
        type=fields.optional_text("Type"),
        weights={**single, **{group: weight for group, weight in weighted if group is not None}},
        redirect=fields.optional("RedirectConfig", _redirect),
        fixed_response=fields.optional("FixedResponseConfig", _fixed_response),
    )


def _weight(fields: Fields) -> tuple[str | None, int]:
    weight = fields.optional_integer("Weight")
    return resource_key(fields.value("TargetGroupArn")), 1 if weight is None else weight


def _redirect(fields: Fields) -> Redirect:
    default, query = Redirect(), fields.optional_text("Query")
    return Redirect(
        protocol=fields.optional_text("Protocol") or default.protocol,
        host=fields.optional_text("Host") or default.host,
        port=fields.optional_text("Port") or default.port,
        path=fields.optional_text("Path") or default.path,
        # An empty query is none, not the default.
        query=default.query if query is None else query,
        status_code=_status_code(fields, fields.text("StatusCode").removeprefix("HTTP_")),
    )


def _fixed_response(fields: Fields) -> FixedResponse:
    return FixedResponse(
        status_code=_status_code(fields, fields.text("StatusCode")),
        content_type=fields.optional_text("ContentType") or "text/plain",
        body=fields.optional_text("MessageBody") or "",
    )


def _status_code(fields: Fields, text: str) -> int:
    if text.isascii() and text.isdigit() and len(text) == 3 and "2" <= text[0] <= "5":
        return int(text)
    fields.report("StatusCode", "is not a status code", "200 to 599; of a redirect, HTTP_301 or HTTP_302")
    return 503


def _condition(fields: Fields) -> Condition:
    kind = fields.text("Field")
    config = "".join(word.capitalize() for word in kind.split("-"))
    inner = fields.optional(f"{config}Config", _condition_config)
    values, regexes = fields.texts("Values"), fields.texts("RegexValues")
    if inner is None:
        return Condition(field=kind, values=values, regexes=regexes)
    return Condition(
        field=kind,
        values=(*values, *inner.values),
        regexes=(*regexes, *inner.regexes),
        header=inner.header,
        pairs=inner.pairs,
    )


def _condition_config(fields: Fields) -> Condition:
    """Read the configuration of a condition, such as ``HttpHeaderConfig``."""
    pairs: tuple[tuple[str | None, str], ...] = ()
    values: tuple[str, ...] = ()
    if fields.place.endswith("QueryStringConfig"):
        pairs = fields.many("Values", lambda each: (each.optional_text("Key"), each.text("Value")))
    else:
        values = fields.texts("Values")
    return Condition(
        field="",
        values=values,
        regexes=fields.texts("RegexValues"),
        header=fields.optional_text("HttpHeaderName"),
        pairs=pairs,
    )
