"""Weights of routes as instances of Cloud Map, which Envoys read and operators change while requests flow."""

from aws_cdk import CfnOutput, CfnResource, Stack
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_servicediscovery as servicediscovery
from constructs import Construct

from color_mesh.cdk.data_plane import MeshResources, OwnedRoute
from color_mesh.model import Route
from color_mesh.model.index import MeshIndex
from color_mesh.model.weights import weight_attribute, weights_instance, weights_service

_DESCRIPTION = "Weights of a router's routes, an instance for each route."


class LiveWeights:
    """Weights of the routes of a mesh: a Cloud Map service for each router, an instance for each route.

    An instance is created or changed after the services of its targets are stable, so it is in the stack of the target
    that is implemented last. The command for other weights is an output of the router's stack. Routes with one target
    have an instance too: when a second target is added, Envoys that start before it is ready read that it has no weight
    yet.

    Attributes:
        routes: Routes that have an instance, each after its router.
    """

    def __init__(self, mesh: str, namespace: servicediscovery.INamespace, parts: MeshIndex) -> None:
        """Create no resources.

        Args:
            mesh: Name of the mesh.
            namespace: Cloud Map namespace of the mesh.
            parts: Parts of the mesh.
        """
        self.routes: set[tuple[str, str]] = set()
        self._mesh = mesh
        self._namespace = namespace
        self._parts = parts
        self._services: dict[str, servicediscovery.CfnService] = {}
        self._waiting: list[tuple[str, Route]] = []
        self._tasks: dict[str, ecs.BaseService] = {}

    def declare(self, scope: Construct, owned: OwnedRoute) -> MeshResources:
        """Create the Cloud Map service of a router with the first of its routes, and return it."""
        assert isinstance(owned.route, Route)
        created: dict[str, CfnResource] = {}
        if owned.owner not in self._services:
            created["WeightsService"] = self._services[owned.owner] = servicediscovery.CfnService(
                scope,
                "Weights",
                name=weights_service(owned.owner),
                namespace_id=self._namespace.namespace_id,
                type="HTTP",
                description=_DESCRIPTION,
            )
        self._waiting.append((owned.owner, owned.route))
        self._create()
        return created

    def attach(self, node: str, service: ecs.BaseService) -> None:
        """Take note of the ECS service of a node, and create the weights that waited for it."""
        self._tasks[node] = service
        self._create()

    def _create(self) -> None:
        outside = {name for nodes in self._parts.hostnames.values() for name in nodes}
        for router, route in list(self._waiting):
            nodes = {target.virtual_node for target in route.targets} - outside
            if nodes <= self._tasks.keys():
                self._waiting.remove((router, route))
                self._create_instance(router, route, [self._tasks[name] for name in self._tasks if name in nodes])

    def _create_instance(self, router: str, route: Route, tasks: list[ecs.BaseService]) -> None:
        service = self._services[router]
        stack = Stack.of(tasks[-1] if tasks else service)
        # Names have hyphens, and no dots.
        scope = Construct(stack, f"Weights-{self._mesh}.{router}.{route.name}")
        attributes = {weight_attribute(route, target): str(target.weight) for target in route.targets}
        instance = servicediscovery.CfnInstance(
            scope,
            "Instance",
            service_id=service.attr_id,
            instance_id=weights_instance(route.name),
            instance_attributes=attributes,
        )
        for each in tasks:
            if not _depends(Stack.of(each), stack):
                instance.node.add_dependency(each)
        if len(route.targets) > 1:
            self.routes.add((router, route.name))
            # Not the weights of the template: other weights change the instance and nothing else.
            weights = ",".join(f"{attribute}={0 if number else 1}" for number, attribute in enumerate(attributes))
            # In the stack of the router: cfn-lint's W6001 warns of an output that has an import of another stack.
            CfnOutput(
                service,
                f"Command-{route.name}",
                description=f"Sends all requests of route {route.name} to its first target, or by other weights.",
                value=(
                    f"aws servicediscovery register-instance --region {service.stack.region} "
                    f"--service-id {service.attr_id} --instance-id {weights_instance(route.name)} "
                    f"--attributes {weights}"
                ),
            )


def _depends(stack: Stack, other: Stack) -> bool:
    """Return whether a stack depends on another one, so that the other must not depend on it."""
    return any(each.node.path == other.node.path or _depends(each, other) for each in stack.dependencies)
