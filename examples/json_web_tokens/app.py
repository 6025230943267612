"""A gateway that accepts requests with a JSON Web Token only: a change of Envoy's configuration by a function of yours.

The constructs have no argument for Envoy's JWT filter. `adjust_bootstrap` gets the compiled configuration, and returns
the one to use.
"""

from typing import Any

from aws_cdk import App, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from constructs import Construct

from color_mesh import MeshGateway, MeshNode, ServiceMesh

ISSUER_HOST = "issuer.example.com"
HTTP_CONNECTION_MANAGER = "envoy.filters.network.http_connection_manager"
ROUTER = "envoy.filters.http.router"


class ShopStack(Stack):
    """A mesh whose gateway requires tokens."""

    def __init__(self, scope: Construct, id: str) -> None:
        super().__init__(scope, id)
        vpc = ec2.Vpc(self, "Vpc", max_azs=2)
        cluster = ecs.Cluster(self, "Cluster", vpc=vpc)
        mesh = ServiceMesh(self, "Mesh", vpc=vpc, domain="shop.local")
        shop = MeshNode(self, "Shop", mesh=mesh, name="shop", port=8080)
        gateway = MeshGateway(self, "Gateway", mesh=mesh, name="gateway")
        gateway.add_route("ShopRoute", to=shop)
        image = ecs.ContainerImage.from_registry("example/shop:1")
        shop.implement(self, "ShopTask", cluster=cluster, image=image)
        gateway.implement(self, "GatewayTask", cluster=cluster, exposure="internet", adjust_bootstrap=require_tokens)


def require_tokens(bootstrap: dict[str, Any]) -> dict[str, Any]:
    """Add the JWT filter to the listener of clients, and the cluster from which it fetches the keys of the issuer."""
    resources = bootstrap["static_resources"]
    for listener in resources["listeners"]:
        if not listener["name"].startswith("lds_ingress_"):
            continue
        for chain in listener["filter_chains"]:
            for network_filter in chain["filters"]:
                if network_filter["name"] == HTTP_CONNECTION_MANAGER:
                    http_filters = network_filter["typed_config"]["http_filters"]
                    position = [each["name"] for each in http_filters].index(ROUTER)
                    http_filters.insert(position, token_filter())
    resources["clusters"].append(issuer_cluster())
    return bootstrap


def token_filter() -> dict[str, Any]:
    """Return the filter: requests without a valid token are answered with 401."""
    return {
        "name": "envoy.filters.http.jwt_authn",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication",
            "providers": {
                "issuer": {
                    "issuer": f"https://{ISSUER_HOST}/",
                    "audiences": ["shop"],
                    "remote_jwks": {
                        "http_uri": {
                            "uri": f"https://{ISSUER_HOST}/.well-known/jwks.json",
                            "cluster": "token-issuer",
                            "timeout": "5s",
                        },
                        "cache_duration": "600s",
                    },
                }
            },
            # The first rule that matches applies. Health checks of load balancers have no token.
            "rules": [
                {"match": {"path": "/.well-known/gateway-health"}},
                {"match": {"prefix": "/"}, "requires": {"provider_name": "issuer"}},
            ],
        },
    }


def issuer_cluster() -> dict[str, Any]:
    """Return the cluster of the issuer. The security groups of the mesh let out port 443."""
    return {
        "name": "token-issuer",
        "type": "LOGICAL_DNS",
        "connect_timeout": "2s",
        "load_assignment": {
            "cluster_name": "token-issuer",
            "endpoints": [
                {
                    "lb_endpoints": [
                        {"endpoint": {"address": {"socket_address": {"address": ISSUER_HOST, "port_value": 443}}}}
                    ]
                }
            ],
        },
        "transport_socket": {
            "name": "envoy.transport_sockets.tls",
            "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
                "sni": ISSUER_HOST,
                "auto_sni_san_validation": True,
                "common_tls_context": {
                    "validation_context": {"trusted_ca": {"filename": "/etc/ssl/certs/ca-certificates.crt"}}
                },
            },
        },
    }


if __name__ == "__main__":
    app = App()
    ShopStack(app, "ShopStack")
    app.synth()
