"""Validation of the finished Python files: they have the names and calls that this package writes, and no others.

Text of a template becomes a literal, and a literal cannot do anything. This check does not rely on that: it parses the
files as Python will, so that text that ended up outside of a literal is an error and not a program.
"""

import ast
from collections.abc import Collection, Iterator, Mapping

from color_mesh.migration.tls_policies import TLS_POLICIES
from color_mesh.model.errors import problem, refuse

# Classes of `color_mesh` that generated code calls.
PUBLIC_NAMES = (
    *("MeshRouter", "MeshService", "MeshNode", "MeshGateway", "ServiceMesh", "AccessLog", "AcmCertificate", "AcmTrust"),
    *("ClientTls", "ConnectionPool", "FileCertificate", "FileTrust", "HeaderMatch", "HealthCheck", "Listener"),
    *("ListenerTls", "OutlierDetection", "QueryParameterMatch", "RetryPolicy", "Rewrite", "RouteMatch"),
    *("SdsCertificate", "SdsTrust", "Timeout", "TlsValidation"),
)
# Names that are imported from modules, each with its alias, which could give any function the name of a known one.
_IMPORTS: Mapping[str | None, Collection[str]] = {
    "aws_cdk": (
        *("App", "Duration", "Environment", "RemovalPolicy", "Stack", "Tags", "TimeZone"),
        *("aws_applicationautoscaling as appscaling", "aws_cloudwatch as cloudwatch"),
        *("aws_ec2 as ec2", "aws_ecr as ecr"),
        *(
            "aws_ecs as ecs",
            "aws_elasticloadbalancingv2 as elbv2",
            "aws_logs as logs",
            "aws_secretsmanager as secretsmanager",
        ),
        *("aws_servicediscovery as servicediscovery", "aws_ssm as ssm"),
    ),
    "collections.abc": ("Mapping",),
    "color_mesh": (*PUBLIC_NAMES, "GatewayImplementation", "NodeImplementation"),
    "color_mesh.cdk.images": ("container_image",),
    "constructs": ("Construct",),
    "mesh_stack": ("MeshStack",),
    "network_stack": ("NetworkStack",),
    "services_stack": ("ServicesStack",),
}
# Calls that are the same in every app. With other arguments they could read any variable of the environment, and write
# to any folder.
_FIXED_CALLS = frozenset(
    (
        *("App()", "build()", "build().synth()", "app.node.try_get_context(name)"),
        *(f"os.environ.get('CDK_DEFAULT_{each}')" for each in ("ACCOUNT", "REGION")),
        *("Environment(account=account, region=region)", "super()", "super().__init__(scope, id, env=env)"),
    )
)
# Functions that are called with values of the templates. The receivers of `_METHODS` are variables.
_CALLS = frozenset(
    (
        *("NetworkStack", "MeshStack", "ServicesStack"),
        *("ec2.Vpc", "ec2.Vpc.from_lookup", "ecs.Cluster", "ecs.Cluster.from_cluster_attributes"),
        *("servicediscovery.PrivateDnsNamespace", "logs.LogGroup"),
        *PUBLIC_NAMES,
        *(
            "isinstance",
            "container_image",
            "ecr.Repository.from_repository_name",
            "ecs.ContainerImage.from_ecr_repository",
        ),
        *("ecs.ContainerImage.from_registry", "ecs.ContainerDependency", "ecs.HealthCheck", "Duration.seconds"),
        "Duration.millis",
        *("ecs.LogDrivers.aws_logs", "task.task_definition.add_container", "ecs.Secret.from_secrets_manager"),
        *("ecs.Secret.from_ssm_parameter", "secretsmanager.Secret.from_secret_complete_arn"),
        *("secretsmanager.Secret.from_secret_partial_arn",),
        "ssm.StringParameter.from_secure_string_parameter_attributes",
        *("task.task_definition.add_volume", "ecs.EfsVolumeConfiguration", "ecs.AuthorizationConfig", "ecs.MountPoint"),
        *("appscaling.Schedule.expression", "appscaling.ScalingInterval", "cloudwatch.Metric", "TimeZone.of"),
        *("task.fargate_service.auto_scale_task_count", "Tags.of", "ec2.Peer.ipv4", "ec2.Port.tcp"),
        *(f"elbv2.{kind}{name}" for kind in ("Application", "Network") for name in ("LoadBalancer", "TargetGroup")),
        *("elbv2.HealthCheck", "ec2.SecurityGroup", "ec2.Peer.any_ipv4"),
        *(f"elbv2.{name}" for name in ("QueryStringCondition", "ListenerCertificate.from_arn")),
        *(f"elbv2.ListenerAction.{name}" for name in ("redirect", "fixed_response")),
        *(f"elbv2.ListenerCondition.{name}" for name in ("host_headers", "http_header", "http_request_methods")),
        *(f"elbv2.ListenerCondition.{name}" for name in ("path_patterns", "query_strings", "source_ips")),
    )
)
# Methods of containers, which are variables or attributes of a task.
_CONTAINER_METHODS = ("add_container_dependencies", "add_mount_points")
_METHODS = (
    *("add_route", "connect_to", *_CONTAINER_METHODS),
    *("scale_on_cpu_utilization", "scale_on_memory_utilization", "scale_on_metric", "scale_on_schedule"),
    *("scale_to_track_custom_metric", "add_property_override", "add_listener", "add_target_groups", "add_action"),
)
_SERVICE_OWNERS = ("nodes", "gateways")
_ATTRIBUTES = frozenset(
    (
        *("self.vpc", "self.cluster", "self.namespace", "self.mesh", "self.nodes", "self.gateways"),
        *("network.vpc", "network.cluster", "network.namespace", "mesh.nodes", "mesh.gateways"),
        *("ec2.IVpc", "ecs.ICluster", "servicediscovery.IPrivateDnsNamespace"),
        *("logs.RetentionDays.ONE_WEEK", "RemovalPolicy.DESTROY", "ecs.CpuArchitecture.ARM64"),
        *("task.app_container", "task.envoy_container", "task.task_definition", "task.fargate_service"),
        *("task.fargate_service.node.default_child", "ecs.CfnService", "task.fargate_service.service_name"),
        "cluster.cluster_name",
        "appscaling.AdjustmentType.PERCENT_CHANGE_IN_CAPACITY",
        *(f"appscaling.MetricAggregationType.{each}" for each in ("AVERAGE", "MAXIMUM", "MINIMUM")),
        *("cluster.vpc", "cluster.vpc.vpc_cidr_block", "elbv2.ApplicationProtocol.HTTP"),
        *("elbv2.ApplicationProtocol.HTTPS", "elbv2.ApplicationProtocolVersion.HTTP2"),
        "elbv2.ApplicationProtocolVersion.GRPC",
        *(f"elbv2.SslPolicy.{each}" for each in TLS_POLICIES.values()),
        *(f"elbv2.Protocol.{each}" for each in ("HTTP", "HTTPS", "TCP", "TLS")),
        *(f"ecs.ContainerDependencyCondition.{each}" for each in ("START", "COMPLETE", "SUCCESS", "HEALTHY")),
    )
)
_STACK_ATTRIBUTES = frozenset(("self.account", "self.region"))
_BUILTINS = frozenset(("isinstance", "super", "str", "dict", "__name__"))
_SYNTAX = (
    *(ast.Module, ast.ImportFrom, ast.Import, ast.alias, ast.ClassDef, ast.FunctionDef, ast.arguments, ast.arg),
    *(ast.Expr, ast.Assert, ast.Assign, ast.AnnAssign, ast.Return, ast.If, ast.Compare, ast.Eq, ast.Load, ast.Store),
    *(ast.keyword, ast.List, ast.Tuple, ast.Dict, ast.Subscript, ast.IfExp, ast.GeneratorExp, ast.comprehension),
    # Annotations such as ``str | None``, and negative numbers.
    *(ast.BinOp, ast.BitOr, ast.UnaryOp, ast.USub),
)


