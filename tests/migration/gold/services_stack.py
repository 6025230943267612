"""ECS services of the mesh 'bookshop-prod': the tasks of its nodes and gateways."""

from collections.abc import Mapping

from aws_cdk import Duration, Environment, RemovalPolicy, Stack, Tags
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_logs as logs
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_ssm as ssm
from color_mesh import MeshGateway, MeshNode
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

        task = nodes["catalogue-v1"].implement(
            self,
            "CatalogueV1",
            cluster=cluster,
            image=ecs.ContainerImage.from_ecr_repository(
                ecr.Repository.from_repository_name(self, "CatalogueV1Image", "bookshop/catalogue"), "1.4.2"
            ),
            entry_point=["/usr/bin/catalogue"],
            command=["--listen", ":8080"],
            environment={"AWS_REGION": self.region, "LOG_FORMAT": '{"level": "info"}'},
            secrets={
                "DATABASE_PASSWORD": ecs.Secret.from_secrets_manager(
                    secretsmanager.Secret.from_secret_complete_arn(
                        self,
                        "CatalogueV1DATABASEPASSWORD",
                        f"arn:aws:secretsmanager:{self.region}:{self.account}:secret:bookshop/database-AbCdEf",
                    ),
                    "password",
                ),
                "API_KEY": ecs.Secret.from_ssm_parameter(
                    ssm.StringParameter.from_secure_string_parameter_attributes(
                        self, "CatalogueV1APIKEY", parameter_name="/bookshop/api-key"
                    )
                ),
            },
            cpu=512,
            memory_mib=1024,
            envoy_memory_mib=256,
            app_cpu=352,
            app_memory_mib=640,
            app_address="127.0.0.1",
            container_name="catalogue",
            container_health_check=ecs.HealthCheck(
                command=["CMD-SHELL", "wget -qO- http://localhost:8080/healthz"],
                retries=3,
                interval=Duration.seconds(10),
                timeout=Duration.seconds(5),
                start_period=Duration.seconds(15),
            ),
            desired_count=3,
            execute_command=True,
            family="catalogue-v1",
            service_name="catalogue-v1",
            log_group=log_group,
        )
        task.task_definition.add_container(
            "xray-daemon",
            image=ecs.ContainerImage.from_registry("public.ecr.aws/xray/aws-xray-daemon:3.3.13"),
            cpu=32,
            memory_limit_mib=128,
            essential=False,
            user="1337",
            logging=ecs.LogDrivers.aws_logs(stream_prefix="xray-daemon", log_group=log_group),
        )
        task.task_definition.add_volume(name="scratch")
        task.app_container.add_mount_points(
            ecs.MountPoint(container_path="/tmp", read_only=False, source_volume="scratch")
        )

        task = nodes["catalogue-v2"].implement(
            self,
            "CatalogueV2",
            cluster=cluster,
            image=container_image(
                self, "CatalogueV2Image", "111122223333.dkr.ecr.eu-west-1.amazonaws.com/bookshop/catalogue:2.0.0"
            ),
            cpu=512,
            memory_mib=1024,
            envoy_memory_mib=128,
            app_address="127.0.0.1",
            container_name="catalogue",
            port_name="http",
            execute_command=True,
            cpu_architecture=ecs.CpuArchitecture.ARM64,
            family="catalogue-v2",
            service_name="catalogue-v2",
            log_group=log_group,
        )
        catalogue_v2_scaling = task.fargate_service.auto_scale_task_count(min_capacity=1, max_capacity=4)
        catalogue_v2_scaling.scale_on_cpu_utilization(
            "CatalogueCpu2", target_utilization_percent=60, scale_in_cooldown=Duration.seconds(120)
        )

        task = nodes["shop"].implement(
            self,
            "Shop",
            cluster=cluster,
            image=ecs.ContainerImage.from_registry("bookshop/shop:7"),
            cpu=1024,
            memory_mib=2048,
            envoy_memory_mib=256,
            app_cpu=512,
            app_memory_mib=1500,
            app_address="127.0.0.1",
            container_name="shop",
            log_group=log_group,
        )
        task.task_definition.add_container(
            "xray-daemon",
            image=ecs.ContainerImage.from_registry("public.ecr.aws/xray/aws-xray-daemon:3.3.13"),
            cpu=32,
            memory_limit_mib=128,
            essential=False,
            user="1337",
            logging=ecs.LogDrivers.aws_logs(stream_prefix="xray-daemon", log_group=log_group),
        )
        Tags.of(task.task_definition).add("team", "shop")
        Tags.of(task.fargate_service).add("team", "shop")

        gateways["front"].implement(
            self,
            "Front",
            cluster=cluster,
            exposure="none",
            trusted_hops=1,
            desired_count=2,
            family="front",
            log_group=log_group,
        )

        load_balancer = elbv2.ApplicationLoadBalancer(self, "LoadBalancer", vpc=cluster.vpc)
        front_targets = elbv2.ApplicationTargetGroup(
            self,
            "LoadBalancerFrontTargets",
            vpc=cluster.vpc,
            protocol=elbv2.ApplicationProtocol.HTTP,
            targets=[gateways["front"].load_balancer_target()],
            health_check=elbv2.HealthCheck(healthy_http_codes="200,404"),
            deregistration_delay=Duration.seconds(60),
        )
        load_balancer.add_listener(
            "HTTP80",
            port=80,
            protocol=elbv2.ApplicationProtocol.HTTP,
            open=False,
            default_target_groups=[front_targets],
        )
        load_balancer.connections.allow_from(ec2.Peer.ipv4(cluster.vpc.vpc_cidr_block), ec2.Port.tcp(80))
