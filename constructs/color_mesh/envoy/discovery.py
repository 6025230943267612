"""Where Envoy takes from what changes while it runs: files, or a discovery server. Both have the same documents."""

from color_mesh.envoy.placement import FileEndpoints, ServerEndpoints
from color_mesh.envoy.typed import Json

LISTENERS_FILE = "lds.json"
CLUSTERS_FILE = "cds.json"
SERVER_CLUSTER = "discovery_server"


def endpoints_file(cluster: str) -> str:
    """Name the document of a cluster's endpoints."""
    return f"eds/{cluster}.json"


def routes_file(name: str) -> str:
    """Name the document of a route configuration."""
    return f"rds/{name}.json"


def config_source(endpoints: FileEndpoints | ServerEndpoints, file: str) -> Json:
    """Write where a document comes from."""
    if isinstance(endpoints, FileEndpoints):
        return {"resource_api_version": "V3", "path_config_source": {"path": f"{endpoints.directory}/{file}"}}
    return {
        "resource_api_version": "V3",
        # As App Mesh's agent had it: Envoy waits for its configuration, however long it takes.
        "initial_fetch_timeout": "0s",
        "api_config_source": {
            "api_type": "REST",
            "transport_api_version": "V3",
            "cluster_names": [SERVER_CLUSTER],
            # The server holds a request until there is something new, so the next one may follow at once.
            "refresh_delay": "0.010s",
            "request_timeout": "86400s",
        },
    }


def dynamic_resources(endpoints: FileEndpoints | ServerEndpoints) -> Json:
    """Write where listeners and clusters come from; these say where the rest does."""
    return {
        "lds_config": config_source(endpoints, LISTENERS_FILE),
        "cds_config": config_source(endpoints, CLUSTERS_FILE),
    }


def server_cluster(endpoints: ServerEndpoints) -> Json:
    """Write the cluster of the discovery server."""
    endpoint = {"endpoint": {"address": {"pipe": {"path": endpoints.socket}}}}
    return {
        "name": SERVER_CLUSTER,
        "type": "STATIC",
        "connect_timeout": "1s",
        "load_assignment": {"cluster_name": SERVER_CLUSTER, "endpoints": [{"lb_endpoints": [endpoint]}]},
    }
