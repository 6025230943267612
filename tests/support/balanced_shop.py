"""A shop behind application load balancers, for tests of a run: one of a pattern of the CDK, and one of a gateway."""

from collections.abc import Sequence
from pathlib import Path

import trustme
from aws_cdk import App, Duration, Stack
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_ecs_patterns as ecs_patterns
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_elasticloadbalancingv2_targets as targets
from aws_cdk import aws_lambda as lambda_

from color_mesh import MeshGateway, MeshNode, ServiceMesh

IMAGE = "example/echo"
# Answers with the request as JSON, after `?wait=` seconds. `/close` ends the connection without a response.
ECHO = """
import json, os, signal, ssl, sys, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        query = parse_qs(urlsplit(self.path).query)
        if self.path == "/close":
            self.close_connection = True
            return
        time.sleep(float(query.get("wait", ["0"])[0]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = json.dumps({"service": os.environ["SERVICE"], "path": self.path, "headers": headers}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET

    def version_string(self):
        return "echo"

    def log_message(self, *_):
        pass

class Server(ThreadingHTTPServer):
    daemon_threads = True

server = Server(("0.0.0.0", int(sys.argv[2])), Handler)
if os.environ["SERVICE"] == "secure":
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(sys.argv[1])
    server.socket = context.wrap_socket(server.socket, server_side=True)
signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
server.serve_forever()
"""


def write_program(folder: Path) -> tuple[str, str]:
    """Write the program of the image, with a certificate for TLS, and return the option that names it."""
    (folder / "echo.py").write_text(ECHO)
    certificate = folder / "server.pem"
    trustme.CA().issue_cert("secure.example").private_key_and_cert_chain_pem.write_to_path(str(certificate))
    # Users of containers are nobody on this machine.
    certificate.chmod(0o644)
    return "--image", f"{IMAGE}=python3 -I -S {folder}/echo.py {certificate}"


