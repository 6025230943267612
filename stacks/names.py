"""Physical names of the tutorial, which CloudFormation does not let it replace in place."""

from collections.abc import Mapping

from aws_cdk import Annotations, CfnResource, Stack, Token
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_logs as logs

_NAMES: Mapping[type[CfnResource], str] = {
    ec2.CfnSecurityGroup: "group_name",
    ecs.CfnService: "service_name",
    elbv2.CfnLoadBalancer: "name",
    elbv2.CfnTargetGroup: "name",
    logs.CfnLogGroup: "log_group_name",
}


def report_physical_names(*stacks: Stack) -> None:
    """Say at synthesis, for the last stack, which resources have a name, and which changes need a deletion first.

    AWS CloudFormation User Guide, *Name type*: updates that replace a resource with a custom name fail, because the new
    one is created before the old one is deleted.
    """
    constructs = [construct for stack in stacks for construct in stack.node.find_all()]
    names = [name for construct in constructs if (name := _name(construct)) is not None]
    text = (
        f"the tutorial's physical names are not replaced in place: {', '.join(names)} (before a change of the settings "
        "vpcId, clusterName or dataPlane: cdk destroy --all)"
    )
    Annotations.of(stacks[-1]).add_info_v2("color-mesh:physical-names", text)


def _name(construct: object) -> str | None:
    attribute = _NAMES.get(type(construct)) if isinstance(construct, CfnResource) else None
    name = None if attribute is None else getattr(construct, attribute)
    return None if name is None or Token.is_unresolved(name) else str(name)
