"""Configuration of an Envoy as the command of its container, compiled at synthesis."""

import json
from collections.abc import Callable, Iterator, Sequence

import jsii
from aws_cdk import IListProducer, IResolveContext, Stack, Token
from aws_cdk import aws_ecs as ecs
from constructs import IValidation

from color_mesh.cdk.adjustment import AdjustBootstrap, adjusted
from color_mesh.cdk.placeholders import with_placeholders, with_tokens
from color_mesh.cdk.task import task_definition_resource
from color_mesh.envoy.aws.certificates import CertificateApi, called_certificates
from color_mesh.envoy.document import compressed, document
from color_mesh.envoy.typed import Json
from color_mesh.model import Mesh, MeshError
from color_mesh.model.builder import MeshBuilder
from color_mesh.model.errors import problem
from color_mesh.model.task import check_shares

# Amazon ECS service quotas: a task definition has at most 64 KiB. 2 KiB are left for properties outside the containers,
# and for ARNs and names that are known at deployment only.
_MAX_TASK_DEFINITION_BYTES = 62 * 1024
# Longer configurations are compressed, and no longer readable in a diff.
_MAX_READABLE_BYTES = 40 * 1024


@jsii.implements(IListProducer, IValidation)
class EnvoyConfiguration:
    """Compiled configuration of the Envoy of a task.

    The mesh is complete at synthesis only, so the CDK requests the command then. It resolves the templates once to
    prepare them, validates all constructs, and resolves the templates again to write them. A configuration that cannot
    be compiled is reported by the validation, together with the problems of all other constructs, and no template is
    written.
    """

    def __init__(
        self,
        subject: str,
        task_definition: ecs.TaskDefinition,
        mesh: MeshBuilder,
        compile: Callable[[Mesh], Json],
    ) -> None:
        """Compile the configuration of a task's Envoy at synthesis.

        Args:
            subject: Beginning of error messages, such as ``virtual node 'red'``.
            task_definition: Task definition of the Envoy.
            mesh: Mesh of the Envoy.
            compile: Compiler of the Envoy's bootstrap configuration.
        """
        self._subject = subject
        self._task_definition = task_definition
        self._mesh = mesh
        self._compile = compile
        self._compiled: tuple[Mesh, Json | MeshError] | None = None
        self._tokens: tuple[str, ...] = ()
        self._adjust: AdjustBootstrap | None = None

    def adjust(self, adjust: AdjustBootstrap | None) -> None:
        """Change the configuration by a function, after its compilation. ``None``: do not change it."""
        self._adjust = adjust

    def produce(self, context: IResolveContext) -> list[str]:
        """Return the command: the configuration with one line for each argument, compressed if it is long.

        Raises:
            MeshError: If the configuration cannot be compiled and the template is written without validation.
        """
        bootstrap = self._bootstrap()
        if isinstance(bootstrap, MeshError):
            if context.preparing:
                return []  # `validate` follows, and reports the problems with the path of the construct.
            raise bootstrap
        lines = document(bootstrap)
        return lines if len(json.dumps(lines)) <= _MAX_READABLE_BYTES else compressed(bootstrap)

    def validate(self) -> list[str]:
        """Validate that the configuration can be compiled, and that the task definition can hold it."""
        bootstrap = self._bootstrap()
        if isinstance(bootstrap, MeshError):
            return list(bootstrap.problems)
        return [*self._check_regions(), *self._check_task_definition()]

    def bootstrap(self) -> Json | None:
        """Return the configuration; ``None`` if it cannot be compiled."""
        bootstrap = self._bootstrap()
        return None if isinstance(bootstrap, MeshError) else bootstrap

    def tokens(self) -> Sequence[str]:
        """Return the tokens for which the placeholders of the configuration stand."""
        self._bootstrap()
        return self._tokens

    def certificates(self) -> list[tuple[CertificateApi, str]]:
        """Return the APIs that Envoy calls for certificates, with the ARNs."""
        resources = (self.bootstrap() or {}).get("static_resources", {})
        listeners_and_clusters = [*resources.get("listeners", []), *resources.get("clusters", [])]
        return [(api, with_tokens(arn, self._tokens)) for api, arn in called_certificates(listeners_and_clusters)]

    def _bootstrap(self) -> Json | MeshError:
        """Return the configuration, or the error that its compilation raised. A mesh is compiled once."""
        mesh = self._mesh.build()
        if self._compiled is None or self._compiled[0] is not mesh:
            try:
                bootstrap, self._tokens = with_placeholders(self._compile(mesh))
                self._compiled = mesh, adjusted(self._subject, bootstrap, self._adjust)
            except MeshError as error:
                self._compiled = mesh, error
        return self._compiled[1]

    def _check_regions(self) -> Iterator[str]:
        """Validate that the certificates are in the region of the tasks, whose APIs Envoy calls."""
        region = Stack.of(self._task_definition).region
        for _, arn in self.certificates():
            of_arn = arn.split(":")[3:4]
            if of_arn and not any(map(Token.is_unresolved, (region, arn))) and of_arn != [region]:
                fix = f"one of {region}, the region of the tasks"
                yield problem(self._subject, "uses a certificate of another region", arn, fix)

    def _check_task_definition(self) -> Iterator[str]:
        resource = task_definition_resource(self._task_definition)
        containers = Stack.of(self._task_definition).resolve(resource.container_definitions)
        # Tasks on EC2 instances need no size. The CDK itself validates the CPU when a container is added.
        if resource.memory is not None and resource.memory.isdecimal():
            shares = [container.get("memory") for container in containers]
            yield from check_shares(self._subject, "memory", "MiB", int(resource.memory), shares)
        size = len(json.dumps(containers))
        if size > _MAX_TASK_DEFINITION_BYTES:
            fix = f"at most {_MAX_TASK_DEFINITION_BYTES} bytes: less environment, fewer backends or routes"
            yield problem(self._subject, "task definition is too large for ECS", f"{size} bytes", fix)
