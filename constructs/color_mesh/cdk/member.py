"""Node or gateway in the network of a mesh: its security group, and when its tasks start."""

from collections.abc import Callable

from aws_cdk import CfnResource
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from constructs import Construct, IDependable

from color_mesh.cdk.ecs_service import add_security_groups, security_group_of_tasks, service_resource
from color_mesh.cdk.task import task_definition_resource


class Member:
    """Node or gateway in the network of its mesh.

    What a member has on AWS is created in the stack of its tasks, with the tasks. CloudFormation then creates it before
    them and deletes it after them, and a stack that is deployed earlier has nothing of it that is in use.

    Attributes:
        name: Name of the node or the gateway.
        connections: Connections of the tasks. Rules that are added before the tasks exist are created with them.
        place: Construct in the stack of the tasks, for what their calls need. ``None``: no tasks in this app.
        known_group: Security group of the tasks. ``None``: it does not exist yet.
    """

    def __init__(
        self,
        name: str,
        scope: Construct | None,
        security_group: ec2.ISecurityGroup | None,
        create_group: Callable[[Construct], ec2.ISecurityGroup] | None = None,
        mesh_group: ec2.ISecurityGroup | None = None,
    ) -> None:
        """Create no resources.

        Args:
            name: Name of the node or the gateway.
            scope: Construct of the node or the gateway. ``None``: the tasks are in another app.
            security_group: Security group of the tasks. ``None``: a new one.
            create_group: Creates the security group in a scope. ``None``: it exists.
            mesh_group: Security group of the mesh that the tasks also have. ``None``: they do not have it.
        """
        self.name = name
        self.connections: ec2.Connections = ec2.Connections()
        self.place: Construct | None = None
        self.known_group: ec2.ISecurityGroup | None = security_group
        self._scope = scope
        self._create_group = create_group
        self._mesh_group = mesh_group
        self._starts: list[CfnResource] = []

    @property
    def group_count(self) -> int:
        """Number of security groups of the tasks."""
        return 1 if self._mesh_group is None else 2

    def security_group(self, scope: Construct) -> ec2.ISecurityGroup:
        """Return the security group of the tasks, and create it in a scope unless it exists."""
        if self.known_group is None:
            assert self._create_group is not None
            self.known_group = self._create_group(scope)
        return self.known_group

    def security_group_of_tasks(self, scope: Construct) -> ec2.ISecurityGroup:
        """Return the security group for tasks in the stack of a scope, in which its rules are created."""
        return security_group_of_tasks(scope, self.security_group(scope))

    def add_tasks(self, scope: Construct, tasks: ecs.BaseService | ecs.TaskDefinition) -> None:
        """Add tasks, and give those of a service the security groups.

        Args:
            scope: Scope in the stack of the tasks.
            tasks: Service of the tasks, or the task definition of tasks without a service.
        """
        if self.place is None:
            group = self.security_group(scope)
            self.place = Construct(scope, "Calls")
            self.connections.add_security_group(security_group_of_tasks(self.place, group))
        if isinstance(tasks, ecs.TaskDefinition):
            self._starts.append(task_definition_resource(tasks))
            return
        self._starts.append(service_resource(tasks))
        of_mesh = self._mesh_group
        add_security_groups(tasks, [*self.connections.security_groups, *([of_mesh] if of_mesh else [])])

    def start_after(self, *needs: IDependable) -> None:
        """Start the tasks after what their calls need exists."""
        for start in self._starts:
            start.node.add_dependency(*needs)

    def complete(self) -> None:
        """Take the stack of the specification for tasks that have the security group and were not added."""
        if self.place is None and self._scope is not None and self.known_group is not None:
            self.place = Construct(self._scope, "Calls")
            self.connections.add_security_group(self.known_group)
