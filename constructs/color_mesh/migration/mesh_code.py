"""Code of the stack that declares the mesh."""

from collections.abc import Iterator, Sequence
from dataclasses import fields
from itertools import chain, groupby

from color_mesh.migration.code_check import PUBLIC_NAMES
from color_mesh.migration.conversion import ConvertedMesh
from color_mesh.migration.python import CDK_IDS, Code, Identifiers, call, mapping, prose, unless, value
from color_mesh.migration.tags import tag_statements
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

_RESERVED = (
    *("self", "scope", "id", "mesh", "vpc", "namespace", "env", "super", "ec2", "servicediscovery"),
    *("Construct", "Environment", "Stack", "Tags"),
)
_MODULE = '''\
"""The mesh '{name}': its nodes, routers, virtual services and gateways."""

from aws_cdk import Duration, Environment, Stack, Tags
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_servicediscovery as servicediscovery
from color_mesh import {names}
from constructs import Construct


class MeshStack(Stack):
    """Declare the mesh."""

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
{body}
'''


def mesh_module(converted: ConvertedMesh) -> str:
    """Render the module with the stack of the mesh; it imports every class of the model."""
    body = "\n\n".join("\n".join(f"        {each}" for each in block) for block in _MeshCode(converted).blocks())
    return _MODULE.format(name=prose(converted.mesh.name), names=", ".join(PUBLIC_NAMES), body=body)


