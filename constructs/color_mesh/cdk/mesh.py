"""Service mesh that nodes, routers and gateways belong to."""

from collections.abc import Mapping, Sequence
from itertools import chain

from aws_cdk import CrossStackReferences, Duration, ReferenceStrength
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_route53 as route53
from aws_cdk import aws_servicediscovery as servicediscovery
from constructs import Construct

from color_mesh.analysis import Facts
from color_mesh.cdk.analysis import annotate, subjects
from color_mesh.cdk.app_mesh import AppMeshDataPlane
from color_mesh.cdk.backend import Backend, ExternalBackend
from color_mesh.cdk.call_rules import create_call_rules
from color_mesh.cdk.data_plane import DataPlane, ExternalService
from color_mesh.cdk.durations import in_seconds
from color_mesh.cdk.envoy import EnvoyDataPlane
from color_mesh.cdk.kinds import checked
from color_mesh.cdk.loopback import LoopbackInterception, check_domains, domain_of
from color_mesh.cdk.mesh_arguments import (
    DOMAIN_METADATA,
    check_data_plane,
    check_domain,
    check_interval,
    check_isolation,
    check_not_shared,
    check_telemetry,
)
from color_mesh.cdk.mesh_tls import MeshCertificates, check_mesh_tls
from color_mesh.cdk.naming import default_name
from color_mesh.cdk.network import MeshNetwork
from color_mesh.cdk.shared_certificates import SharedCertificates
from color_mesh.cdk.surroundings import Implementations, check_namespace, review
from color_mesh.cdk.transparent import TransparentInterception
from color_mesh.envoy.idle_timeouts import CLIENT_IDLE_MILLIS, SERVER_IDLE_MILLIS
from color_mesh.model import EgressFilter, Mesh, Telemetry
from color_mesh.model.builder import MeshBuilder
from color_mesh.model.deployment import (
    CERTIFICATE_REFRESH_SECONDS,
    DATA_PLANES,
    ENVOY_IMAGES,
    MAX_CERTIFICATE_REFRESH_SECONDS,
    MAX_REFRESH_SECONDS,
    REFRESH_SECONDS,
    TASKS_LABEL,
    DataPlaneName,
    InterceptionName,
    Isolation,
)
from color_mesh.model.errors import refusing
from color_mesh.model.index import MeshParts
from color_mesh.model.mesh_tls import MeshTls
from color_mesh.model.telemetry import collector_port

_DEFAULT_INTERCEPTIONS: Mapping[DataPlaneName, InterceptionName] = {"app-mesh": "transparent", "envoy": "loopback"}


