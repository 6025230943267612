"""The stack that declares a mesh, as Python."""

from collections.abc import Iterator, Sequence
from dataclasses import fields
from itertools import groupby

from color_mesh.migration.carry import CarriedMesh
from color_mesh.migration.python import WIDTH, Code, Identifiers, call, lines, mapping, names_in, text, unless, value
from color_mesh.model import (
    AccessLog,
    CloudMapDiscovery,
    DnsDiscovery,
    GatewayRoute,
    Listener,
    Rewrite,
    Route,
    RouteMatch,
    VirtualGateway,
    VirtualNode,
    VirtualRouter,
    VirtualService,
)

_CONSTRUCTS = ("ColorRouter", "ColorService", "MeshedColorNode", "MeshGateway", "ServiceMesh")
_RESERVED = (
    *("self", "scope", "id", "mesh", "vpc", "namespace", "env", "super", "ec2", "servicediscovery"),
    *("Construct", "Environment", "Stack"),
)
_HEAD = '''\
"""The mesh {name!r}: what is in it, and who may call whom."""

from aws_cdk import Environment, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_servicediscovery as servicediscovery
{imports}
from constructs import Construct


class MeshStack(Stack):
    """Define the mesh."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        vpc: ec2.IVpc,
        namespace: servicediscovery.IPrivateDnsNamespace,
        env: Environment | None,
    ) -> None:
        super().__init__(scope, id, env=env)
'''


def mesh_module(carried: CarriedMesh) -> str:
    """Write the module of the stack with the mesh."""
    return _MeshModule(carried).text()