def check_modules(modules: Mapping[str, str]) -> Mapping[str, str]:
    """Return modules, by file name, after their validation.

    Raises:
        MeshError: With all code that this package does not write.
    """
    refuse(each for name, source in modules.items() for each in _check_module(name, source))
    return modules


def _check_module(name: str, source: str) -> Iterator[str]:
    fix = "report the template as a bug of color-mesh migrate"
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        yield problem(name, "the generated code is not Python", str(error), fix)
        return
    for code in dict.fromkeys(_Unknown(tree).code):
        yield problem(name, "the generated code has a part that no template may add", code, fix)


class _Unknown(ast.NodeVisitor):
    """Parts of a module that this package does not write, as code."""

    def __init__(self, tree: ast.Module) -> None:
        self.code: list[str] = []
        self._imported = {
            (alias.asname or alias.name)
            for node in ast.walk(tree)
            if isinstance(node, ast.Import | ast.ImportFrom)
            for alias in node.names
        }
        self._defined = {node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef | ast.FunctionDef)}
        stored = (node for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store))
        self._variables = {node.id for node in stored}
        self._arguments = {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
        self.visit(tree)

    def generic_visit(self, node: ast.AST) -> None:
        """Add syntax that the generated code does not have."""
        if isinstance(node, _SYNTAX):
            super().generic_visit(node)
        else:
            self._add(node)

    def visit_Import(self, node: ast.Import) -> None:
        """Add an import of a module, except that of ``os``."""
        if ast.unparse(node) != "import os":
            self._add(node)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        """Add an import of an unknown name."""
        names = _IMPORTS.get(node.module, ()) if node.level == 0 else ()
        if not {ast.unparse(alias) for alias in node.names}.issubset(names):
            self._add(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        """Add decorators, which are calls."""
        for each in node.decorator_list:
            self._add(each)
        self.generic_visit(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        """Add decorators, and the arguments of a metaclass."""
        for each in (*node.decorator_list, *(keyword.value for keyword in node.keywords)):
            self._add(each)
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        """Add a call of an unknown function."""
        if ast.unparse(node) in _FIXED_CALLS:
            return
        if not self._is_known(node.func):
            self._add(node)
            return
        for each in (*node.args, *node.keywords):
            self.visit(each)

    def visit_keyword(self, node: ast.keyword) -> None:
        """Add unpacked arguments."""
        if node.arg is None:
            self._add(node.value)
        self.visit(node.value)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        """Add an unknown attribute."""
        if ast.unparse(node) not in _ATTRIBUTES | _STACK_ATTRIBUTES:
            self._add(node)

    def visit_Name(self, node: ast.Name) -> None:
        """Add a name that the module does not define, and a variable that hides another name."""
        fixed = self._imported | self._defined | _BUILTINS
        is_known = node.id in fixed | self._variables | self._arguments
        if not is_known or (isinstance(node.ctx, ast.Store) and node.id in fixed | self._arguments):
            self._add(node)

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        """Add an f-string with anything but the account and the region of the stack in it."""
        for each in node.values:
            if isinstance(each, ast.FormattedValue) and (
                ast.unparse(each.value) not in _STACK_ATTRIBUTES or each.conversion != -1 or each.format_spec
            ):
                self._add(each.value)

    def visit_Constant(self, node: ast.Constant) -> None:
        """Accept a literal."""

    def _is_known(self, function: ast.expr) -> bool:
        if ast.unparse(function) in _CALLS:
            return True
        match function:
            case ast.Attribute(value=ast.Name(id=variable), attr=method):
                return method in _METHODS and variable in self._variables
            case ast.Attribute(value=ast.Attribute(value=ast.Name(id=variable), attr="connections"), attr="allow_from"):
                return variable in self._variables
            case ast.Attribute(value=ast.Attribute() as container, attr=method):
                known = ("task.app_container", "task.envoy_container")
                return method in _CONTAINER_METHODS and ast.unparse(container) in known
            case ast.Attribute(value=ast.Call(func=tags, args=[ast.Name() | ast.Attribute() as tagged]), attr="add"):
                self.visit(tagged)
                return ast.unparse(tags) == "Tags.of"
            case ast.Attribute(value=ast.Subscript(value=ast.Name(id=owner), slice=ast.Constant()), attr=method):
                return owner in _SERVICE_OWNERS and method in ("implement", "load_balancer_target")
        return False

    def _add(self, node: ast.AST) -> None:
        self.code.append(ast.unparse(node)[:200])
