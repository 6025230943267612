"""The stack of the services that implement a mesh, as Python."""

import re
from collections.abc import Iterator, Sequence

from color_mesh.migration.carry import CarriedMesh
from color_mesh.migration.containers import PARAMETER, SECRET, CarriedContainer
from color_mesh.migration.placeholders import own_repository, stack_text
from color_mesh.migration.python import Code, Identifiers, call, lines, listed, mapping, names_in, text, unless
from color_mesh.migration.sizes import memory
from color_mesh.migration.workload import Workload
from color_mesh.model import ContainerHealthCheck, VirtualNode
from color_mesh.model.deployment import ENVOY_CPU, ENVOY_MEMORY_MIB

_HEAD = '''\
"""The tasks of the mesh {name!r}: what runs its nodes and gateways."""

from collections.abc import Mapping

{imports}
from constructs import Construct


class ServicesStack(Stack):
    """Define a Fargate service for each node and gateway whose task definition was at hand."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        cluster: ecs.ICluster,
        nodes: Mapping[str, MeshedColorNode],
        gateways: Mapping[str, MeshGateway],
        env: Environment | None,
    ) -> None:
        super().__init__(scope, id, env=env)
        log_group = logs.LogGroup(
            self, "LogGroup", retention=logs.RetentionDays.ONE_WEEK, removal_policy=RemovalPolicy.DESTROY
        )
'''
_COMPLETE = re.compile(r".*-[A-Za-z0-9]{6}")


def services_module(carried: CarriedMesh, workloads: Sequence[Workload]) -> str:
    """Write the module of the stack with the services."""
    module = _ServicesModule(carried)
    body = "\n\n".join("\n".join(module.workload(workload)) for workload in workloads)
    return _HEAD.format(name=carried.mesh.name, imports=module.imports()) + "\n" + body + "\n"


class _ServicesModule:
    """Write what implements the parts of a mesh, one after the other."""

    def __init__(self, carried: CarriedMesh) -> None:
        self._carried = carried
        self._ids = Identifiers(("LogGroup",))
        self._variables = Identifiers(
            ("self", "scope", "id", "cluster", "nodes", "gateways", "env", "log_group", "task")
        )
        self._called: set[str] = set()

    def workload(self, workload: Workload) -> Iterator[str]:
        """Write what implements a node or gateway."""
        id = self._ids.construct_id(workload.part.name, "Service")
        if workload.app is not None:
            node = self._carried.mesh.node(workload.part.name)
            owner, said = "nodes", self._of_node(id, workload, node, workload.app)
        else:
            owner, said = "gateways", _of_gateway(workload)
        made = call(".implement", "self", text(id), cluster="cluster", **said, **_of_both(workload))
        waits = [*_dependencies(workload)]
        before = "task = " if workload.others else ""
        yield from self._statement(f"{before}{owner}[{text(workload.part.name)}]", made)
        code = {workload.definition.envoys[0].name: "task.envoy_container"}
        code |= {workload.app.name: "task.app_container"} if workload.app else {}
        for container in workload.others:
            named = f"{self._variables.variable(f'{workload.part.name}-{container.name}', 'container')}"
            code[container.name] = named
            before = f"{named} = " if container.name in {name for pair in waits for name in pair[:2]} else ""
            yield from self._statement(f"{before}task.task_definition", self._other(id, workload, container))
        for container_name, other, condition in waits:
            of = f"ecs.ContainerDependencyCondition.{condition}"
            dependency = call("ecs.ContainerDependency", container=code[other], condition=of)
            yield from self._statement(code[container_name], call(".add_container_dependencies", dependency))

    def imports(self) -> str:
        """Write the imports, of what is used."""
        aws = {
            "Duration": "from aws_cdk import Duration, Environment, RemovalPolicy, Stack",
            "ecr": "from aws_cdk import aws_ecr as ecr",
            "secretsmanager": "from aws_cdk import aws_secretsmanager as secretsmanager",
            "ssm": "from aws_cdk import aws_ssm as ssm",
        }
        used = {name: line for name, line in aws.items() if any(each.split(".")[0] == name for each in self._called)}
        check = "ContainerHealthCheck, " if "ContainerHealthCheck" in self._called else ""
        return "\n".join(
            (
                used.pop("Duration", "from aws_cdk import Environment, RemovalPolicy, Stack"),
                *sorted(("from aws_cdk import aws_ecs as ecs", "from aws_cdk import aws_logs as logs", *used.values())),
                f"from color_mesh import {check}MeshedColorNode, MeshGateway",
                *(["from color_mesh.cdk.images import container_image"] if "container_image" in self._called else []),
            )
        )

    def _statement(self, before: str, code: Code) -> Iterator[str]:
        self._called.update(names_in(code))
        return lines(before, code, 2)

    def _of_node(self, id: str, workload: Workload, node: VirtualNode, app: CarriedContainer) -> dict[str, Code]:
        ports, size = app.definition.ports, workload.size
        port_name = next((ports[each.port] for each in node.listeners if each.port in ports), None)
        cpu, memory = workload.cpu.of_app(size.cpu), workload.memory_mib.of_app(size.memory_mib)
        return {
            **self._told(id, app),
            **_sized(workload),
            **unless(ENVOY_CPU, envoy_cpu=workload.cpu.envoy),
            **unless(ENVOY_MEMORY_MIB, envoy_memory_mib=workload.memory_mib.envoy),
            # What goes without saying is what Envoy leaves.
            **unless(size.cpu - workload.cpu.envoy, app_cpu=cpu),
            **unless(size.memory_mib - workload.memory_mib.envoy, app_memory_mib=memory),
            **unless("0.0.0.0", app_address=self._carried.app_address(node)),
            **unless(f"{node.name}-app", container_name=app.name),
            **unless(None, port_name=port_name, container_health_check=app.definition.health_check),
        }

    def _other(self, id: str, workload: Workload, container: CarriedContainer) -> Code:
        """Write a container that is neither the application nor Envoy."""
        definition, own = container.definition, f"{id}-{container.name}"
        logging = call("ecs.LogDrivers.aws_logs", stream_prefix=text(container.name), log_group="log_group")
        return call(
            ".add_container",
            text(container.name),
            **self._told(own, container),
            # All of a gateway's task is Envoy's limit: another one would not fit.
            **(unless(None, cpu=definition.cpu, memory_limit_mib=memory(definition)) if workload.app else {}),
            **unless(True, essential=definition.essential),
            **({"health_check": _health_check(definition.health_check)} if definition.health_check else {}),
            logging=logging,
        )

    def _told(self, id: str, container: CarriedContainer) -> dict[str, Code]:
        """Write a container's image, and what it is told."""
        said: dict[str, Code] = {"image": self._image(id, container.image)}
        definition = container.definition
        if definition.entry_point:
            said["entry_point"] = listed(map(stack_text, definition.entry_point))
        if definition.command:
            said["command"] = listed(map(stack_text, definition.command))
        if container.environment:
            said["environment"] = mapping(
                (text(name), stack_text(each)) for name, each in container.environment.items()
            )
        if container.secrets:
            secrets = ((text(name), self._secret(id, name, each)) for name, each in container.secrets.items())
            said["secrets"] = mapping(secrets)
        return said

    def _image(self, id: str, name: str) -> Code:
        if ".dkr.ecr." not in name:
            return call("ecs.ContainerImage.from_registry", text(name))
        own = text(self._ids.construct_id(f"{id}-Image", "Image"))
        if found := own_repository(name):
            repository = call("ecr.Repository.from_repository_name", "self", own, text(found[0]))
            return call("ecs.ContainerImage.from_ecr_repository", repository, text(found[1]))
        return call("container_image", "self", own, text(name))

    def _secret(self, id: str, name: str, reference: str) -> Code:
        own = text(self._ids.construct_id(f"{id}-{name}", "Secret"))
        if found := SECRET.fullmatch(reference):
            kind = "complete" if _COMPLETE.fullmatch(found[1]) else "partial"
            secret = call(f"secretsmanager.Secret.from_secret_{kind}_arn", "self", own, stack_text(found[1]))
            return call("ecs.Secret.from_secrets_manager", secret, *([text(found[2])] if found[2] else []))
        parameter = PARAMETER.fullmatch(reference)
        assert parameter is not None
        make = "ssm.StringParameter.from_secure_string_parameter_attributes"
        return call("ecs.Secret.from_ssm_parameter", call(make, "self", own, parameter_name=text(parameter[1])))


