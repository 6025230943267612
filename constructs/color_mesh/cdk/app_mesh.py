"""The data plane of the tutorial: App Mesh resources, and Envoys that configure themselves from them."""

from typing import cast

from aws_cdk import Annotations, CfnResource, Stack
from aws_cdk import aws_appmesh as appmesh
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from constructs import Construct

from color_mesh.appmesh import (
    EXTERNAL_SERVICES,
    gateway_route_spec,
    mesh_spec,
    route_spec,
    virtual_gateway_spec,
    virtual_node_spec,
    virtual_router_spec,
    virtual_service_spec,
)
from color_mesh.cdk.acknowledge import acknowledge
from color_mesh.cdk.data_plane import MeshResources
from color_mesh.cdk.interception import REDIRECTED_USER, Application
from color_mesh.cdk.task import acknowledge_pulling, container_check, container_log, seconds, start_after, stop_timeout
from color_mesh.model import (
    ContainerHealthCheck,
    FargateContainer,
    GatewayRoute,
    Mesh,
    Route,
    VirtualGateway,
    VirtualNode,
    VirtualRouter,
    VirtualService,
)
from color_mesh.model.deployment import DNS_TTL_SECONDS

# AWS App Mesh User Guide, Getting started with AWS App Mesh and Amazon ECS: update services.
_LIVE = ContainerHealthCheck(
    command=("CMD-SHELL", "curl -s http://localhost:9901/server_info | grep state | grep -q LIVE"),
    interval_seconds=5,
    timeout_seconds=2,
    retries=3,
    start_period_seconds=10,
)
_ENDED = (
    "AWS ended App Mesh on 2026-09-30. The AWS::AppMesh resources of this mesh describe the tutorial: "
    "they synthesize, and they no longer deploy."
)


