"""Calls for certificates, authorities and secrets: the permissions that they take, and warnings about those to come."""

from collections.abc import Iterator

from color_mesh.ecs.roles import Decision, Role
from color_mesh.ecs.services import Service
from color_mesh.local.plan.assembly import ACCOUNT, Plan
from color_mesh.local.plan.authorization import authorize_resource
from color_mesh.local.plan.certificates import RunCertificates, complete_arn, used_arns

# By the name of each API in ARNs, signatures and actions.
ACTIONS = {
    "acm": "ExportCertificate",
    "acm-pca": "GetCertificateAuthorityCertificate",
    "secretsmanager": "GetSecretValue",
}


def authorize_certificate(
    role: Role, api: str, identifier: str, certificates: RunCertificates, region: str
) -> Decision:
    """Decide whether a role allows the call for a certificate, an authority or a secret.

    Args:
        role: Role of the task.
        api: Key of `ACTIONS`.
        identifier: ARN, or name of a secret.
        certificates: Certificates of the run.
        region: Region of the API.
    """
    action = f"{api}:{ACTIONS[api]}"
    if api != "secretsmanager":
        return authorize_resource(role, action, [identifier], region)
    secret = certificates.secret(identifier)
    prefix = "" if ":" in identifier else f"arn:aws:{api}:{region}:{ACCOUNT}:secret:"
    arn = complete_arn(f"{prefix}{identifier}") if secret is None else secret.arn
    context = dict.fromkeys(("secretsmanager:versionid", "secretsmanager:versionstage"))
    decision = authorize_resource(role, action, [arn], region, {**context, "secretsmanager:secretid": identifier})
    if decision.denial is not None or secret is None or secret.encryption_key is None:
        return decision
    via = {"kms:viaservice": f"{api}.{region}.amazonaws.com"}
    of_key = authorize_resource(role, "kms:Decrypt", [secret.encryption_key], region, via)
    return Decision(
        denial=of_key.denial, assumptions=tuple(dict.fromkeys((*decision.assumptions, *of_key.assumptions)))
    )


def certificate_warnings(plan: Plan, service: Service) -> Iterator[str]:
    """Return a warning for each certificate, authority or secret that the Envoys of a service's tasks will not get."""
    task = plan.task(service)
    key = task.definition.task_role
    role = plan.roles.get(key or "")
    for arn in dict.fromkeys(arn for arn, _ in used_arns(task, plan.meshes)):
        _, _, api, region, *_ = arn.split(":")
        if region != task.region:
            yield f"{service.name}: {arn} is not in the region of the stack, {task.region}"
        elif key is None:
            yield f"{service.name}: the task has no role, which must allow {api}:{ACTIONS[api]} on {arn}"
        elif role is not None:
            denial = authorize_certificate(role, api, arn, plan.certificates, region).denial
            if denial is not None:
                yield f"{service.name}: {denial}"
