"""Cloud Map resources in the JSON of the AWS CLI."""

from color_mesh.aws_json.resource import Converted, Object, label_of, only, texts

SERVICE = "AWS::ServiceDiscovery::Service"
NAMESPACES = {
    "DNS_PRIVATE": "AWS::ServiceDiscovery::PrivateDnsNamespace",
    "DNS_PUBLIC": "AWS::ServiceDiscovery::PublicDnsNamespace",
    "HTTP": "AWS::ServiceDiscovery::HttpNamespace",
}
_SERVICE = ("Name", "NamespaceId", "DnsConfig", "Description", "HealthCheckConfig", "HealthCheckCustomConfig", "Tags")


def cloud_map_resources(value: Object, file_name: str) -> list[Converted] | None:
    """Return the namespace, service or instance that an object declares."""
    if "Name" in value and ("DnsConfig" in value or "NamespaceId" in value):
        return [service(value)]
    if "Name" in value and (kind := _namespace_kind(value)) is not None:
        return [namespace(kind, value)]
    if {"ServiceId", "InstanceId", "Attributes"} <= value.keys():
        properties = {
            "ServiceId": value["ServiceId"],
            "InstanceId": value["InstanceId"],
            "InstanceAttributes": value["Attributes"],
        }
        return [
            Converted(
                type="AWS::ServiceDiscovery::Instance",
                label=label_of("instance", value["InstanceId"]),
                properties=properties,
                key=(str(value["ServiceId"]), str(value["InstanceId"])),
            )
        ]
    return None


def service(value: Object, label: str | None = None) -> Converted:
    """Return a Cloud Map service."""
    dns = value.get("DnsConfig")
    namespace_id = value.get("NamespaceId") or (dns.get("NamespaceId") if isinstance(dns, dict) else None)
    properties = only(value, _SERVICE)
    if namespace_id is not None:
        properties["NamespaceId"] = namespace_id
    if isinstance(dns, dict):
        properties["DnsConfig"] = {key: each for key, each in dns.items() if key != "NamespaceId"}
    return Converted(
        type=SERVICE,
        label=label or label_of("service", value.get("Name")),
        properties=properties,
        key=(str(namespace_id), str(value.get("Name"))),
        ids=texts(value.get("Id"), value.get("Arn")),
    )


def namespace(kind: str, value: Object, label: str | None = None) -> Converted:
    """Return a namespace: ``kind`` is one of `NAMESPACES`."""
    return Converted(
        type=NAMESPACES[kind],
        label=label or label_of("namespace", value.get("Name")),
        properties=only(value, ("Name", "Description", "Vpc") if kind == "DNS_PRIVATE" else ("Name", "Description")),
        # Two VPCs may have namespaces of the same name.
        key=(str(value.get("Name")), str(value.get("Id") or "")),
        ids=texts(value.get("Id"), value.get("Arn")),
    )


def _namespace_kind(value: Object) -> str | None:
    kind, arn = value.get("Type"), value.get("Arn")
    if isinstance(kind, str) and kind in NAMESPACES and "ResourceRecords" not in value:
        return kind
    if "Vpc" in value and "CidrBlock" not in value:
        return "DNS_PRIVATE"
    return "HTTP" if isinstance(arn, str) and ":servicediscovery:" in arn and ":namespace/" in arn else None