class AppMeshDataPlane:
    """Declare a mesh as App Mesh resources and equip tasks with Envoys that stream their configuration from it."""

    dns_ttl_seconds = DNS_TTL_SECONDS["app-mesh"]

    def __init__(self, scope: Construct, mesh: Mesh, envoy_image: ecs.ContainerImage) -> None:
        """Declare the mesh itself in ``scope``."""
        self._envoy_image = envoy_image
        self._mesh_name = mesh.name
        self._routers: dict[str, CfnResource] = {}
        self._services: dict[str, CfnResource] = {}
        _acknowledge_end(scope)
        Annotations.of(scope).add_warning_v2("color-mesh:appMeshEnded", _ENDED)
        self._mesh = appmesh.CfnMesh(scope, "Mesh", mesh_name=mesh.name, spec=mesh_spec(mesh))
        self._mesh_name_reference = self._mesh.attr_mesh_name
        self._nodes: dict[str, appmesh.CfnVirtualNode] = {}
        self._gateways: dict[str, appmesh.CfnVirtualGateway] = {}

    def update_mesh(self, mesh: Mesh) -> None:
        """Write what a mesh has no property for as metadata; see `DataPlane`."""
        self._mesh.add_metadata(EXTERNAL_SERVICES, list(mesh.external_services))

    def declare_node(self, scope: Construct, node: VirtualNode) -> MeshResources:
        """Declare a virtual node; see `DataPlane`."""
        _acknowledge_end(scope)
        resource = appmesh.CfnVirtualNode(
            scope,
            "VirtualNode",
            mesh_name=self._mesh_name_reference,
            virtual_node_name=node.name,
            spec=virtual_node_spec(node),
        )
        self._nodes[node.name] = resource
        return {"VirtualNode": resource}

    def update_node(self, node: VirtualNode) -> None:
        """Write a virtual node's specification again; see `DataPlane`."""
        # jsii takes the API's spelling here as it does in the constructor; only the setter's type does not say so.
        self._nodes[node.name].spec = cast(appmesh.CfnVirtualNode.VirtualNodeSpecProperty, virtual_node_spec(node))

    def declare_router(self, scope: Construct, router: VirtualRouter) -> MeshResources:
        """Declare a virtual router; see `DataPlane`."""
        _acknowledge_end(scope)
        resource = appmesh.CfnVirtualRouter(
            scope,
            "VirtualRouter",
            mesh_name=self._mesh_name_reference,
            virtual_router_name=router.name,
            spec=virtual_router_spec(router),
        )
        self._routers[router.name] = resource
        return {"VirtualRouter": resource}

    def declare_service(self, scope: Construct, service: VirtualService) -> MeshResources:
        """Declare a virtual service; see `DataPlane`."""
        _acknowledge_end(scope)
        resource = appmesh.CfnVirtualService(
            scope,
            "VirtualService",
            mesh_name=self._mesh_name_reference,
            virtual_service_name=service.name,
            spec=virtual_service_spec(service),
        )
        if service.virtual_node is not None:
            resource.add_resource_dependency(self._nodes[service.virtual_node])
        if service.virtual_router is not None:
            resource.add_resource_dependency(self._routers[service.virtual_router])
        self._services[service.name] = resource
        return {"VirtualService": resource}

    def declare_route(self, scope: Construct, id: str, router: VirtualRouter, route: Route) -> MeshResources:
        """Declare a route; see `DataPlane`."""
        resource = appmesh.CfnRoute(
            scope,
            id,
            mesh_name=self._mesh_name_reference,
            virtual_router_name=router.name,
            route_name=route.name,
            spec=route_spec(route),
        )
        resource.add_resource_dependency(self._routers[router.name])
        for target in route.targets:
            resource.add_resource_dependency(self._nodes[target.virtual_node])
        return {id: resource}

    def declare_gateway(self, scope: Construct, gateway: VirtualGateway) -> MeshResources:
        """Declare a virtual gateway; see `DataPlane`."""
        _acknowledge_end(scope)
        resource = appmesh.CfnVirtualGateway(
            scope,
            "VirtualGateway",
            mesh_name=self._mesh_name_reference,
            virtual_gateway_name=gateway.name,
            spec=virtual_gateway_spec(gateway),
        )
        self._gateways[gateway.name] = resource
        return {"VirtualGateway": resource}

    def declare_gateway_route(
        self, scope: Construct, id: str, gateway: VirtualGateway, route: GatewayRoute
    ) -> MeshResources:
        """Declare a gateway route; see `DataPlane`."""
        resource = appmesh.CfnGatewayRoute(
            scope,
            id,
            mesh_name=self._mesh_name_reference,
            virtual_gateway_name=gateway.name,
            gateway_route_name=route.name,
            spec=gateway_route_spec(route),
        )
        resource.add_resource_dependency(self._gateways[gateway.name])
        if route.virtual_service in self._services:
            resource.add_resource_dependency(self._services[route.virtual_service])
        return {id: resource}

    def node_envoy(self, *, cpu: int, memory_mib: int, stop_timeout_seconds: int | None) -> FargateContainer:
        """Describe the sidecar; see `DataPlane`."""
        return _container("envoy-sidecar", cpu, memory_mib, stop_timeout_seconds)

    def gateway_envoy(self, *, cpu: int, memory_mib: int, stop_timeout_seconds: int | None) -> FargateContainer:
        """Describe the gateway's Envoy; see `DataPlane`."""
        return _container("envoy-proxy", cpu, memory_mib, stop_timeout_seconds)

    def node_companions(self, node: VirtualNode) -> tuple[FargateContainer, ...]:
        """Need none: App Mesh told callers' Envoys of every change at once; see `DataPlane`."""
        return ()

    def add_node_envoy(
        self,
        task: ecs.FargateTaskDefinition,
        node: VirtualNode,
        container: FargateContainer,
        log_group: logs.ILogGroup,
        application: Application,
        app_container: ecs.ContainerDefinition,
    ) -> ecs.ContainerDefinition:
        """Add the sidecar, as the user whose traffic is not redirected; see `DataPlane`."""
        task.node.add_dependency(self._nodes[node.name])
        logging = container_log(log_group, node.name, container)
        envoy = self._add_envoy(task, f"virtualNode/{node.name}", container, logging, user=str(REDIRECTED_USER))
        start_after(app_container, envoy, ecs.ContainerDependencyCondition.HEALTHY)
        return envoy

    def add_gateway_envoy(
        self,
        task: ecs.FargateTaskDefinition,
        gateway: VirtualGateway,
        container: FargateContainer,
        log_group: logs.ILogGroup,
    ) -> ecs.ContainerDefinition:
        """Add the gateway's Envoy, as the image's own user, who may bind port 80; see `DataPlane`."""
        task.node.add_dependency(self._gateways[gateway.name])
        logging = container_log(log_group, gateway.name, container)
        return self._add_envoy(task, f"virtualGateway/{gateway.name}", container, logging)

    def _add_envoy(
        self,
        task: ecs.FargateTaskDefinition,
        resource: str,
        container: FargateContainer,
        logging: ecs.LogDriver,
        user: str | None = None,
    ) -> ecs.ContainerDefinition:
        # The ARN is written out, not imported: an import would keep the mesh's stack from ever dropping the resource.
        arn = Stack.of(task).format_arn(
            service="appmesh", resource="mesh", resource_name=f"{self._mesh_name}/{resource}"
        )
        task.add_to_task_role_policy(
            iam.PolicyStatement(actions=["appmesh:StreamAggregatedResources"], resources=[arn])
        )
        acknowledge(
            task,
            "AwsSolutions::AwsSolutions-ECS2",
            "Envoy is told its mesh resource by APPMESH_RESOURCE_ARN, the only way it has, and an ARN is no secret. "
            "Secrets of the application are passed as `secrets`, not as `environment`.",
        )
        acknowledge_pulling(task, self._envoy_image)
        return task.add_container(
            "Envoy",
            container_name=container.name,
            image=self._envoy_image,
            cpu=container.cpu,
            memory_limit_mib=container.memory_mib,
            environment={"APPMESH_RESOURCE_ARN": arn},
            start_timeout=seconds(30),
            stop_timeout=stop_timeout(container),
            health_check=container_check(container),
            logging=logging,
            user=user,
        )


def _container(name: str, cpu: int, memory_mib: int, stop_timeout_seconds: int | None) -> FargateContainer:
    return FargateContainer(
        name=name, cpu=cpu, memory_mib=memory_mib, health_check=_LIVE, stop_timeout_seconds=stop_timeout_seconds
    )


def _acknowledge_end(scope: Construct) -> None:
    acknowledge(
        scope,
        "CloudFormation-Validate::W3696",
        "The end of App Mesh is known: this data plane exists to describe the tutorial, and a warning on the mesh "
        "says so once instead of once a resource.",
    )
