"""Actions of listeners and rules of load balancers (Elastic Load Balancing, version 2)."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from color_mesh.appmesh.fields import Fields
from color_mesh.ecs.reading import resource_key


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


def read_actions(fields: Fields, key: str) -> tuple[Action, ...]:
    """Read actions in their order."""
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
