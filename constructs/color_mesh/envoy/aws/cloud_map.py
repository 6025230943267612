"""AWS Cloud Map as the source of endpoints and weights.

Envoy's REST subscriptions go to the cluster of Cloud Map's endpoint. Its upstream filters make each of them a call of
DiscoverInstances (`cloud_map.lua`) and sign it. The name of a resource has all that the filter needs.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from urllib.parse import quote, unquote

from color_mesh.envoy.aws.lua import lua_filter
from color_mesh.envoy.aws.signed_cluster import REGION, URL_SUFFIX, rest_source, signed_cluster
from color_mesh.envoy.typed import Json
from color_mesh.model import IpPreference

CLUSTER = "aws_servicediscovery"
# AWS General Reference, *AWS Cloud Map endpoints and quotas*: the endpoint of DiscoverInstances.
HOST = f"data-servicediscovery.{REGION}.{URL_SUFFIX}"
# The filter refuses longer answers.
_BUFFER_BYTES = 3 * 1024 * 1024
_IP_VERSIONS: Mapping[IpPreference | None, str] = {
    "IPv4_ONLY": "4",
    "IPv6_ONLY": "6",
    "IPv4_PREFERRED": "46",
    "IPv6_PREFERRED": "64",
    None: "46",
}


def endpoints_name(
    namespace: str,
    service: str,
    port: int,
    preference: IpPreference | None,
    attributes: Iterable[tuple[str, str]] = (),
    own_policy_of: str | None = None,
) -> str:
    """Return the name of the endpoints of a Cloud Map service.

    Args:
        namespace: Name of the namespace.
        service: Name of the service.
        port: Port of the endpoints.
        preference: IP versions of the addresses. ``None``: IPv4, then IPv6.
        attributes: Keys and values of the attributes that an instance must have.
        own_policy_of: Virtual service with its own client policy, whose cluster is another one with the same endpoints.
    """
    parameters = [("port", str(port)), ("ip", _IP_VERSIONS[preference])]
    parameters += [(f"@{key}", value) for key, value in attributes]
    parameters += [("for", own_policy_of)] if own_policy_of else []
    return _name(namespace, service, parameters)


def weights_name(namespace: str, service: str, keys: Iterable[tuple[str, Sequence[str], str]]) -> str:
    """Return the name of the runtime layer with the weights of a router.

    Args:
        namespace: Name of the namespace.
        service: Name of the Cloud Map service, which has an instance for each route.
        keys: Runtime keys of weights, each after the id of the instance and the names of the attributes that have them.
    """
    parameters = [(f"{instance}/{','.join(attributes)}", key) for instance, attributes, key in keys]
    return _name(namespace, service, parameters)


def config_source(refresh_seconds: int) -> Json:
    """Render the configuration source of endpoints or weights.

    Envoy waits after each call for ``refresh_seconds``, and for a random time that is at most as long.
    """
    return rest_source(CLUSTER, refresh_seconds)


def cloud_map_cluster() -> Json:
    """Render the cluster of Cloud Map's endpoint, with the filters that call DiscoverInstances."""
    cluster = signed_cluster(CLUSTER, HOST, "servicediscovery", [lua_filter("cloud_map.lua")])
    return {**cluster, "per_connection_buffer_limit_bytes": _BUFFER_BYTES}


def called_services(bootstrap: Json) -> Iterator[tuple[str, str]]:
    """Yield the namespace and the name of the Cloud Map service of each subscription of an Envoy."""
    clusters = bootstrap.get("static_resources", {}).get("clusters", [])
    names = [each["eds_cluster_config"]["service_name"] for each in clusters if "eds_cluster_config" in each]
    layers = bootstrap.get("layered_runtime", {}).get("layers", [])
    names += [each["rtds_layer"]["name"] for each in layers if "rtds_layer" in each]
    for name in names:
        namespace, service = name.partition("?")[0].split("/")
        yield unquote(namespace), unquote(service)


def _name(namespace: str, service: str, parameters: Iterable[tuple[str, str]]) -> str:
    query = "&".join(f"{quote(key, safe='@/.:')}={quote(value, safe='@/.:')}" for key, value in parameters)
    return f"{quote(namespace, safe='')}/{quote(service, safe='')}?{query}"
