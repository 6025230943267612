"""The mesh 'bookshop-prod': its nodes, routers, virtual services and gateways."""

from aws_cdk import Duration, Environment, Stack, Tags
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_servicediscovery as servicediscovery
from color_mesh import (
    AccessLog,
    AcmCertificate,
    ConnectionPool,
    HeaderMatch,
    HealthCheck,
    ListenerTls,
    MeshGateway,
    MeshNode,
    MeshRouter,
    MeshService,
    OutlierDetection,
    RetryPolicy,
    Rewrite,
    RouteMatch,
    ServiceMesh,
    Timeout,
)
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
        mesh = ServiceMesh(
            self,
            "Mesh",
            mesh_name="bookshop-prod",
            vpc=vpc,
            namespace=namespace,
            other_domains=("legacy.example.com",),
            egress_filter="ALLOW_ALL",
            data_plane="envoy",
        )
        Tags.of(mesh).add("team", "books")

        catalogue_v1 = MeshNode(
            self,
            "CatalogueV1",
            mesh=mesh,
            name="catalogue-v1",
            port=8080,
            health_check=HealthCheck(protocol="http", unhealthy_threshold=3, path="/healthz"),
            connection_pool=ConnectionPool(max_connections=100, max_pending_requests=50),
            outlier_detection=OutlierDetection(max_ejection_percent=50),
            cloud_map_description="Both versions of the catalogue.",
            virtual_service=False,
        )
        catalogue_v2 = MeshNode(
            self,
            "CatalogueV2",
            mesh=mesh,
            name="catalogue-v2",
            port=8080,
            health_check=HealthCheck(protocol="http", unhealthy_threshold=3, path="/healthz"),
            connection_pool=ConnectionPool(max_connections=100, max_pending_requests=50),
            outlier_detection=OutlierDetection(max_ejection_percent=50),
            cloud_map_description="Both versions of the catalogue.",
            virtual_service=False,
        )
        pricing = MeshNode(self, "Pricing", mesh=mesh, name="pricing", port=9090, protocol="grpc", access_log=None)
        database = MeshNode(
            self,
            "Database",
            mesh=mesh,
            name="database",
            port=5432,
            protocol="tcp",
            hostname="books.cluster-abcdefghijkl.eu-west-1.rds.amazonaws.com",
            access_log=None,
        )
        shop = MeshNode(
            self,
            "Shop",
            mesh=mesh,
            name="shop",
            port=8080,
            timeout=Timeout(idle=Duration.seconds(60)),
            tls=ListenerTls(certificate=AcmCertificate(arn="arn:aws:acm:eu-west-1:111122223333:certificate/12345678")),
            access_log=AccessLog(text="%REQ(:METHOD)% %REQ(:PATH)% %RESPONSE_CODE%\n"),
        )
        reports = MeshNode(
            self, "Reports", mesh=mesh, name="reports", listeners=(), virtual_service=False, access_log=None
        )

        catalogue = MeshRouter(
            self,
            "Catalogue",
            mesh=mesh,
            name="catalogue",
            virtual_service_name="catalogue.prod.bookshop.local",
            port=8080,
        )
        catalogue.add_route(
            "Canary",
            name="canary",
            match=RouteMatch(prefix="/books", headers=(HeaderMatch(name="x-canary", exact="true"),)),
            targets={catalogue_v2: 1},
            priority=1,
        )
        catalogue.add_route(
            "Default",
            name="default",
            prefix="/",
            targets={catalogue_v1: 95, catalogue_v2: 5},
            priority=2,
            retry_policy=RetryPolicy(
                max_retries=3,
                per_retry_timeout=Duration.seconds(2),
                http_events=("gateway-error",),
                tcp_events=("connection-error",),
            ),
            timeout=Timeout(per_request=Duration.seconds(10)),
        )

        prices_legacy_example_com = MeshService(
            self,
            "PricesLegacyExampleCom",
            mesh=mesh,
            virtual_service_name="prices.legacy.example.com",
            provider=pricing,
        )

        shop.connect_to(catalogue, pricing, prices_legacy_example_com, database)
        reports.connect_to(catalogue)

        front = MeshGateway(self, "Front", mesh=mesh, name="front", port=8088)
        front.add_route(
            "Shop",
            name="shop",
            match=RouteMatch(prefix="/shop/", hostname_suffix=".bookshop.example.com"),
            to=shop,
            rewrite=Rewrite(prefix="/"),
        )

        self.mesh = mesh
        self.nodes: dict[str, MeshNode] = {
            "catalogue-v1": catalogue_v1,
            "catalogue-v2": catalogue_v2,
            "pricing": pricing,
            "database": database,
            "shop": shop,
            "reports": reports,
        }
        self.gateways: dict[str, MeshGateway] = {"front": front}
