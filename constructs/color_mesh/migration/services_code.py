"""Code of the stack with the ECS services of the mesh."""

from collections.abc import Iterator, Sequence

from color_mesh.ecs.containers import CONDITIONS
from color_mesh.migration.balancer_code import balancer_statements
from color_mesh.migration.balancers import MigratedBalancer
from color_mesh.migration.container_code import container_arguments, health_check_code
from color_mesh.migration.containers import ConvertedContainer
from color_mesh.migration.conversion import ConvertedMesh
from color_mesh.migration.python import CDK_IDS, Code, Identifiers, call, member, prose, unless, value
from color_mesh.migration.scaling import scaling_statements
from color_mesh.migration.sizes import container_memory
from color_mesh.migration.tags import ecs_tag_statements, merged, tag_statements
from color_mesh.migration.volumes import volume_statements
from color_mesh.migration.workload import Workload
from color_mesh.model import VirtualNode
from color_mesh.model.deployment import ENVOY_CPU, ENVOY_MEMORY_MIB

_MODULE = '''\
"""ECS services of the mesh '{name}': the tasks of its nodes and gateways."""

from collections.abc import Mapping

from aws_cdk import Duration, Environment, RemovalPolicy, Stack, Tags, TimeZone
from aws_cdk import aws_applicationautoscaling as appscaling
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_logs as logs
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_ssm as ssm
from color_mesh import GatewayImplementation, MeshNode, MeshGateway, NodeImplementation
from color_mesh.cdk.images import container_image
from constructs import Construct


class ServicesStack(Stack):
    """Create a Fargate service for each node and gateway that had a task definition."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        cluster: ecs.ICluster,
        nodes: Mapping[str, MeshNode],
        gateways: Mapping[str, MeshGateway],
        env: Environment | None,
    ) -> None:
        super().__init__(scope, id, env=env)
        log_group = logs.LogGroup(
            self, "LogGroup", retention=logs.RetentionDays.ONE_WEEK, removal_policy=RemovalPolicy.DESTROY
        )

{body}
'''
_TASK = "task = "
_VARIABLES = (
    *("self", "scope", "id", "cluster", "nodes", "gateways", "env", "log_group", "task", "super"),
    *(
        "TimeZone",
        "appscaling",
        "cloudwatch",
        "ec2",
        "ecr",
        "ecs",
        "elbv2",
        "logs",
        "secretsmanager",
        "ssm",
        "container_image",
        "tags",
    ),
)


def services_module(
    converted: ConvertedMesh, workloads: Sequence[Workload], balancers: Sequence[MigratedBalancer] = ()
) -> str:
    """Render the module with the stack of the services; it imports all that any workload may need."""
    code = _ServicesCode(converted, balancers)
    statements = [[*code.statements(each)] for each in workloads]
    assigning = zip(workloads, statements, strict=True)
    if len({each.part.kind for each, block in assigning if block[0].startswith(_TASK)}) > 1:
        # Without a declaration, the type of the variable would be that of the first value.
        statements.insert(0, ["task: NodeImplementation | GatewayImplementation"])
    statements += ([*code.balancer(each)] for each in balancers)
    blocks = ("\n".join(f"        {each}" for each in block) for block in statements)
    return _MODULE.format(name=prose(converted.mesh.name), body="\n\n".join(blocks))