class _MeshCode:
    """Statements that declare a mesh, in an order in which every variable is set before its use."""

    def __init__(self, converted: ConvertedMesh) -> None:
        self._converted = converted
        self._mesh = converted.mesh
        self._variables = Identifiers(_RESERVED)
        self._ids = Identifiers((*CDK_IDS, "Mesh"))
        self._nodes: dict[str, Code] = {}
        self._services: dict[str, Code] = {}
        self._gateways: dict[str, Code] = {}

    def blocks(self) -> list[list[str]]:
        """Render the statements, in blocks to be separated by an empty line."""
        mesh = self._mesh
        blocks: tuple[list[str], ...] = (
            [f"mesh = {self._service_mesh()}", *tag_statements(Code("mesh"), self._converted.tags)],
            [*map(self._node, mesh.nodes)],
            [*chain.from_iterable(map(self._router, mesh.routers))],
            [*map(self._service, self._converted.other_services())],
            [*chain.from_iterable(map(self._connections, mesh.nodes))],
            [*chain.from_iterable(map(self._gateway, mesh.gateways))],
            [
                "self.mesh = mesh",
                f"self.nodes: dict[str, MeshNode] = {_by_name(self._nodes)}",
                f"self.gateways: dict[str, MeshGateway] = {_by_name(self._gateways)}",
            ],
        )
        return [block for block in blocks if block]

    def _service_mesh(self) -> Code:
        arguments = {"mesh_name": value(self._mesh.name), "vpc": Code("vpc"), "namespace": Code("namespace")}
        arguments |= unless((), other_domains=self._converted.domain.other_domains(self._mesh))
        arguments |= unless("DROP_ALL", egress_filter=self._mesh.egress_filter)
        return call("ServiceMesh", Code("self"), value("Mesh"), **arguments, data_plane=value("envoy"))

    def _node(self, node: VirtualNode) -> str:
        service = self._converted.primary_service(node)
        variable = self._nodes[node.name] = self._variables.variable(node.name, "node")
        arguments: dict[str, Code] = {"name": value(node.name), **_listeners(node.listeners)}
        default_label = node.name
        match node.discovery:
            case CloudMapDiscovery(service=label):
                default_label = label
                declared = next(each for each in self._mesh.cloud_map_services if each.name == label)
                arguments |= unless(node.name, cloud_map_name=label)
                arguments |= unless(None, cloud_map_description=declared.description)
            case DnsDiscovery(hostname=hostname, response_type=response_type, ip_preference=ip_preference):
                arguments |= {"hostname": value(hostname), **unless("LOADBALANCER", response_type=response_type)}
                arguments |= unless(None, ip_preference=ip_preference)
        if service is None:
            arguments["virtual_service"] = value(False)
        else:
            self._services[service.name] = variable
            default_name = f"{default_label}.{self._converted.domain.name}"
            arguments |= unless(default_name, virtual_service_name=service.name)
        arguments |= unless(AccessLog(), access_log=node.access_log) | unless(None, client_tls=node.client_tls)
        return f"{variable} = {self._construct('MeshNode', node.name, 'Node', arguments)}"

    def _router(self, router: VirtualRouter) -> Iterator[str]:
        service = self._converted.primary_service(router)
        assert service is not None
        variable = self._services[service.name] = self._variables.variable(router.name, "router")
        names = {"name": value(router.name), "virtual_service_name": value(service.name)}
        arguments = {**names, **_listeners(router.listeners)}
        yield f"{variable} = {self._construct('MeshRouter', router.name, 'Router', arguments)}"
        ids = Identifiers(("VirtualRouter", "VirtualService", "ServiceRecord"))
        for route in router.routes:
            yield self._route(variable, route, ids.construct_id(route.name, "Route"))

    def _route(self, router: Code, route: Route, id: str) -> Code:
        weights = ((self._nodes[each.virtual_node], value(each.weight)) for each in route.targets)
        ports = [
            (self._nodes[each.virtual_node], value(each.port))
            for each in route.targets
            if len(self._mesh.node(each.virtual_node).listeners) > 1
        ]
        arguments = {"name": value(route.name), **_match(route.match), "targets": mapping(weights)}
        arguments |= {"target_ports": mapping(ports)} if ports else {}
        arguments |= unless(None, priority=route.priority, retry_policy=route.retry_policy, timeout=route.timeout)
        return call(f"{router}.add_route", value(id), **arguments)

    def _service(self, service: VirtualService) -> str:
        variable = self._services[service.name] = self._variables.variable(service.name, "service")
        arguments: dict[str, Code] = {"virtual_service_name": value(service.name)}
        provider = self._mesh.provider(service)
        primary = self._converted.primary_service(provider) if provider is not None else None
        if primary is not None:
            arguments["provider"] = self._services[primary.name]
        return f"{variable} = {self._construct('MeshService', service.name, 'Service', arguments)}"

    def _connections(self, node: VirtualNode) -> Iterator[Code]:
        for client_tls, backends in groupby(node.backends, key=lambda each: each.client_tls):
            services = (self._services[each.virtual_service] for each in backends)
            yield call(f"{self._nodes[node.name]}.connect_to", *services, **unless(None, client_tls=client_tls))

    def _gateway(self, gateway: VirtualGateway) -> Iterator[str]:
        variable = self._gateways[gateway.name] = self._variables.variable(gateway.name, "gateway")
        arguments: dict[str, Code] = {"name": value(gateway.name), **_listeners(gateway.listeners)}
        arguments |= unless(AccessLog(), access_log=gateway.access_log) | unless(None, client_tls=gateway.client_tls)
        yield f"{variable} = {self._construct('MeshGateway', gateway.name, 'Gateway', arguments)}"
        ids = Identifiers(("VirtualGateway",))
        for route in gateway.routes:
            yield self._gateway_route(variable, route, ids.construct_id(route.name, "Route"))

    def _gateway_route(self, gateway: Code, route: GatewayRoute, id: str) -> Code:
        arguments: dict[str, Code] = {"name": value(route.name), **_match(route.match)}
        arguments["to"] = self._services[route.virtual_service]
        arguments |= unless(None, priority=route.priority, target_port=route.target_port)
        return call(f"{gateway}.add_route", value(id), **arguments, **unless(Rewrite(), rewrite=route.rewrite))

    def _construct(self, kind: str, name: str, suffix: str, arguments: dict[str, Code]) -> Code:
        id = value(self._ids.construct_id(name, suffix))
        return call(kind, Code("self"), id, mesh=Code("mesh"), **arguments)


def _by_name(variables: dict[str, Code]) -> Code:
    return mapping((value(name), variable) for name, variable in variables.items())


def _listeners(listeners: Sequence[Listener]) -> dict[str, Code]:
    """Render the arguments for listeners; a single listener is given by its fields."""
    if len(listeners) != 1:
        return {"listeners": value(tuple(listeners))}
    (listener,) = listeners
    default = Listener(port=80)
    named = (field.name for field in fields(Listener))
    return {name: value(getattr(listener, name)) for name in named if getattr(listener, name) != getattr(default, name)}


def _match(match: RouteMatch) -> dict[str, Code]:
    """Render the arguments for a route's match; a prefix, a method and a port have arguments of their own."""
    simple = RouteMatch(prefix=match.prefix, method=match.method, port=match.port)
    if match != simple:
        return {"match": value(match)}
    return unless(None, prefix=match.prefix, method=match.method, port=match.port)