class BalancedShop(Stack):
    """Website behind a pattern's load balancer, orders behind a gateway with a certificate, and a canary."""

    def __init__(self, app: App) -> None:
        super().__init__(app, "Shop")
        self._vpc = ec2.Vpc(self, "Vpc", max_azs=2)
        self._cluster = ecs.Cluster(self, "Cluster", vpc=self._vpc)
        self._image = ecs.ContainerImage.from_registry(IMAGE)
        mesh = ServiceMesh(self, "Mesh", vpc=self._vpc, domain="shop.local")
        orders = MeshNode(self, "OrdersNode", mesh=mesh, name="orders", port=8081)
        orders.attach(self._service("Orders", 8081))
        website = ecs_patterns.ApplicationLoadBalancedFargateService(
            self,
            "Website",
            cluster=self._cluster,
            load_balancer_name="website",
            min_healthy_percent=100,
            task_image_options=ecs_patterns.ApplicationLoadBalancedTaskImageOptions(
                image=self._image, container_port=8080, command=["8080"], environment={"SERVICE": "website"}
            ),
        )
        node = MeshNode(
            self, "WebsiteNode", mesh=mesh, name="website", listeners=[], virtual_service=False, backends=[orders]
        )
        node.attach(website.service)
        self._canary = self._service("Canary", 8080)
        self._rules(website.listener, website.target_group)
        internal = elbv2.ApplicationLoadBalancer(self, "Internal", vpc=self._vpc)
        http = internal.add_listener("Http", port=8000, protocol=elbv2.ApplicationProtocol.HTTP, open=False)
        http.add_targets("Targets", protocol=elbv2.ApplicationProtocol.HTTP, port=8080, targets=[self._canary])
        internal.connections.allow_from(website.service, ec2.Port.tcp(8000))
        container = website.task_definition.default_container
        assert container is not None
        container.add_environment("INTERNAL", f"http://{internal.load_balancer_dns_name}:8000")
        website.load_balancer.set_attribute("idle_timeout.timeout_seconds", "4")
        gateway = MeshGateway(self, "Gateway", mesh=mesh, name="door", port=8082)
        gateway.add_route("Orders", to=orders)
        certificate = acm.Certificate(self, "Certificate", domain_name="shop.example")
        gateway.implement(
            self,
            "Door",
            cluster=self._cluster,
            exposure="internet",
            certificates=[certificate],
            load_balancer_name="door",
        )

    def _service(self, name: str, port: int) -> ecs.FargateService:
        tasks = ecs.FargateTaskDefinition(self, f"{name}Tasks")
        tasks.add_container(
            "App",
            image=self._image,
            command=[str(port)],
            environment={"SERVICE": name.lower()},
            port_mappings=[ecs.PortMapping(container_port=port)],
        )
        return ecs.FargateService(
            self, name, cluster=self._cluster, task_definition=tasks, min_healthy_percent=100, service_name=name.lower()
        )

    def _rules(self, listener: elbv2.ApplicationListener, website: elbv2.ApplicationTargetGroup) -> None:
        canary = elbv2.ApplicationTargetGroup(
            self,
            "CanaryTargets",
            vpc=self._vpc,
            port=8080,
            protocol=elbv2.ApplicationProtocol.HTTP,
            targets=[self._canary],
            health_check=elbv2.HealthCheck(path="/health", healthy_http_codes="200-204"),
            deregistration_delay=Duration.seconds(5),
        )
        function = lambda_.Function(
            self,
            "Function",
            runtime=lambda_.Runtime.PYTHON_3_13,
            handler="index.handler",
            code=lambda_.Code.from_inline("handler = print"),
        )
        serverless = elbv2.ApplicationTargetGroup(self, "FunctionTargets", targets=[targets.LambdaTarget(function)])
        conditions = elbv2.ListenerCondition
        to_canary = elbv2.ListenerAction.forward([canary])
        rules: list[tuple[Sequence[elbv2.ListenerCondition], elbv2.ListenerAction]] = [
            ([conditions.host_headers(["*.canary.example"])], to_canary),
            ([conditions.path_patterns(["/canary/*", "/c?"])], to_canary),
            ([conditions.http_header("X-Stage", ["can*"]), conditions.http_request_methods(["POST"])], to_canary),
            ([conditions.query_strings([elbv2.QueryStringCondition(key="stage", value="canary")])], to_canary),
            (
                [conditions.source_ips(["198.51.100.0/24"]), conditions.path_patterns(["/from-outside"])],
                elbv2.ListenerAction.fixed_response(202, content_type="application/json", message_body='{"a": 1}'),
            ),
            (
                [conditions.source_ips(["10.0.0.0/8"]), conditions.path_patterns(["/from-*"])],
                elbv2.ListenerAction.fixed_response(203),
            ),
            (
                [conditions.path_patterns(["/old/*"])],
                elbv2.ListenerAction.redirect(
                    protocol="HTTPS", host="new.#{host}", port="443", path="/new/#{path}", query="a=1&#{query}"
                ),
            ),
            (
                [conditions.path_patterns(["/half"])],
                elbv2.ListenerAction.weighted_forward(
                    [
                        elbv2.WeightedTargetGroup(target_group=website, weight=1),
                        elbv2.WeightedTargetGroup(target_group=canary, weight=1),
                    ]
                ),
            ),
            ([conditions.path_patterns(["/function"])], elbv2.ListenerAction.forward([serverless])),
        ]
        secure = elbv2.ApplicationTargetGroup(
            self,
            "SecureTargets",
            vpc=self._vpc,
            port=8443,
            protocol=elbv2.ApplicationProtocol.HTTPS,
            targets=[self._service("Secure", 8443)],
            health_check=elbv2.HealthCheck(protocol=elbv2.Protocol.HTTPS),
        )
        rules.append(([conditions.path_patterns(["/secure/*"])], elbv2.ListenerAction.forward([secure])))
        elbv2.CfnListenerRule(
            self,
            "RegexRule",
            listener_arn=listener.listener_arn,
            priority=100,
            conditions=[
                elbv2.CfnListenerRule.RuleConditionProperty(
                    field="path-pattern",
                    path_pattern_config=elbv2.CfnListenerRule.PathPatternConfigProperty(regex_values=["^/v[0-9]+$"]),
                ),
                elbv2.CfnListenerRule.RuleConditionProperty(
                    field="host-header",
                    host_header_config=elbv2.CfnListenerRule.HostHeaderConfigProperty(
                        regex_values=[r"^api\..*\.example$"]
                    ),
                ),
            ],
            actions=[
                elbv2.CfnListenerRule.ActionProperty(
                    type="fixed-response",
                    fixed_response_config=elbv2.CfnListenerRule.FixedResponseConfigProperty(status_code="210"),
                )
            ],
        )
        for number, (matching, action) in enumerate(rules, 1):
            listener.add_action(f"Rule{number}", priority=number, conditions=list(matching), action=action)


def synthesize_shop(folder: Path) -> Path:
    """Synthesize the shop into a folder."""
    app = App(
        outdir=str(folder),
        builtin_cloud_formation_validation=False,
        context={"@aws-cdk/core:annotationsInValidationReport": False},
    )
    BalancedShop(app)
    app.synth()
    return folder