def _dependencies(workload: Workload) -> Iterator[tuple[str, str, str]]:
    """Find which containers wait for which, but for the application's waiting for Envoy, which is the constructs'."""
    kept = {each.name for each in (workload.app, *workload.others) if each is not None}
    envoy = workload.definition.envoys[0].name
    for container in workload.definition.containers:
        for other, condition in container.depends_on:
            from_app = workload.app is not None and container.name == workload.app.name
            if container.name in kept and other in {*kept, envoy} and not (from_app and other == envoy):
                yield container.name, other, condition


def _of_gateway(workload: Workload) -> dict[str, Code]:
    said = _sized(workload)
    if workload.service.public and not workload.target_groups:
        said["exposure"] = text("public-ip")
    elif not workload.internet_facing:
        said["internet_facing"] = "False"
    return said


def _of_both(workload: Workload) -> dict[str, Code]:
    service, definition = workload.service, workload.definition
    return {
        **unless(1, desired_count=service.desired_count),
        **unless(False, execute_command=service.execute_command),
        **({"cpu_architecture": "ecs.CpuArchitecture.ARM64"} if definition.cpu_architecture == "ARM64" else {}),
        **unless(None, family=definition.declared_family, service_name=service.declared_name),
        "log_group": "log_group",
    }


def _sized(workload: Workload) -> dict[str, Code]:
    return unless(256, cpu=workload.size.cpu) | unless(512, memory_mib=workload.size.memory_mib)


def _health_check(check: ContainerHealthCheck) -> Code:
    said = {
        "interval": check.interval_seconds,
        "timeout": check.timeout_seconds,
        "start_period": check.start_period_seconds,
    }
    durations = {name: call("Duration.seconds", repr(each)) for name, each in said.items() if each is not None}
    command = listed(map(text, check.command))
    return call("ecs.HealthCheck", command=command, retries=repr(check.retries), **durations)