class _ServicesCode:
    """Statements that implement the nodes and gateways of a mesh, one after the other."""

    def __init__(self, converted: ConvertedMesh, balancers: Sequence[MigratedBalancer]) -> None:
        self._converted = converted
        self._balancers = balancers
        self._ids = Identifiers((*CDK_IDS, "LogGroup"))
        self._variables = Identifiers(_VARIABLES)

    def balancer(self, migrated: MigratedBalancer) -> Iterator[str]:
        """Render the statements for a load balancer of nodes or gateways."""
        return balancer_statements(migrated, self._ids, self._variables)

    def statements(self, workload: Workload) -> Iterator[str]:
        """Render the statements for one node or gateway."""
        id = self._ids.construct_id(workload.part.name, "Service")
        implementation = self._implementation(id, workload)
        statements = [*self._additions(id, workload)]
        yield f"{_TASK}{implementation}" if statements else implementation
        yield from statements

    def _additions(self, id: str, workload: Workload) -> Iterator[str]:
        """Render the statements that complete the tasks and the service of a node or gateway."""
        containers = {workload.definition.envoys[0].name: Code("task.envoy_container")}
        if workload.app is not None:
            containers[workload.app.name] = Code("task.app_container")
        dependencies = [*_dependencies(workload)]
        for container in workload.others:
            variable = self._variables.variable(f"{workload.part.name}-{container.name}", "container")
            containers[container.name] = variable
            named = {name for pair in dependencies for name in pair[:2]}
            is_used = container.name in named or bool(container.definition.mount_points)
            added = self._additional_container(id, workload, container)
            yield f"{variable} = {added}" if is_used else added
        for dependent, dependency, condition in dependencies:
            enum = member("ecs.ContainerDependencyCondition", condition, CONDITIONS)
            code = call("ecs.ContainerDependency", container=containers[dependency], condition=enum)
            yield call(f"{containers[dependent]}.add_container_dependencies", code)
        yield from volume_statements(workload.definition, containers)
        if workload.scaling is not None:
            variable = self._variables.variable(f"{id}-scaling", "scaling")
            yield from scaling_statements(workload.scaling, workload.service, variable)
        yield from ecs_tag_statements(workload.service, self._variables)
        tags_of_tasks = merged(workload.tags, workload.definition.tags)
        yield from tag_statements(Code("task.task_definition"), tags_of_tasks)
        yield from tag_statements(Code("task.fargate_service"), merged(workload.tags, workload.service.tags))

    def _implementation(self, id: str, workload: Workload) -> Code:
        if workload.app is not None:
            owner = "nodes"
            arguments = self._node_arguments(id, workload, workload.app, self._converted.mesh.node(workload.part.name))
        else:
            owner, arguments = "gateways", self._gateway_arguments(workload)
        implement = f"{owner}[{value(workload.part.name)}].implement"
        arguments |= _service_arguments(workload)
        return call(implement, Code("self"), value(id), cluster=Code("cluster"), **arguments)

    def _node_arguments(
        self, id: str, workload: Workload, app: ConvertedContainer, node: VirtualNode
    ) -> dict[str, Code]:
        port_names, size = app.definition.ports, workload.size
        port_name = next((port_names[each.port] for each in node.listeners if each.port in port_names), None)
        check = app.definition.health_check
        cpu, memory = workload.cpu.of_app(size.cpu), workload.memory_mib.of_app(size.memory_mib)
        return {
            **container_arguments(self._ids, id, app),
            **_size_arguments(workload),
            **unless(ENVOY_CPU, envoy_cpu=workload.cpu.envoy),
            **unless(ENVOY_MEMORY_MIB, envoy_memory_mib=workload.memory_mib.envoy),
            # The default of the application is what Envoy leaves.
            **unless(size.cpu - workload.cpu.envoy, app_cpu=cpu),
            **unless(size.memory_mib - workload.memory_mib.envoy, app_memory_mib=memory),
            **unless("0.0.0.0", app_address=self._converted.app_address(node)),
            **unless(f"{node.name}-app", container_name=app.name),
            **unless(None, port_name=port_name),
            **({} if check is None else {"container_health_check": health_check_code(check)}),
        }

    def _gateway_arguments(self, workload: Workload) -> dict[str, Code]:
        arguments = _size_arguments(workload)
        of_part = [each for each in self._balancers if workload.part in each.parts]
        if of_part:
            arguments["exposure"] = value("none")
            if all(each.balancer.type == "application" for each in of_part):
                # The tasks admit these load balancers only, which add the address of a client.
                arguments["trusted_hops"] = value(1)
        elif workload.service.public and not workload.target_groups:
            arguments["exposure"] = value("public-ip")
        elif workload.internet_facing:
            arguments["exposure"] = value("internet")
        return arguments

    def _additional_container(self, id: str, workload: Workload, container: ConvertedContainer) -> Code:
        """Render the creation of a container other than the application and Envoy."""
        arguments = container_arguments(self._ids, f"{id}-{container.name}", container)
        definition = container.definition
        if workload.app is not None:
            # In a task of a gateway the memory limit of Envoy is that of the task, which leaves none for others.
            arguments |= unless(None, cpu=definition.cpu, memory_limit_mib=container_memory(definition))
        arguments |= unless(True, essential=definition.essential) | unless(None, user=definition.user)
        if definition.health_check is not None:
            arguments["health_check"] = health_check_code(definition.health_check)
        name = container.name
        # The ids of other constructs in a task definition begin with a capital letter.
        container_id = f"{name}-container" if name[:1].isupper() else name
        arguments |= unless(container_id, container_name=name)
        logging = call("ecs.LogDrivers.aws_logs", stream_prefix=value(name), log_group=Code("log_group"))
        return call("task.task_definition.add_container", value(container_id), **arguments, logging=logging)


def _dependencies(workload: Workload) -> Iterator[tuple[str, str, str]]:
    """Yield the dependencies between containers: dependent container, its dependency, condition.

    The dependency of the application on Envoy is left out, because the constructs declare it.
    """
    names = {each.name for each in (workload.app, *workload.others) if each is not None}
    envoy = workload.definition.envoys[0].name
    for container in workload.definition.containers:
        for dependency, condition in container.depends_on:
            is_app = workload.app is not None and container.name == workload.app.name
            if container.name in names and dependency in {*names, envoy} and not (is_app and dependency == envoy):
                yield container.name, dependency, condition


def _service_arguments(workload: Workload) -> dict[str, Code]:
    service, definition = workload.service, workload.definition
    return {
        # Autoscaling sets the number of tasks, and a deployment keeps it.
        **({} if workload.scaling else unless(1, desired_count=service.desired_count)),
        **unless(False, execute_command=service.execute_command),
        **({"cpu_architecture": Code("ecs.CpuArchitecture.ARM64")} if definition.cpu_architecture == "ARM64" else {}),
        **unless(None, family=definition.declared_family, service_name=service.declared_name),
        "log_group": Code("log_group"),
    }


def _size_arguments(workload: Workload) -> dict[str, Code]:
    return unless(256, cpu=workload.size.cpu) | unless(512, memory_mib=workload.size.memory_mib)
