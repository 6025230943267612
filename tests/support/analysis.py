"""Small meshes for the rules of the analysis, and the texts of what a rule finds."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from color_mesh.analysis import RULES, Facts
from color_mesh.ecs import Declarations
from color_mesh.ecs.containers import Container
from color_mesh.ecs.mesh_resources import MeshResource
from color_mesh.ecs.services import Registration, Service
from color_mesh.ecs.target_groups import TargetGroup
from color_mesh.ecs.task_definitions import ProxyConfiguration, TaskDefinition
from color_mesh.model import Listener, Mesh, Route, VirtualNode
from tests.support.builders import gateway, mesh, node, route, router, service, to

TASK = "app.yaml: Task"


def texts(identifier: str, mesh: Mesh, **beside: Any) -> list[str]:
    """Return the subject, property and text of each fault that a rule finds.

    Args:
        identifier: Id of the rule.
        mesh: The mesh.
        **beside: Declarations beside the mesh, and other facts.
    """
    (rule,) = (rule for rule in RULES if rule.id == identifier)
    of_facts = ("references", "places", "tcp_idle_millis", "left_out", "validates_acm")
    declared = {name: value for name, value in beside.items() if name not in of_facts}
    others = {name: value for name, value in beside.items() if name not in declared}
    facts = Facts(mesh=mesh, declarations=Declarations(**declared), **others)
    return [f"{fault.subject} {fault.property}: {fault.text}" for fault in rule.check(facts)]


def routed(
    routed_by: Route | None = None, *, red: Listener | None = None, blue: Mapping[str, Any] | None = None, **parts: Any
) -> Mesh:
    """Return a mesh in which blue calls red, by a router with one route.

    Args:
        routed_by: The route. Default: all requests to red.
        red: Listener of red. Default: HTTP on port 80.
        blue: Changes of blue.
        **parts: Further parts of the mesh.
    """
    first = routed_by or route()
    listener = red or Listener(port=80)
    caller = replace(node("blue", backends=(to("red.colors.local"),)), **(blue or {}))
    return mesh(
        **{
            "nodes": (node(listeners=(listener,)), caller),
            "services": (service(virtual_router="router"),),
            "routers": (router("router", Listener(port=listener.port, protocol=first.protocol), routes=(first,)),),
            **parts,
        }
    )


def provided(red: VirtualNode | None = None, **changes: Any) -> Mesh:
    """Return a mesh in which blue calls red, which provides its service without a router.

    Args:
        red: The node red.
        **changes: Changes of blue.
    """
    caller = replace(node("blue", backends=(to("red.colors.local"),)), **changes)
    return mesh(nodes=(red or node(), caller), services=(service(virtual_node="red"),))


def entered(*routes: Any, on: tuple[Listener, ...] = (Listener(port=80),), **changes: Any) -> Mesh:
    """Return a mesh whose gateway has these routes, to services that red provides."""
    names = dict.fromkeys(each.virtual_service for each in routes)
    services = tuple(service(name, virtual_node="red") for name in names)
    return mesh(nodes=(node(),), services=services, gateways=(gateway("gateway", *on, routes=routes, **changes),))


def envoy(name: str = "red", kind: str = "virtualNode", **changes: Any) -> Container:
    """Return an Envoy that gets the configuration of a node or gateway from App Mesh."""
    resource = MeshResource(mesh="colors", kind=kind, name=name)
    return replace(Container(name="envoy", image="envoy", user="1337", mesh_resource=resource), **changes)


def node_task(*containers: Container, **changes: Any) -> dict[str, TaskDefinition]:
    """Return the task definition of red, or of the Envoy among the containers, by its place."""
    all_containers = containers or (Container(name="app", image="app"), envoy())
    return {TASK: replace(TaskDefinition(family="red", containers=all_containers), **changes)}


def proxy(**changes: Any) -> ProxyConfiguration:
    """Return the redirection of a task's traffic to Envoy."""
    declared = ProxyConfiguration(
        egress_port=15001,
        ingress_port=15000,
        app_ports=(80,),
        ignored_uid=1337,
        ignored_ips=("169.254.170.2", "169.254.169.254"),
    )
    return replace(declared, **changes)


def calling(mesh: Mesh, name: str = "blue", **variables: str) -> dict[str, Any]:
    """Return declarations beside a mesh: the task of a node whose application has these environment variables."""
    app = Container(name="app", image="app", environment=variables)
    return {"mesh": mesh, "task_definitions": node_task(app, envoy(name))}


def in_target_group(part: str = "gateway", port: int = 80, **group: Any) -> dict[str, Any]:
    """Return declarations of a service whose tasks, those of a gateway or node, are in a target group at a port."""
    kind = "virtualGateway" if part == "gateway" else "virtualNode"
    registration = Registration(registry="app.yaml: Group", port=port)
    return {
        "task_definitions": node_task(envoy(part, kind)),
        "services": {"app.yaml: Service": Service(name="s", task_definition=TASK, targets=(registration,))},
        "target_groups": {"app.yaml: Group": TargetGroup(**{"name": "group", "target_type": "ip", **group})},
    }
