"""Configuration sources of dynamic resources: files or a discovery server, with the same paths."""

from color_mesh.envoy.placement import FileEndpoints, ServerEndpoints
from color_mesh.envoy.typed import Json

LISTENERS_FILE = "lds.json"
CLUSTERS_FILE = "cds.json"
SERVER_CLUSTER = "discovery_server"


def endpoints_file(cluster: str) -> str:
    """Return the path of the endpoints of a cluster."""
    return f"eds/{cluster}.json"


def routes_file(name: str) -> str:
    """Return the path of a route configuration."""
    return f"rds/{name}.json"


def config_source(endpoints: FileEndpoints | ServerEndpoints, file: str) -> Json:
    """Render the configuration source of a path."""
    if isinstance(endpoints, FileEndpoints):
        return {"resource_api_version": "V3", "path_config_source": {"path": f"{endpoints.directory}/{file}"}}
    return {
        "resource_api_version": "V3",
        # Envoy waits for its configuration without a timeout, as App Mesh's Envoy did.
        "initial_fetch_timeout": "0s",
        "api_config_source": {
            "api_type": "REST",
            "transport_api_version": "V3",
            "cluster_names": [SERVER_CLUSTER],
            # The server holds each request until there is a change (long polling), so the delay is short.
            "refresh_delay": "0.010s",
            "request_timeout": "86400s",
        },
    }


def dynamic_resources(endpoints: FileEndpoints | ServerEndpoints) -> Json:
    """Render the configuration sources of listeners and clusters, which name those of routes and endpoints."""
    return {
        "lds_config": config_source(endpoints, LISTENERS_FILE),
        "cds_config": config_source(endpoints, CLUSTERS_FILE),
    }


def server_cluster(endpoints: ServerEndpoints) -> Json:
    """Render the cluster of the discovery server."""
    endpoint = {"endpoint": {"address": {"pipe": {"path": endpoints.socket}}}}
    return {
        "name": SERVER_CLUSTER,
        "type": "STATIC",
        "connect_timeout": "1s",
        "load_assignment": {"cluster_name": SERVER_CLUSTER, "endpoints": [{"lb_endpoints": [endpoint]}]},
    }
