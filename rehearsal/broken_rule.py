"""The app with a security group that cdk-nag refuses: it admits all addresses on all ports."""

from aws_cdk import aws_ec2 as ec2

from app import build
from stacks.network_stack import NetworkStack


def main() -> None:
    """Synthesize the app, which must fail."""
    app = build()
    network = app.node.find_child("NetworkStack")
    assert isinstance(network, NetworkStack)
    group = ec2.SecurityGroup(network, "OpenSecurityGroup", vpc=network.vpc)
    group.add_ingress_rule(ec2.Peer.any_ipv4(), ec2.Port.all_tcp(), "all addresses")
    app.synth()


if __name__ == "__main__":
    main()