class _MeshModule:
    """Write the parts of a mesh in the order in which each knows those that it refers to."""

    def __init__(self, carried: CarriedMesh) -> None:
        self._carried = carried
        self._mesh = carried.mesh
        self._variables = Identifiers(_RESERVED)
        self._ids = Identifiers(("Mesh",))
        self._nodes: dict[str, str] = {}
        self._services: dict[str, str] = {}
        self._gateways: dict[str, str] = {}
        self._called: set[str] = set()

    def text(self) -> str:
        """Write it."""
        mesh = self._mesh
        blocks = (
            [*self._statement("mesh = ", self._service_mesh())],
            [line for node in mesh.nodes for line in self._node(node)],
            [line for router in mesh.routers for line in self._router(router)],
            [line for service in self._carried.other_services() for line in self._service(service)],
            [line for node in mesh.nodes for line in self._connections(node)],
            [line for gateway in mesh.gateways for line in self._gateway(gateway)],
            [
                "        self.mesh = mesh",
                *self._result("nodes", "MeshedColorNode", self._nodes),
                *self._result("gateways", "MeshGateway", self._gateways),
            ],
        )
        body = "\n\n".join("\n".join(block) for block in blocks if block)
        return _HEAD.format(name=mesh.name, imports=self._imports()) + body + "\n"

    def _imports(self) -> str:
        # Those that the types of what is kept name are always there.
        ours = sorted(self._called & {*_CONSTRUCTS} | {"MeshedColorNode", "MeshGateway"}, key=str.lower)
        values = sorted(self._called - {*_CONSTRUCTS}, key=str.lower)
        return "\n".join((*_imported("color_mesh", ours), *(_imported("color_mesh.model", values) if values else ())))

    def _statement(self, before: str, code: Code) -> Iterator[str]:
        self._called.update(names_in(code))
        return lines(before, code, 2)

    def _service_mesh(self) -> Code:
        said: dict[str, Code] = {"mesh_name": text(self._mesh.name), "vpc": "vpc", "namespace": "namespace"}
        others = self._carried.names.other_domains(self._mesh)
        if others:
            said["other_domains"] = value(others)
        if self._mesh.egress_filter != "DROP_ALL":
            said["egress_filter"] = text(self._mesh.egress_filter)
        return call("ServiceMesh", "self", text("Mesh"), **said, data_plane=text("envoy"))

    def _node(self, node: VirtualNode) -> Iterator[str]:
        service = self._carried.primary_service(node)
        variable = self._nodes[node.name] = self._variables.variable(node.name, "node")
        said: dict[str, Code] = {"mesh": "mesh", "name": text(node.name), **_listeners(node.listeners)}
        default = node.name
        match node.discovery:
            case CloudMapDiscovery(service=label):
                default = label
                described = next(each for each in self._mesh.cloud_map_services if each.name == label).description
                said |= unless(node.name, cloud_map_name=label) | unless(None, cloud_map_description=described)
            case DnsDiscovery(hostname=hostname, response_type=response_type):
                said |= {"hostname": text(hostname), **unless("LOADBALANCER", response_type=response_type)}
        if service is None:
            said["virtual_service"] = "False"
        else:
            self._services[service.name] = variable
            said |= unless(f"{default}.{self._carried.names.domain}", virtual_service_name=service.name)
        said |= unless(AccessLog(), access_log=node.access_log) | unless(None, client_tls=node.client_tls)
        yield from self._statement(f"{variable} = ", self._construct("MeshedColorNode", node.name, "Node", said))

    def _router(self, router: VirtualRouter) -> Iterator[str]:
        service = self._carried.primary_service(router)
        assert service is not None
        variable = self._services[service.name] = self._variables.variable(router.name, "router")
        named: dict[str, Code] = {"name": text(router.name), "virtual_service_name": text(service.name)}
        said = {"mesh": "mesh", **named, **_listeners(router.listeners)}
        yield from self._statement(f"{variable} = ", self._construct("ColorRouter", router.name, "Router", said))
        ids = Identifiers(("VirtualRouter", "VirtualService", "ServiceRecord"))
        for route in router.routes:
            yield from self._statement(variable, self._route(route, ids.construct_id(route.name, "Route")))

    def _route(self, route: Route, id: str) -> Code:
        targets = ((self._nodes[each.virtual_node], repr(each.weight)) for each in route.targets)
        ports = [
            (self._nodes[each.virtual_node], repr(each.port))
            for each in route.targets
            if len(self._mesh.node(each.virtual_node).listeners) > 1
        ]
        said: dict[str, Code] = {"name": text(route.name), **_match(route.match), "targets": mapping(targets)}
        said |= {"target_ports": mapping(ports)} if ports else {}
        said |= unless(None, priority=route.priority, retry_policy=route.retry_policy, timeout=route.timeout)
        return call(".add_route", text(id), **said)

    def _service(self, service: VirtualService) -> Iterator[str]:
        variable = self._services[service.name] = self._variables.variable(service.name, "service")
        said: dict[str, Code] = {"mesh": "mesh", "virtual_service_name": text(service.name)}
        provider = self._mesh.provider(service)
        primary = self._carried.primary_service(provider) if provider is not None else None
        if primary is not None:
            said["provider"] = self._services[primary.name]
        yield from self._statement(f"{variable} = ", self._construct("ColorService", service.name, "Service", said))

    def _connections(self, node: VirtualNode) -> Iterator[str]:
        for client_tls, backends in groupby(node.backends, key=lambda each: each.client_tls):
            called = (self._services[each.virtual_service] for each in backends)
            said = unless(None, client_tls=client_tls)
            yield from self._statement(self._nodes[node.name], call(".connect_to", *called, **said))

    def _gateway(self, gateway: VirtualGateway) -> Iterator[str]:
        variable = self._gateways[gateway.name] = self._variables.variable(gateway.name, "gateway")
        said: dict[str, Code] = {"mesh": "mesh", "name": text(gateway.name), **_listeners(gateway.listeners)}
        said |= unless(AccessLog(), access_log=gateway.access_log) | unless(None, client_tls=gateway.client_tls)
        yield from self._statement(f"{variable} = ", self._construct("MeshGateway", gateway.name, "Gateway", said))
        ids = Identifiers(("VirtualGateway",))
        for route in gateway.routes:
            yield from self._statement(variable, self._gateway_route(route, ids.construct_id(route.name, "Route")))

    def _gateway_route(self, route: GatewayRoute, id: str) -> Code:
        said: dict[str, Code] = {"name": text(route.name), **_match(route.match)}
        said["to"] = self._services[route.virtual_service]
        said |= unless(None, priority=route.priority, target_port=route.target_port)
        return call(".add_route", text(id), **said, **unless(Rewrite(), rewrite=route.rewrite))

    def _construct(self, kind: str, name: str, short: str, said: dict[str, Code]) -> Code:
        return call(kind, "self", text(self._ids.construct_id(name, short)), **said)

    def _result(self, attribute: str, kind: str, variables: dict[str, str]) -> Iterator[str]:
        items = ((text(name), variable) for name, variable in variables.items())
        return lines(f"self.{attribute}: dict[str, {kind}] = ", mapping(items), 2)


def _imported(module: str, names: Sequence[str]) -> Iterator[str]:
    line = f"from {module} import {', '.join(names)}"
    if len(line) <= WIDTH:
        yield line
    else:
        yield from (f"from {module} import (", *(f"    {name}," for name in names), ")")


def _listeners(listeners: Sequence[Listener]) -> dict[str, Code]:
    """Write what a part listens on: one listener by its fields."""
    if len(listeners) != 1:
        return {"listeners": value(tuple(listeners))}
    (listener,) = listeners
    default = Listener(port=80)
    named = (field.name for field in fields(Listener))
    return {name: value(getattr(listener, name)) for name in named if getattr(listener, name) != getattr(default, name)}


def _match(match: RouteMatch) -> dict[str, Code]:
    """Write what a route matches on: by arguments of their own, if that is the path's start, a method and a port."""
    plain = RouteMatch(prefix=match.prefix, method=match.method, port=match.port)
    if match != plain:
        return {"match": value(match)}
    return unless(None, prefix=match.prefix, method=match.method, port=match.port)