class ServiceMesh(Construct):
    """Service mesh in a VPC, with a Cloud Map namespace for its tasks.

    Nodes, routers and gateways may be in the stack of the mesh or in other stacks, which then depend on it. Tasks have
    what they need of the mesh in their own stack, so that nodes can be added, moved and removed in one deployment. An
    app of its own joins the mesh with `from_attributes`.

    Attributes:
        name: Name of the mesh.
        vpc: VPC of the mesh's tasks.
        namespace: Cloud Map namespace in which the tasks are registered.
        namespace_name: Name of the namespace.
        domain: Domain of the virtual services, except those in ``other_domains``.
        security_group: Security group of all tasks that the app created. ``None``: there is none.
        network: Members of the mesh, and how they let each other in.
        egress_filter: Egress filter of the nodes.
        telemetry: Spans and metrics of the Envoys. ``None``: they send none.
        declared: Parts that the constructs of the mesh have declared so far.
        certificates: Certificates of the nodes and gateways, if the mesh has TLS.
        data_plane: Data plane: creates the resources that declare the mesh, and the containers that run Envoy.
        interception: Interception of the traffic of a task by its Envoy.
        implementations: ECS services of the nodes and gateways.
    """

    @checked()
    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        vpc: ec2.IVpc,
        domain: str | None = None,
        namespace: servicediscovery.IPrivateDnsNamespace | None = None,
        mesh_name: str | None = None,
        egress_filter: EgressFilter = "DROP_ALL",
        security_group: ec2.ISecurityGroup | None = None,
        isolation: Isolation | None = None,
        envoy_image: ecs.ContainerImage | None = None,
        data_plane: DataPlaneName = "envoy",
        interception: InterceptionName | None = None,
        other_domains: Sequence[str] = (),
        refresh_interval: Duration | None = None,
        certificate_refresh_interval: Duration | None = None,
        zone: route53.IHostedZone | None = None,
        telemetry: Telemetry | None = None,
        tls: MeshTls | None = None,
    ) -> None:
        """Create a mesh without nodes, routers and gateways.

        Args:
            scope: Scope of the construct.
            id: Construct id.
            vpc: VPC of the mesh's tasks.
            domain: Domain of the virtual services, such as ``shop.local``, as a literal. The mesh creates a private
                DNS namespace of the VPC for its tasks. Default: the domain of ``namespace``.
            namespace: Private DNS namespace of the VPC, with a literal name, instead of ``domain``. Each node that
                listens is registered in it. With ``interception="loopback"`` the name is ``tasks.`` followed by the
                domain of the virtual services, and the mesh creates a private hosted zone of Route 53 for that domain.
                Default: a new namespace for ``domain``.
            mesh_name: Name of the mesh. Default: a name derived from the path of the construct.
            egress_filter: ``DROP_ALL``: nodes reach only their backends. ``ALLOW_ALL``: nodes reach any destination.
                The security groups that the mesh creates enforce the filter. They always allow port 443, since ECS
                pulls images and sends logs through the network of the task. With ``interception="transparent"`` Envoy
                enforces the filter too. Default: ``DROP_ALL``.
            security_group: Security group of all tasks, which must allow traffic between its members. Supported with
                ``isolation="mesh"``. Default: a new security group.
            isolation: ``node``: a node admits its callers only, by a rule for each of them. ``mesh``: all tasks of the
                mesh have one security group and admit each other, as with App Mesh, and the Envoys of callers alone
                restrict them to their backends. A security group has at most 60 rules, so a node with more callers
                needs it. With ``interception="loopback"`` callers connect to port 15100, and to the ports that follow
                for further listeners. Default: ``node``; with ``interception="transparent"`` and a
                ``security_group``, ``mesh``.
            envoy_image: Image of Envoy. With ``data_plane="envoy"``, an image of upstream Envoy that contains bash.
                Default: App Mesh's Envoy v1.27.0.0 from the Amazon ECR Public Gallery, or upstream Envoy v1.39.3 from
                Docker Hub.
            data_plane: ``app-mesh``: App Mesh, which AWS has ended. ``envoy``: Envoys whose configuration is in the
                task definitions. Default: ``envoy``.
            interception: ``loopback``: the name of a service resolves to a loopback address on which the caller's own
                Envoy listens. ``transparent``: ECS redirects the traffic of a task, by ``proxyConfiguration``.
                Default: ``loopback`` for ``data_plane="envoy"``, and ``transparent`` for ``app-mesh``, which supports
                nothing else.
            other_domains: Domains of virtual services besides the domain of the mesh, such as ``pay.example``. Each
                service in such a domain has a private hosted zone of its own name. Supported with
                ``interception="loopback"`` only. Default: none.
            refresh_interval: Shortest time between two calls of Cloud Map by an Envoy, 1 to 50 seconds. Each task calls
                it for each of its backends and for the weights of each router among them; the longest time is twice as
                long. A task that ends waits for a little more than that. Supported with ``data_plane="envoy"`` only.
                Default: 10 seconds.
            certificate_refresh_interval: Time between two calls of AWS by an Envoy for the same certificate, 1 second
                to 1 day. A renewed certificate is used after this time. Supported with ``data_plane="envoy"`` only.
                Default: 10 minutes.
            zone: Private hosted zone of the domain, if another app created the mesh; see `from_attributes`. Default: a
                new zone.
            telemetry: Spans and metrics of all Envoys, and where they are sent. With ``data_plane="app-mesh"``
                ``Telemetry(collector="sidecar")`` is supported only, and there are no metrics. Default: none.
            tls: TLS of all connections between the tasks of the mesh, and who may call whom by the names in
                certificates. Nodes and gateways with ``tls`` or ``client_tls`` of their own have these instead. With
                ``data_plane="app-mesh"`` every certificate is admitted. Default: the TLS of each node.

        Raises:
            MeshError: If an argument is not valid. The error lists all problems, and no construct is created.
        """
        name = default_name(scope, id) if mesh_name is None else mesh_name
        if interception is None and data_plane in DATA_PLANES:
            interception = _DEFAULT_INTERCEPTIONS[data_plane]
        problems = list(check_data_plane(f"mesh {name!r}", data_plane, interception, other_domains))
        refresh_seconds, certificate_seconds = in_seconds(refresh_interval), in_seconds(certificate_refresh_interval)
        for argument, seconds, most in (
            ("refresh_interval", refresh_seconds, MAX_REFRESH_SECONDS),
            ("certificate_refresh_interval", certificate_seconds, MAX_CERTIFICATE_REFRESH_SECONDS),
        ):
            problems += check_interval(f"mesh {name!r}", data_plane, argument, seconds, most)
        problems += check_telemetry(f"mesh {name!r}", data_plane, telemetry)
        problems += check_mesh_tls(f"mesh {name!r}", data_plane, tls)
        domain_problems = list(check_domain(f"mesh {name!r}", domain, namespace))
        problems += check_namespace(f"mesh {name!r}", namespace, vpc)
        if namespace is not None:
            namespace_name = namespace.namespace_name
        else:
            namespace_name = f"{TASKS_LABEL}.{domain}" if interception == "loopback" else str(domain)
        creates_zone = zone is None and (namespace is None or interception == "loopback")
        if not domain_problems and interception == "loopback":
            domain_problems += check_domains(f"mesh {name!r}", namespace_name, other_domains)
        if not domain_problems and creates_zone:
            domain_problems += check_not_shared(f"mesh {name!r}", domain_of(namespace_name), vpc)
        problems += domain_problems
        isolation = isolation or _default_isolation(interception, security_group)
        of_app = security_group if zone is None else None
        problems += check_isolation(f"mesh {name!r}", isolation, of_app)
        with refusing(problems):
            mesh = Mesh(name=name, egress_filter=egress_filter)
        super().__init__(scope, id)
        self.name: str = name
        self.vpc: ec2.IVpc = vpc
        self.namespace: servicediscovery.IPrivateDnsNamespace = namespace or servicediscovery.PrivateDnsNamespace(
            self, "Namespace", name=namespace_name, vpc=vpc
        )
        self.namespace_name: str = namespace_name
        self.security_group: ec2.ISecurityGroup | None = of_app
        self.egress_filter: EgressFilter = mesh.egress_filter
        self.telemetry: Telemetry | None = telemetry
        self.declared: MeshBuilder = MeshBuilder(mesh)
        self.certificates: MeshCertificates = MeshCertificates(
            tls, namespace_name, admits_by_name=data_plane == "envoy"
        )
        if data_plane == "envoy" and isinstance(self.namespace, servicediscovery.PrivateDnsNamespace):
            # Cloud Map services of other stacks may go, and with an export these stacks would still use it.
            CrossStackReferences.of(self.namespace).produce(ReferenceStrength.WEAK)
        if creates_zone:
            vpc.node.add_metadata(DOMAIN_METADATA, domain_of(namespace_name).lower())
        image = envoy_image or ecs.ContainerImage.from_registry(ENVOY_IMAGES[data_plane])
        self.interception: TransparentInterception | LoopbackInterception
        if interception == "loopback":
            self.interception = LoopbackInterception(self, name, namespace_name, vpc, other_domains, zone)
        else:
            self.interception = TransparentInterception(namespace_name)
        self.domain: str = self.interception.domain
        self.network: MeshNetwork = MeshNetwork(
            self,
            vpc=vpc,
            isolation=isolation,
            egress_filter=mesh.egress_filter,
            security_group=security_group,
            collector_port=self._collector_port,
            declared=self.declared,
            interception=self.interception,
        )
        create_call_rules(self.network)
        self.data_plane: DataPlane
        if data_plane == "envoy":
            refresh_seconds = REFRESH_SECONDS if refresh_seconds is None else refresh_seconds
            self.data_plane = EnvoyDataPlane(
                self,
                self.declared,
                self.namespace,
                image,
                self.interception,
                refresh_seconds,
                CERTIFICATE_REFRESH_SECONDS if certificate_seconds is None else certificate_seconds,
                telemetry,
                self.certificates,
            )
        else:
            self.data_plane = AppMeshDataPlane(self, mesh, self.declared, image, telemetry)
        self._constructs: dict[str, Construct] = {}
        annotate(self, self._facts, self._constructs)
        self.implementations: Implementations = Implementations()
        review(self, vpc, self.namespace, lambda: self.model, self.implementations)
        self.node.add_validation(SharedCertificates(self, lambda: self.model, self.certificates))

    @classmethod
    def from_attributes(
        cls,
        scope: Construct,
        id: str,
        *,
        mesh_name: str,
        vpc: ec2.IVpc,
        namespace: servicediscovery.IPrivateDnsNamespace,
        zone: route53.IHostedZone,
        security_group: ec2.ISecurityGroup,
        isolation: Isolation = "node",
        egress_filter: EgressFilter = "DROP_ALL",
        envoy_image: ecs.ContainerImage | None = None,
        telemetry: Telemetry | None = None,
        refresh_interval: Duration | None = None,
        certificate_refresh_interval: Duration | None = None,
        tls: MeshTls | None = None,
    ) -> "ServiceMesh":
        """Import a mesh that another app created, with the data plane ``envoy`` and loopback interception.

        The nodes, routers and gateways of this app are added to it as to any mesh. Nodes of other apps that they call
        are imported with `MeshNode.from_attributes`.

        Args:
            scope: Scope of the construct.
            id: Construct id.
            mesh_name: Name of the mesh.
            vpc: VPC of the mesh's tasks, imported.
            namespace: Cloud Map namespace of the mesh's tasks, imported.
            zone: Private hosted zone of the mesh's domain, imported; ``mesh.zone`` in the app that created it.
            security_group: Security group of the mesh, imported; ``mesh.network.security_group`` in that app.
            isolation: Isolation of the mesh. Default: ``node``.
            egress_filter: Egress filter of this app's nodes. Default: ``DROP_ALL``.
            envoy_image: Image of Envoy. Default: see `ServiceMesh`.
            telemetry: Spans and metrics of this app's Envoys, and where they are sent. Default: none.
            refresh_interval: Refresh interval of the mesh. With a shorter one than that of the other apps, tasks end
                before the Envoys of all their callers know. Default: 10 seconds.
            certificate_refresh_interval: Time between two calls of AWS for the same certificate. Default: 10 minutes.
            tls: TLS of the mesh, as in the other apps. Nodes admit callers of other apps with `MeshNode.admit`.
                Default: the TLS of each node.

        Raises:
            MeshError: If an argument is not valid. The error lists all problems, and no construct is created.
        """
        return cls(
            scope,
            id,
            mesh_name=mesh_name,
            vpc=vpc,
            namespace=namespace,
            isolation=isolation,
            egress_filter=egress_filter,
            envoy_image=envoy_image,
            telemetry=telemetry,
            refresh_interval=refresh_interval,
            certificate_refresh_interval=certificate_refresh_interval,
            tls=tls,
            zone=zone,
            security_group=security_group,
        )

    @property
    def zone(self) -> route53.IHostedZone | None:
        """Private hosted zone of the domain. ``None``: with transparent interception there is none."""
        return self.interception.zone

    @property
    def model(self) -> Mesh:
        """The mesh as it is declared so far, as a value."""
        return self.declared.build()

    @checked()
    def external_service(self, virtual_service_name: str) -> Backend:
        """Declare that a virtual service of this mesh exists elsewhere, and return it as a backend.

        Supported with ``data_plane="app-mesh"`` only, where the control plane knows the service. Callers of the backend
        get no security group rules: the owner of the service must admit them, and the callers' ``connections`` must
        allow the traffic out if ``egress_filter`` is ``DROP_ALL``.

        Args:
            virtual_service_name: Name of the virtual service.

        Raises:
            MeshError: If the name is not valid, or is the name of a virtual service of this mesh.
        """
        problems = self.data_plane.check_external_service(virtual_service_name)
        self.declared.add(MeshParts(external_services=(virtual_service_name,)), [*problems])
        self.data_plane.declare(self, ExternalService(name=virtual_service_name))
        return ExternalBackend(name=virtual_service_name, mesh=self)

    def add(self, construct: Construct, parts: MeshParts, problems: Sequence[str] = ()) -> None:
        """Add parts to the mesh, for the constructs of this package.

        Args:
            construct: Construct that the parts are of.
            parts: The parts.
            problems: Problems that the construct has found, reported first.

        Raises:
            MeshError: If there is a problem. The error lists all problems, and the mesh stays as it is.
        """
        self.declared.add(parts, self._problems(parts, problems))
        self.certificates.add(parts)
        self._constructs |= dict.fromkeys(subjects(parts), construct)

    def check(self, parts: MeshParts, problems: Sequence[str] = ()) -> None:
        """Raise the error that `add` would raise, and add nothing; for the constructs of this package."""
        self.declared.check(parts, self._problems(parts, problems))

    def _problems(self, parts: MeshParts, problems: Sequence[str]) -> Sequence[str]:
        names = self.interception.check_names(parts, self.declared.parts.extended(parts))
        check = self.data_plane.check_tls
        tls = chain(*map(check, parts.nodes), *map(check, parts.gateways))
        return (*problems, *names, *tls, *self.certificates.check(parts))

    def _facts(self) -> Facts:
        """Return what the analysis looks at."""
        if self.data_plane.follows_tutorial:
            return Facts(mesh=self.model)
        idle_millis = (CLIENT_IDLE_MILLIS, SERVER_IDLE_MILLIS)
        return Facts(mesh=self.model, tcp_idle_millis=idle_millis, validates_acm=False)

    @property
    def _collector_port(self) -> int | None:
        """Port of a collector outside of the tasks, unless the tasks may connect to it anyway."""
        if self.telemetry is None or self.telemetry.collector in (None, "sidecar"):
            return None
        url = self.telemetry.collector_url
        assert url is not None
        port = collector_port(url)
        return None if port == 443 else port


def _default_isolation(interception: str | None, security_group: ec2.ISecurityGroup | None) -> Isolation:
    return "mesh" if security_group is not None and interception == "transparent" else "node"
