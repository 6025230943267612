"""Validation of the arguments of a gateway."""

from collections.abc import Iterator, Sequence

from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_ec2 as ec2

from color_mesh.model import VirtualGateway
from color_mesh.model.deployment import Exposure
from color_mesh.model.errors import problem


def check_entry(subject: str, exposure: Exposure, group: ec2.ISecurityGroup | None) -> Iterator[str]:
    """Validate that a gateway without an exposure has no group for clients."""
    if exposure == "none" and group is not None:
        fix = "leave it out: it is the group of your load balancer, which load_balancer_target lets in"
        yield problem(subject, "'entry_security_group' needs an exposure", group.node.path, fix)


def check_certificates(
    subject: str, exposure: Exposure, certificates: Sequence[acm.ICertificate], gateway: VirtualGateway
) -> Iterator[str]:
    """Validate that a load balancer can use the certificates."""
    if certificates and exposure not in ("internal", "internet"):
        fix = "exposure='internal' or 'internet': the load balancer of the gateway has them"
        yield problem(subject, "'certificates' need a load balancer", exposure, fix)
    for tls in (listener.tls for listener in gateway.listeners if certificates):
        if tls is not None and tls.mode == "STRICT" and tls.validation is not None:
            # Application Load Balancers User Guide, *Target groups*: the load balancer has no certificate for targets.
            fix = "leave out 'certificates': clients present theirs to the gateway, through a network load balancer"
            yield problem(subject, "its listener demands a client certificate of the load balancer", tls.mode, fix)


def check_security_group(
    subject: str, shared: ec2.ISecurityGroup | None, own: ec2.ISecurityGroup | None
) -> Iterator[str]:
    """Validate that a gateway has no group of its own if all tasks of its mesh share one."""
    if shared is not None and own is not None:
        fix = "leave security_group out"
        yield problem(subject, "all tasks of its mesh share one security group", own.node.path, fix)


def check_proxies(
    subject: str, trusted_hops: int, exposure: Exposure, group: ec2.ISecurityGroup | None
) -> Iterator[str]:
    """Validate that a gateway with trusted proxies has no new entry security group, which would admit all clients."""
    if group is None and exposure in ("internal", "internet", "public-ip"):
        fix = "one that admits the trusted proxies only: other clients could forge their addresses"
        yield problem(subject, "'trusted_hops' needs an entry_security_group", trusted_hops, fix)


def check_vpc_cidr(subject: str, vpc: ec2.IVpc) -> Iterator[str]:
    """Validate that the addresses of a VPC are known."""
    try:
        _ = vpc.vpc_cidr_block
    except RuntimeError:
        fix = "import it with vpc_cidr_block, or give an entry_security_group"
        yield problem(subject, "CIDR block of its VPC is not known", vpc.node.path, fix)
