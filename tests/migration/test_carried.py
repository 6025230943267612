"""Tags, volumes, autoscaling and load balancers of nodes: the generated code has them, the report what is lost."""

from pathlib import Path
from typing import Any

import pytest

from color_mesh.migration import Migration
from tests.support.local_templates import resource
from tests.support.migrated_template import APP, ARN, ENVOY, SPEC, migrated, running

TEAM = {"Key": "team", "Value": "colors"}
EFS = {"FilesystemId": "fs-1", "TransitEncryption": "ENABLED", "AuthorizationConfig": {"AccessPointId": "fsap-1"}}
SCALABLE = {
    "ServiceNamespace": "ecs",
    "ScalableDimension": "ecs:service:DesiredCount",
    "MinCapacity": 2,
    "MaxCapacity": 8,
}
NAME = {"Fn::GetAtt": ["Service", "Name"]}


def code(migration: Migration) -> str:
    """Return the module of the services in one line."""
    return " ".join(migration.files("t.json")["services_stack.py"].split())


def lost(migration: Migration) -> list[str]:
    return [f"{each.subject}: {each.text}" for each in migration.findings if each.kind == "lost"]


# Tags


def test_tags_of_the_node_the_task_definition_and_the_service_are_added(tmp_path: Path) -> None:
    red = resource("AWS::AppMesh::VirtualNode", MeshName="colors", VirtualNodeName="red", Spec=SPEC, Tags=[TEAM])
    task = {"Tags": [{"Key": "team", "Value": "tasks"}]}
    service = {"Tags": [{"Key": "cost", "Value": {"Fn::Sub": "in ${AWS::Region}"}}]}
    migration = migrated(tmp_path, {"Red": red, **running(task, service)})
    assert 'Tags.of(task.task_definition).add("team", "tasks")' in code(migration)
    assert 'Tags.of(task.fargate_service).add("team", "colors")' in code(migration)
    assert 'Tags.of(task.fargate_service).add("cost", f"in {self.region}")' in code(migration)
    assert lost(migration) == []


def test_tags_of_the_mesh_are_those_of_its_construct(tmp_path: Path) -> None:
    mesh = resource("AWS::AppMesh::Mesh", MeshName="colors", Tags=[TEAM])
    migration = migrated(tmp_path, {"Mesh": mesh})
    assert 'Tags.of(mesh).add("team", "colors")' in migration.files("")["mesh_stack.py"]


@pytest.mark.parametrize(
    ("tag", "reason"),
    [
        pytest.param(
            {"Key": "table", "Value": {"Ref": "Table"}},
            "the tag table is removed: Table.Ref is known only at deployment (add --set Table.Ref=VALUE)",
            id="unknown",
        ),
        pytest.param(
            {"Key": "aws:a", "Value": "b"}, "the tag aws:a is removed: AWS reserves its prefix", id="reserved"
        ),
    ],
)
def test_tag_that_cannot_be_added_is_lost(tmp_path: Path, tag: dict[str, Any], reason: str) -> None:
    migration = migrated(tmp_path, {**running({}, {"Tags": [tag]}), "Table": resource("AWS::DynamoDB::Table")})
    assert f"t.json: Service: {reason}" in lost(migration)
    assert "Tags" not in code(migration)


def test_tags_of_a_node_without_tasks_are_lost(tmp_path: Path) -> None:
    red = resource("AWS::AppMesh::VirtualNode", MeshName="colors", VirtualNodeName="red", Spec=SPEC, Tags=[TEAM])
    assert lost(migrated(tmp_path, {"Red": red})) == [
        (
            "virtual node 'red': the tags team=colors are removed, since it has no tasks here: add them with "
            "Tags.of(...) to its service"
        )
    ]


# Volumes


def test_volumes_and_mount_points_are_added(tmp_path: Path) -> None:
    mounts = [{"SourceVolume": "data", "ContainerPath": "/data", "ReadOnly": True}]
    certificates = [{"SourceVolume": "keys", "ContainerPath": "/keys"}]
    task = {
        "Volumes": [{"Name": "data", "EFSVolumeConfiguration": EFS}, {"Name": "keys", "Host": {}}],
        "ContainerDefinitions": [{**APP, "MountPoints": mounts}, {**ENVOY, "MountPoints": certificates}],
    }
    migration = migrated(tmp_path, running(task))
    text = code(migration)
    assert 'efs_volume_configuration=ecs.EfsVolumeConfiguration( file_system_id="fs-1", ' in text
    assert 'authorization_config=ecs.AuthorizationConfig(access_point_id="fsap-1")' in text
    assert 'task.task_definition.add_volume(name="keys")' in text
    assert 'task.app_container.add_mount_points( ecs.MountPoint(container_path="/data", read_only=True' in text
    assert 'task.envoy_container.add_mount_points( ecs.MountPoint(container_path="/keys", read_only=False' in text
    assert lost(migration) == []
    (to_do,) = (each.text for each in migration.findings if "file system" in each.text)
    assert "nodes['red'].connections.allow_to(file_system, ec2.Port.tcp(2049))" in to_do


def test_volume_of_another_container_is_mounted(tmp_path: Path) -> None:
    other = {"Name": "log-agent", "Image": "agent", "MountPoints": [{"SourceVolume": "a", "ContainerPath": "/a"}]}
    task = {"Volumes": [{"Name": "a"}], "ContainerDefinitions": [APP, ENVOY, other]}
    assert "red_log_agent.add_mount_points(" in code(migrated(tmp_path, running(task)))


@pytest.mark.parametrize(
    ("volume", "reason"),
    [
        pytest.param({"Host": {"SourcePath": "/var"}}, "Fargate has no volumes with Host.SourcePath", id="host"),
        pytest.param(
            {"DockerVolumeConfiguration": {"Driver": "local"}},
            "Fargate has no volumes with DockerVolumeConfiguration",
            id="docker",
        ),
        pytest.param(
            {"EFSVolumeConfiguration": {"FilesystemId": {"Ref": "Files"}}},
            "Files.Ref is known only at deployment (add --set Files.Ref=VALUE)",
            id="unknown",
        ),
    ],
)
def test_volume_that_fargate_has_not_is_lost_with_its_mount_points(
    tmp_path: Path, volume: dict[str, Any], reason: str
) -> None:
    mounts = [{"SourceVolume": "a", "ContainerPath": "/a"}]
    task = {"Volumes": [{"Name": "a", **volume}], "ContainerDefinitions": [{**APP, "MountPoints": mounts}, ENVOY]}
    migration = migrated(tmp_path, {**running(task), "Files": resource("AWS::EFS::FileSystem")})
    assert lost(migration)[:2] == [
        f"t.json: Task: the volume 'a' is removed: {reason}",
        "t.json: Task container 'app': the mount point '/a' is removed with its volume 'a'",
    ]
    assert "add_volume" not in code(migration)


# Autoscaling


def scaled(resource_id: Any, **policies: Any) -> dict[str, Any]:
    """Return a service with autoscaling."""
    target = resource("AWS::ApplicationAutoScaling::ScalableTarget", ResourceId=resource_id, **SCALABLE)
    return {
        **running({}, {"DesiredCount": 3, "ServiceName": "red-svc"}),
        "Target": target,
        **{
            name: resource("AWS::ApplicationAutoScaling::ScalingPolicy", ScalingTargetId={"Ref": "Target"}, **each)
            for name, each in policies.items()
        },
    }


def tracking(metric: str, **options: Any) -> dict[str, Any]:
    specification = {"PredefinedMetricSpecification": {"PredefinedMetricType": metric}, "TargetValue": 50}
    return {"TargetTrackingScalingPolicyConfiguration": {**specification, **options}}


@pytest.mark.parametrize("resource_id", ["service/default/red-svc", {"Fn::Join": ["/", ["service", "default", NAME]]}])
def test_autoscaling_of_a_service_is_declared(tmp_path: Path, resource_id: Any) -> None:
    cpu = tracking("ECSServiceAverageCPUUtilization", ScaleInCooldown=60, DisableScaleIn=True)
    memory = tracking("ECSServiceAverageMemoryUtilization")
    text = code(migration := migrated(tmp_path, scaled(resource_id, Cpu=cpu, Memory=memory)))
    assert "red_scaling = task.fargate_service.auto_scale_task_count(min_capacity=2, max_capacity=8)" in text
    assert (
        'red_scaling.scale_on_cpu_utilization( "Cpu", target_utilization_percent=50, '
        "scale_in_cooldown=Duration.seconds(60), disable_scale_in=True )"
    ) in text
    assert 'red_scaling.scale_on_memory_utilization("Memory", target_utilization_percent=50)' in text
    assert "desired_count" not in text
    assert lost(migration) == []


def test_policies_of_other_kinds_are_lost(tmp_path: Path) -> None:
    other: dict[str, Any] = {"PolicyType": "PredictiveScaling"}
    requests = tracking("ALBRequestCountPerTarget")
    assert lost(migrated(tmp_path, scaled("service/default/red-svc", Other=other, Requests=requests))) == [
        f"t.json: Service: the scaling policy {name}: {reason}: add it with a method of its scaling, such as "
        "scale_on_metric(...)"
        for name, reason in (
            ("Other", "it has neither steps nor one metric"),
            ("Requests", "it tracks ALBRequestCountPerTarget"),
        )
    ]


SERVICE_DIMENSIONS = [{"Name": "ClusterName", "Value": "default"}, {"Name": "ServiceName", "Value": NAME}]
STEPS = {
    "AdjustmentType": "PercentChangeInCapacity",
    "Cooldown": 60,
    "MinAdjustmentMagnitude": 2,
    "StepAdjustments": [
        {"MetricIntervalLowerBound": 15.5, "ScalingAdjustment": 50},
        {"MetricIntervalUpperBound": 15.5, "ScalingAdjustment": 10},
    ],
}


def stepped(steps: dict[str, Any], **alarm: Any) -> dict[str, Any]:
    """Return a service with autoscaling by steps, and the alarm that starts them."""
    declared = {
        "Namespace": "AWS/ECS",
        "MetricName": "CPUUtilization",
        "Statistic": "Average",
        "Period": 60,
        "Dimensions": SERVICE_DIMENSIONS,
        "EvaluationPeriods": 3,
        "DatapointsToAlarm": 2,
        "Threshold": 70,
        "ComparisonOperator": "GreaterThanOrEqualToThreshold",
        "AlarmActions": [{"Ref": "Steps"}],
    }
    policy = {"PolicyType": "StepScaling", "StepScalingPolicyConfiguration": {**STEPS, **steps}}
    resources = scaled("service/default/red-svc", Steps=policy)
    return {**resources, "Alarm": resource("AWS::CloudWatch::Alarm", **{**declared, **alarm})}


def test_steps_are_declared_with_the_metric_of_their_alarm(tmp_path: Path) -> None:
    text = code(migration := migrated(tmp_path, stepped({})))
    assert (
        'red_scaling.scale_on_metric( "Steps", metric=cloudwatch.Metric( namespace="AWS/ECS", '
        'metric_name="CPUUtilization", statistic="Average", dimensions_map={"ClusterName": cluster.cluster_name, '
        '"ServiceName": task.fargate_service.service_name}, period=Duration.seconds(60), ), scaling_steps=[ '
        "appscaling.ScalingInterval(change=0, upper=70), appscaling.ScalingInterval(change=10, lower=70, upper=85.5), "
        "appscaling.ScalingInterval(change=50, lower=85.5), ], "
        "adjustment_type=appscaling.AdjustmentType.PERCENT_CHANGE_IN_CAPACITY, cooldown=Duration.seconds(60), "
        "evaluation_periods=3, datapoints_to_alarm=2, min_adjustment_magnitude=2, )"
    ) in text
    assert lost(migration) == []


def test_steps_below_a_threshold_begin_below_it(tmp_path: Path) -> None:
    less = [
        {"MetricIntervalUpperBound": 0, "MetricIntervalLowerBound": -10, "ScalingAdjustment": -1},
        {"MetricIntervalUpperBound": -10, "ScalingAdjustment": -2},
    ]
    steps = {"AdjustmentType": "ChangeInCapacity", "StepAdjustments": less, "MinAdjustmentMagnitude": None}
    changes = {"ComparisonOperator": "LessThanThreshold", "Threshold": 20, "TreatMissingData": "breaching"}
    migration = migrated(tmp_path, stepped({key: each for key, each in steps.items() if each}, **changes))
    assert (
        "scaling_steps=[ appscaling.ScalingInterval(change=-2, upper=10), appscaling.ScalingInterval(change=-1, "
        "lower=10, upper=20), appscaling.ScalingInterval(change=0, lower=20), ]"
    ) in code(migration)
    texts = {each.text for each in migration.findings if each.kind == "changed"}
    assert "the steps of the scaling policy Steps start also when the metric equals the threshold" in texts
    assert "the alarm of the scaling policy Steps treats missing data as missing, not as breaching" in texts


@pytest.mark.parametrize(
    ("steps", "alarm", "reason"),
    [
        pytest.param({"AdjustmentType": "ExactCapacity"}, {}, "its steps are of type ExactCapacity", id="exact"),
        pytest.param({}, {"AlarmActions": []}, "no alarms in the templates start it, not one", id="no-alarm"),
        pytest.param({}, {"ActionsEnabled": False}, "its alarm calls no actions", id="no-actions"),
        pytest.param({}, {"Metrics": []}, "its alarm watches an expression of metrics", id="expression"),
        pytest.param({}, {"Threshold": "x"}, "no alarms in the templates start it, not one", id="unreadable-alarm"),
        pytest.param({}, {"Threshold": -80}, "its steps have negative values of the metric", id="negative"),
        pytest.param({}, {"Period": 45}, "its metric has a period of 45 s", id="period"),
        pytest.param({}, {"ExtendedStatistic": "tm90", "Statistic": ""}, "has the statistic tm90", id="statistic"),
        pytest.param({}, {"DatapointsToAlarm": 4}, "has other datapoints than evaluation periods", id="datapoints"),
        pytest.param({}, {"ComparisonOperator": "LessThanThreshold"}, "do not begin at the threshold", id="side"),
        pytest.param(
            {},
            {"Dimensions": [{"Name": "LoadBalancer", "Value": {"Fn::GetAtt": ["Door", "LoadBalancerFullName"]}}]},
            "its metric has the dimension LoadBalancer, which depends on Door.LoadBalancerFullName",
            id="dimension",
        ),
        pytest.param(
            {"StepAdjustments": [{"MetricIntervalLowerBound": 5, "ScalingAdjustment": 1}]},
            {},
            "its steps do not begin at the threshold of its alarm, or have gaps",
            id="gap",
        ),
        pytest.param({"MetricAggregationType": "Sum"}, {}, "its metric is aggregated by Sum", id="aggregation"),
        pytest.param({"StepAdjustments": [{"ScalingAdjustment": 0}]}, {}, "it has 0 steps with a change", id="none"),
    ],
)
def test_steps_that_the_construct_has_not_are_lost(
    tmp_path: Path, steps: dict[str, Any], alarm: dict[str, Any], reason: str
) -> None:
    door = {"Door": resource("AWS::ElasticLoadBalancingV2::LoadBalancer", Type="network")}
    migration = migrated(tmp_path, {**stepped(steps, **alarm), **door})
    (text,) = (each for each in lost(migration) if each.startswith("t.json: Service: the scaling policy Steps: "))
    assert reason in text
    assert "scale_on_metric" not in code(migration)


@pytest.mark.parametrize(
    ("aggregation", "statistic", "argument"),
    [
        ("Maximum", "Average", "metric_aggregation_type=appscaling.MetricAggregationType.MAXIMUM"),
        ("Average", "Minimum", "metric_aggregation_type=appscaling.MetricAggregationType.AVERAGE"),
        ("Maximum", "Maximum", None),
        ("Average", "Sum", None),
    ],
)
def test_aggregation_of_the_metric_is_kept(
    tmp_path: Path, aggregation: str, statistic: str, argument: str | None
) -> None:
    """The default of the CDK is the statistic of the metric."""
    migration = migrated(tmp_path, stepped({"MetricAggregationType": aggregation}, Statistic=statistic))
    assert (argument or "scale_on_metric(") in code(migration)
    assert ("metric_aggregation_type" in code(migration)) == (argument is not None)
    assert lost(migration) == []


def test_other_parts_of_an_alarm_are_lost(tmp_path: Path) -> None:
    actions = [{"Ref": "Steps"}, "arn:aws:sns:eu-west-1:111122223333:on-call"]
    migration = migrated(tmp_path, stepped({}, AlarmActions=actions, OKActions=actions[1:], Unit="Percent"))
    assert sorted(lost(migration)) == [
        "t.json: Alarm: its actions other than the scaling of tasks: add an alarm with them",
        "t.json: Alarm: property OKActions",
        "t.json: Alarm: property Unit",
    ]
    assert "scale_on_metric" in code(migration)


def test_suspension_of_autoscaling_is_lost(tmp_path: Path) -> None:
    resources = scaled("service/default/red-svc")
    (target,) = (each for each in resources.values() if each["Type"].endswith("ScalableTarget"))
    target["Properties"]["SuspendedState"] = {"DynamicScalingInSuspended": True}
    (text,) = lost(migrated(tmp_path, resources))
    assert text.endswith(": property SuspendedState")


def test_policy_tracks_a_metric_of_cloudwatch(tmp_path: Path) -> None:
    metric = {"Namespace": "shop", "MetricName": "Waiting", "Statistic": "Sum"}
    policy = {
        "TargetTrackingScalingPolicyConfiguration": {"CustomizedMetricSpecification": metric, "TargetValue": 12.5}
    }
    migration = migrated(tmp_path, scaled("service/default/red-svc", Waiting=policy))
    assert (
        'red_scaling.scale_to_track_custom_metric( "Waiting", metric=cloudwatch.Metric(namespace="shop", '
        'metric_name="Waiting", statistic="Sum"), target_value=12.5, )'
    ) in code(migration)
    assert lost(migration) == []


def scheduled(**changes: Any) -> dict[str, Any]:
    action = {"ScheduledActionName": "morning", "Schedule": "cron(0 7 * * ? *)", "Timezone": "Europe/Berlin"}
    limits = {"ScalableTargetAction": {"MinCapacity": 4, "MaxCapacity": 6}}
    resources = scaled("service/default/red-svc")
    resources["Target"]["Properties"] = {
        **resources["Target"]["Properties"],
        "ScheduledActions": [{**action, **limits, **changes}],
    }
    return resources


def test_scheduled_actions_are_declared(tmp_path: Path) -> None:
    migration = migrated(tmp_path, scheduled())
    assert (
        'red_scaling.scale_on_schedule( "morning", schedule=appscaling.Schedule.expression("cron(0 7 * * ? *)"), '
        'min_capacity=4, max_capacity=6, time_zone=TimeZone.of("Europe/Berlin"), )'
    ) in code(migration)
    assert lost(migration) == []


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"StartTime": "2030-01-01T00:00:00Z"}, "it has a start or an end"),
        (
            {"ScalableTargetAction": {"MinCapacity": 7, "MaxCapacity": 6}},
            "its limits are not a minimum and a maximum",
        ),
        ({"ScalableTargetAction": {}}, "its limits are not a minimum and a maximum"),
    ],
)
def test_scheduled_action_that_is_not_migrated_is_lost(tmp_path: Path, changes: dict[str, Any], reason: str) -> None:
    migration = migrated(tmp_path, scheduled(**changes))
    assert lost(migration) == [
        (
            f"t.json: Service: the scheduled action morning of its autoscaling: {reason}: add it with "
            "scaling.scale_on_schedule(...)"
        )
    ]
    assert "scale_on_schedule" not in code(migration)


def test_scheduled_actions_of_one_name_are_lost(tmp_path: Path) -> None:
    resources = scheduled()
    resources["Target"]["Properties"]["ScheduledActions"] *= 2
    migration = migrated(tmp_path, resources)
    text = "the scheduled action morning of its autoscaling: another one has its name: add it with"
    assert lost(migration) == [f"t.json: Service: {text} scaling.scale_on_schedule(...)"] * 2
    assert "scale_on_schedule" not in code(migration)


@pytest.mark.parametrize(
    ("limits", "problem"),
    [
        (
            {"MinCapacity": 9},
            "MinCapacity: is not between 0 and a MaxCapacity of 8, got 9 (swap or correct them)",
        ),
        (
            {"MinCapacity": -1},
            "MinCapacity: is not between 0 and a MaxCapacity of 8, got -1 (swap or correct them)",
        ),
        ({"MaxCapacity": None}, "MaxCapacity: is null, got None (give a value, or leave it out)"),
    ],
)
def test_autoscaling_with_invalid_limits_is_lost(tmp_path: Path, limits: dict[str, Any], problem: str) -> None:
    resources = scaled("service/default/red-svc", Cpu=tracking("ECSServiceAverageCPUUtilization"))
    resources["Target"]["Properties"] = {**resources["Target"]["Properties"], **limits}
    migration = migrated(tmp_path, resources)
    assert f"t.json: Target: is not migrated: {problem}" in lost(migration)
    assert "scaling" not in code(migration)
    assert "desired_count=3" in code(migration)


def test_policy_with_a_negative_cooldown_is_lost(tmp_path: Path) -> None:
    cpu = tracking("ECSServiceAverageCPUUtilization", ScaleInCooldown=-1)
    migration = migrated(tmp_path, scaled("service/default/red-svc", Cpu=cpu))
    assert lost(migration) == [
        (
            "t.json: Cpu: is not migrated: TargetTrackingScalingPolicyConfiguration.ScaleInCooldown: is negative, got "
            "-1 (0 or more seconds)"
        )
    ]
    assert "scale_on_cpu_utilization" not in code(migration)


@pytest.mark.parametrize("target", ["inf", "nan", "abc", "", True, 0, None])
def test_policy_whose_target_is_no_number_is_lost(target: Any, tmp_path: Path) -> None:
    cpu = tracking("ECSServiceAverageCPUUtilization", TargetValue=target)
    migration = migrated(tmp_path, scaled("service/default/red-svc", Cpu=cpu))
    assert "scale_on_cpu_utilization" not in code(migration)
    (text,) = lost(migration)
    assert text.startswith("t.json: Cpu: is not migrated: TargetTrackingScalingPolicyConfiguration.TargetValue: is ")


def test_autoscaling_of_something_else_is_lost(tmp_path: Path) -> None:
    assert lost(migrated(tmp_path, scaled("service/default/other"))) == [
        "t.json: Target: is not migrated: it scales no service of the mesh"
    ]


def test_second_scalable_target_of_a_service_is_lost(tmp_path: Path) -> None:
    resources = scaled("service/default/red-svc", Cpu=tracking("ECSServiceAverageCPUUtilization"))
    second = resource("AWS::ApplicationAutoScaling::ScalableTarget", ResourceId="service/default/red-svc", **SCALABLE)
    assert lost(migrated(tmp_path, {**resources, "Second": second})) == [
        "t.json: Target: is not migrated, with its policy Cpu: t.json: Second scales the same service"
    ]


@pytest.mark.parametrize("target", [{"ScalingTargetId": "elsewhere"}, {"ResourceId": "service/default/other"}])
def test_policy_without_a_target_in_the_templates_is_lost(target: dict[str, Any], tmp_path: Path) -> None:
    resources = scaled("service/default/red-svc")
    policy = {**tracking("ECSServiceAverageCPUUtilization"), **target}
    resources["Cpu"] = resource("AWS::ApplicationAutoScaling::ScalingPolicy", **policy)
    line = (
        "t.json: Cpu: is not migrated: has no scalable target in the templates, got None (add the template of the "
        "scalable target)"
    )
    assert lost(migrated(tmp_path, resources)) == [line]
    del resources["Target"]
    assert lost(migrated(tmp_path, resources)) == [line]


# Load balancers of nodes

BOTH = [{"TargetGroupArn": {"Ref": "Group"}}, {"TargetGroupArn": "other"}]
CERTIFICATE = "arn:aws:acm:eu-west-1:111122223333:certificate/a"


def balanced(**changes: dict[str, Any]) -> dict[str, Any]:
    """Return a service behind an application load balancer with a redirect, HTTPS and a rule."""
    forward = {"Type": "forward", "TargetGroupArn": {"Ref": "Group"}}
    redirect = {"Type": "redirect", "RedirectConfig": {"Protocol": "HTTPS", "Port": "443", "StatusCode": "HTTP_301"}}
    declared: dict[str, dict[str, Any]] = {
        "Balancer": {"Name": "door", "Subnets": ["a", "b"]},
        "Group": {
            "Protocol": "HTTP",
            "TargetType": "ip",
            "HealthCheckPath": "/health",
            "Matcher": {"HttpCode": "200-299"},
            "TargetGroupAttributes": [{"Key": "deregistration_delay.timeout_seconds", "Value": "30"}],
        },
        "Plain": {"LoadBalancerArn": {"Ref": "Balancer"}, "Port": 80, "Protocol": "HTTP", "DefaultActions": [redirect]},
        "Secure": {
            "LoadBalancerArn": {"Ref": "Balancer"},
            "Port": 443,
            "Protocol": "HTTPS",
            "Certificates": [{"CertificateArn": CERTIFICATE}],
            "DefaultActions": [{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}],
        },
        "Rule": {
            "ListenerArn": {"Ref": "Secure"},
            "Priority": 7,
            "Conditions": [{"Field": "host-header", "HostHeaderConfig": {"Values": ["red.example.com"]}}],
            "Actions": [forward],
        },
    }
    kinds = {"Balancer": "LoadBalancer", "Group": "TargetGroup", "Rule": "ListenerRule"}
    service = {"LoadBalancers": [{"TargetGroupArn": {"Ref": "Group"}, "ContainerPort": 80}]}
    return {
        **running({}, service),
        **{
            name: resource(
                f"AWS::ElasticLoadBalancingV2::{kinds.get(name, 'Listener')}", **(each | changes.get(name, {}))
            )
            for name, each in declared.items()
        },
    }


def test_application_load_balancer_of_a_node_is_created(tmp_path: Path) -> None:
    migration = migrated(tmp_path, balanced())
    text = code(migration)
    assert 'door_balancer = elbv2.ApplicationLoadBalancer(self, "Door", vpc=cluster.vpc, internet_facing=True)' in text
    assert 'targets=[nodes["red"].load_balancer_target()]' in text
    assert 'health_check=elbv2.HealthCheck(path="/health", healthy_http_codes="200-299")' in text
    assert "deregistration_delay=Duration.seconds(30)" in text
    assert 'elbv2.ListenerAction.redirect(protocol="HTTPS", port="443", permanent=True)' in text
    assert f'certificates=[elbv2.ListenerCertificate.from_arn("{CERTIFICATE}")]' in text
    assert "default_action=elbv2.ListenerAction.fixed_response(404)" in text
    assert (
        'door_https_443.add_target_groups( "Rule7", priority=7, '
        'conditions=[elbv2.ListenerCondition.host_headers(["red.example.com"])], target_groups=[red_targets]'
    ) in text
    assert lost(migration) == []
    assert [each.text.partition(":")[0] for each in migration.findings if each.subject == "t.json: Balancer"] == [
        "change the address for clients"
    ]


def test_internal_load_balancer_admits_the_vpc(tmp_path: Path) -> None:
    text = code(migrated(tmp_path, balanced(Balancer={"Scheme": "internal"})))
    assert "internet_facing" not in text
    rule = "door_balancer.connections.allow_from(ec2.Peer.ipv4(cluster.vpc.vpc_cidr_block), ec2.Port.tcp(80))"
    assert rule in text


def admitting(*rules: tuple[int, str]) -> dict[str, Any]:
    """Return a security group with rules, each with a port and the addresses that it admits."""
    ingress = [{"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "CidrIp": cidr} for port, cidr in rules]
    return resource("AWS::EC2::SecurityGroup", SecurityGroupIngress=ingress)


@pytest.mark.parametrize(
    ("rules", "statements", "clients"),
    [
        pytest.param([(80, "0.0.0.0/0"), (443, "0.0.0.0/0")], {}, "every address", id="open"),
        pytest.param(
            [(443, "203.0.113.0/24"), (443, "198.51.100.0/24"), (22, "0.0.0.0/0")],
            {"203.0.113.0/24", "198.51.100.0/24"},
            "203.0.113.0/24, 198.51.100.0/24",
            id="office",
        ),
        pytest.param([(22, "0.0.0.0/0")], {}, "no address", id="none"),
    ],
)
@pytest.mark.parametrize("kind", ["application", "network"])
def test_public_load_balancer_admits_the_clients_of_its_security_group(
    tmp_path: Path, kind: str, rules: list[tuple[int, str]], statements: set[str], clients: str
) -> None:
    own = {"SecurityGroups": [{"Ref": "Doormen"}]}
    resources = balanced(Balancer=own) if kind == "application" else network(Balancer=own)
    migration = migrated(tmp_path, {**resources, "Doormen": admitting(*rules)})
    text = code(migration)
    for cidr in statements:
        assert f'.connections.allow_from(ec2.Peer.ipv4("{cidr}"), ec2.Port.tcp(443))' in text
    is_open = clients == "every address"
    assert text.count("allow_from(") == (2 if is_open and kind == "network" else len(statements))
    assert ("open=True" in text) == (is_open and kind == "application")
    assert any(f"admits {clients} (security" in each.text for each in migration.findings)


def test_public_load_balancer_with_an_unknown_security_group_admits_only_what_is_known(tmp_path: Path) -> None:
    groups = [{"Ref": "Doormen"}, "sg-elsewhere"]
    resources = {**balanced(Balancer={"SecurityGroups": groups}), "Doormen": admitting((443, "203.0.113.0/24"))}
    migration = migrated(tmp_path, resources)
    assert code(migration).count("open=False") == 2
    assert code(migration).count("allow_from(") == 1
    assert (
        "let the clients of the load balancer in: its security group sg-elsewhere is in no template, and the new one "
        "admits no address for it: add them with connections.allow_from(...) of the load balancer"
    ) in [each.text for each in migration.findings if each.kind == "to do"]


def test_public_load_balancer_with_a_group_that_is_not_known_is_not_open(tmp_path: Path) -> None:
    migration = migrated(tmp_path, balanced(Balancer={"SecurityGroups": [{"Fn::ImportValue": "doormen"}]}))
    assert code(migration).count("open=False") == 2
    assert any("its security group SecurityGroups[0] is in no template" in each.text for each in migration.findings)


def test_rule_of_a_public_load_balancer_that_cannot_be_read_is_lost(tmp_path: Path) -> None:
    doormen = admitting((443, "203.0.113.0/24"), (443, "doormen"))
    found = lost(
        migrated(tmp_path, {**balanced(Balancer={"SecurityGroups": [{"Ref": "Doormen"}]}), "Doormen": doormen})
    )
    problem = "SecurityGroupIngress[1].CidrIp: is not an IPv4 network, got 'doormen' (such as 0.0.0.0/0)"
    text = "a rule that cannot be read, and whose clients are not admitted"
    assert found == [f"t.json: Doormen: {text}: t.json: Doormen.{problem}"]


@pytest.mark.parametrize(
    ("end", "address_type", "clients"),
    [
        ({"SourcePrefixListId": "pl-1"}, "ipv4", "the prefix list pl-1"),
        ({"CidrIpv6": "2001:db8::/32"}, "dualstack", "the IPv6 addresses 2001:db8::/32"),
        ({"CidrIpv6": "::/0"}, "ipv4", None),
        ({"SourceSecurityGroupId": "sg-1"}, "ipv4", "the members of the security group sg-1"),
    ],
)
def test_clients_of_a_public_load_balancer_that_are_no_ipv4_addresses_are_lost(
    tmp_path: Path, end: dict[str, str], address_type: str, clients: str | None
) -> None:
    doormen = admitting((443, "203.0.113.0/24"))
    rule = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, **end}
    doormen["Properties"]["SecurityGroupIngress"].append(rule)
    own = {"SecurityGroups": [{"Ref": "Doormen"}], "IpAddressType": address_type}
    found = lost(migrated(tmp_path, {**balanced(Balancer=own), "Doormen": doormen}))
    line = "t.json: Balancer listener HTTPS 443: clients that its security groups admitted: "
    fix = ": add them with connections.allow_from(...) of the load balancer"
    assert [each for each in found if "clients" in each] == ([] if clients is None else [f"{line}{clients}{fix}"])
    assert len(found) == (clients is not None) + (address_type != "ipv4")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        pytest.param(
            {"Rule": {"Actions": [{"Type": "forward", "ForwardConfig": {"TargetGroups": BOTH}}]}},
            "listener HTTPS 443: the requests of the rule with priority 7 are answered 503: it does not forward to one "
            "node or gateway of the mesh",
            id="action",
        ),
        pytest.param(
            {"Rule": {"Conditions": [{"Field": "cookie", "Values": ["a"]}]}},
            "listener HTTPS 443: the rule with priority 7: it has a condition that the CDK has not",
            id="condition",
        ),
        pytest.param(
            {"Secure": {"Certificates": [{"CertificateArn": {"Ref": "Certificate"}}]}},
            "listener HTTPS 443: its certificate Certificate.Ref is known only at deployment (add --set "
            "Certificate.Ref=VALUE)",
            id="certificate",
        ),
        pytest.param(
            {"Plain": {"DefaultActions": [{"Type": "authenticate-oidc"}]}},
            "listener HTTP 80: it authenticates clients, and would not do so in the new app: add it with its "
            "authentication",
            id="authentication",
        ),
        pytest.param(
            {"Rule": {"Priority": 0}},
            "listener HTTPS 443: the rule with priority 0: its priority is not 1 to 50000, or is that of another rule",
            id="priority",
        ),
        pytest.param(
            {"Secure": {"MutualAuthentication": {"Mode": "verify", "TrustStoreArn": "arn"}}},
            "listener HTTPS 443: it authenticates clients by their certificates: add it with its trust store",
            id="certificates-of-clients",
        ),
        pytest.param(
            {"Rule": {"Conditions": [{"Field": "path-pattern", "Values": ["/1", "/2", "/3", "/4", "/5", "/6"]}]}},
            "listener HTTPS 443: the rule with priority 7: it has a condition that the CDK has not",
            id="values",
        ),
        pytest.param({"Plain": {"Port": 443}}, "listener HTTP 443: another listener has its port", id="port"),
        pytest.param(
            {"Plain": {"DefaultActions": [{"Type": "forward", "TargetGroupArn": "other"}]}},
            "listener HTTP 80: its other requests are answered 503: it does not forward to one node or gateway of the "
            "mesh",
            id="other-target",
        ),
    ],
)
def test_part_of_a_load_balancer_that_is_not_migrated_is_lost(
    tmp_path: Path, changes: dict[str, Any], reason: str
) -> None:
    certificate = {"Certificate": resource("AWS::CertificateManager::Certificate", DomainName="example.com")}
    migration = migrated(tmp_path, {**balanced(**changes), **certificate})
    assert f"t.json: Balancer {reason}" in lost(migration)
    migration.files("t.json")


FORWARD = {"Type": "forward", "TargetGroupArn": {"Ref": "Group"}}
LOGIN = [{"Type": "authenticate-oidc", "Order": 1}, {**FORWARD, "Order": 2}]


@pytest.mark.parametrize(
    ("actions", "answer", "findings"),
    [
        pytest.param(
            [{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "403"}}],
            "fixed_response(403)",
            [],
            id="response",
        ),
        pytest.param(
            [{"Type": "redirect", "RedirectConfig": {"Host": "example.com", "StatusCode": "HTTP_302"}}],
            'redirect(host="example.com", permanent=False)',
            [],
            id="redirect",
        ),
        pytest.param(
            [{"Type": "redirect", "RedirectConfig": {"StatusCode": "HTTP_302"}}],
            "fixed_response(503)",
            ["it does not forward to one node or gateway of the mesh"],
            id="redirect-to-itself",
        ),
        pytest.param(
            LOGIN,
            "fixed_response(503)",
            ["it authenticates clients, and would not do so in the new app"],
            id="authentication",
        ),
        pytest.param(
            [{"Type": "forward", "TargetGroupArn": "other"}],
            "fixed_response(503)",
            ["it does not forward to one node or gateway of the mesh"],
            id="other-target",
        ),
    ],
)
def test_requests_that_a_rule_keeps_from_the_mesh_do_not_get_into_it(
    tmp_path: Path, actions: list[dict[str, Any]], answer: str, findings: list[str]
) -> None:
    migration = migrated(tmp_path, balanced(Secure={"DefaultActions": [FORWARD]}, Rule={"Actions": actions}))
    text = code(migration)
    assert "default_target_groups=[red_targets]" in text
    assert (
        'door_https_443.add_action( "Rule7", priority=7, '
        f'conditions=[elbv2.ListenerCondition.host_headers(["red.example.com"])], action=elbv2.ListenerAction.{answer}'
    ) in text
    subject = "t.json: Balancer listener HTTPS 443: the requests of the rule with priority 7 are answered 503"
    assert lost(migration) == [f"{subject}: {each}" for each in findings]


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"Conditions": [{"Field": "cookie", "Values": ["a"]}]}, id="condition-that-the-cdk-has-not"),
        pytest.param({"Conditions": [{"Field": "path-pattern", "Values": "a"}]}, id="unreadable-condition"),
    ],
)
def test_listener_is_lost_with_a_rule_that_keeps_requests_from_the_mesh(
    tmp_path: Path, changes: dict[str, Any]
) -> None:
    rule = {"Actions": LOGIN, **changes}
    migration = migrated(tmp_path, balanced(Secure={"DefaultActions": [FORWARD]}, Rule=rule))
    assert (
        "t.json: Balancer listener HTTPS 443: without its rule with priority 7 more requests would be let in, but it "
        "has a condition that the CDK has not"
    ) in lost(migration)
    assert "elbv2" not in code(migration)


def test_other_certificates_of_a_listener_are_kept(tmp_path: Path) -> None:
    other = CERTIFICATE.replace("certificate/", "certificate/other-")
    more = resource(
        "AWS::ElasticLoadBalancingV2::ListenerCertificate",
        ListenerArn={"Ref": "Secure"},
        Certificates=[{"CertificateArn": other}],
    )
    migration = migrated(tmp_path, {**balanced(), "More": more})
    first, second = (f'elbv2.ListenerCertificate.from_arn("{each}")' for each in (CERTIFICATE, other))
    assert f"certificates=[ {first}, {second}, ]" in code(migration)
    assert lost(migration) == []


@pytest.mark.parametrize(
    ("name", "policy", "changes"),
    [
        pytest.param("ELBSecurityPolicy-TLS13-1-3-2021-06", "TLS13_13", 0, id="known"),
        pytest.param("ELBSecurityPolicy-of-tomorrow", "RECOMMENDED_TLS", 1, id="unknown"),
    ],
)
def test_security_policy_of_a_listener_is_kept(tmp_path: Path, name: str, policy: str, changes: int) -> None:
    migration = migrated(tmp_path, balanced(Secure={"SslPolicy": name}))
    assert f"ssl_policy=elbv2.SslPolicy.{policy}" in code(migration)
    assert lost(migration) == []
    changed = [each for each in migration.findings if each.kind == "changed" and "security policy" in each.text]
    assert len(changed) == changes


@pytest.mark.parametrize(
    "check",
    [
        pytest.param({"HealthCheckProtocol": "TCP"}, id="tcp"),
        pytest.param({"HealthCheckIntervalSeconds": 5, "HealthCheckTimeoutSeconds": 5}, id="timeout"),
    ],
)
def test_health_check_that_an_application_load_balancer_does_not_take_is_lost(
    tmp_path: Path, check: dict[str, Any]
) -> None:
    migration = migrated(tmp_path, balanced(Group=check))
    assert lost(migration) == [
        "t.json: Group: its health check, which has values that Elastic Load Balancing does not take"
    ]
    assert "HealthCheck(" not in code(migration)


NETWORK: dict[str, dict[str, Any]] = {
    "Balancer": {
        "Type": "network",
        "LoadBalancerAttributes": [{"Key": "load_balancing.cross_zone.enabled", "Value": "true"}],
    },
    "Group": {
        "Protocol": "TCP",
        "HealthCheckPath": "/health",
        "HealthCheckProtocol": "HTTP",
        "TargetGroupAttributes": [{"Key": "preserve_client_ip.enabled", "Value": "true"}],
    },
    "Plain": {"Protocol": "TCP", "DefaultActions": [{"Type": "forward", "TargetGroupArn": {"Ref": "Group"}}]},
    "Secure": {"Protocol": "TLS", "DefaultActions": [{"Type": "forward", "TargetGroupArn": {"Ref": "Group"}}]},
}


def network(**changes: dict[str, Any]) -> dict[str, Any]:
    resources = balanced(**{name: {**each, **changes.get(name, {})} for name, each in NETWORK.items()})
    return {name: each for name, each in resources.items() if name != "Rule"}


def test_network_load_balancer_of_a_node_is_created(tmp_path: Path) -> None:
    text = code(migration := migrated(tmp_path, network()))
    assert (
        'door_balancer = elbv2.NetworkLoadBalancer( self, "Door", vpc=cluster.vpc, internet_facing=True, '
        'security_groups=[ec2.SecurityGroup(self, "DoorGroup", vpc=cluster.vpc)], cross_zone_enabled=True, )'
    ) in text
    assert (
        'port=80, protocol=elbv2.Protocol.TCP, targets=[nodes["red"].load_balancer_target()], '
        'health_check=elbv2.HealthCheck(protocol=elbv2.Protocol.HTTP, path="/health", '
        'healthy_http_codes="200-299"), preserve_client_ip=True, )'
    ) in text
    listener = 'door_balancer.add_listener("TCP80", port=80, protocol=elbv2.Protocol.TCP, default_target_groups=['
    assert listener in text
    certificate = f'certificates=[elbv2.ListenerCertificate.from_arn("{CERTIFICATE}")]'
    assert f'"TLS443", port=443, protocol=elbv2.Protocol.TLS, {certificate}' in text
    assert "door_balancer.connections.allow_from(ec2.Peer.any_ipv4(), ec2.Port.tcp(443))" in text
    assert lost(migration) == []


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        pytest.param(
            {"Plain": {"Protocol": "UDP"}},
            "t.json: Balancer listener UDP 80: a network load balancer of the mesh has no such listener",
            id="udp",
        ),
        pytest.param(
            {"Plain": {"Port": "x"}},
            "t.json: Plain: is not migrated: Port: is not an integer, got 'x' (digits)",
            id="unreadable",
        ),
        pytest.param(
            {"Plain": {"AlpnPolicy": ["HTTP2Only"]}}, "t.json: Plain: property AlpnPolicy", id="property-of-a-listener"
        ),
        pytest.param(
            {"Group": {"TargetGroupAttributes": [{"Key": "proxy_protocol_v2.enabled", "Value": "true"}]}},
            "t.json: Group: the attribute proxy_protocol_v2.enabled with the value 'true': add it with "
            "set_attribute(...)",
            id="attribute",
        ),
        pytest.param(
            {"Group": {"HealthCheckIntervalSeconds": 1}},
            "t.json: Group: its health check, which has values that Elastic Load Balancing does not take",
            id="health-check",
        ),
    ],
)
def test_part_of_a_network_load_balancer_that_is_not_migrated_is_lost(
    tmp_path: Path, changes: dict[str, Any], reason: str
) -> None:
    migration = migrated(tmp_path, network(**changes))
    assert reason in lost(migration)
    assert "TLS443" in code(migration)


def attributes(**values: str) -> list[dict[str, str]]:
    """Return attributes, with two underscores for each point in a name."""
    return [{"Key": key.replace("__", "."), "Value": value} for key, value in values.items()]


def test_attributes_that_change_nothing_are_no_loss(tmp_path: Path) -> None:
    group = attributes(
        slow_start__duration_seconds="0",
        stickiness__enabled="false",
        stickiness__type="lb_cookie",
        stickiness__lb_cookie__duration_seconds="86400",
        load_balancing__algorithm__anomaly_mitigation="off",
        load_balancing__cross_zone__enabled="use_load_balancer_configuration",
    )
    own = attributes(
        access_logs__s3__enabled="false",
        access_logs__s3__bucket="logs",
        client_keep_alive__seconds="3600",
        load_balancing__cross_zone__enabled="true",
        routing__http__desync_mitigation_mode="defensive",
    )
    changes = {"Group": {"TargetGroupAttributes": group}, "Balancer": {"LoadBalancerAttributes": own}}
    assert lost(migrated(tmp_path, balanced(**changes))) == []


def test_attributes_that_change_something_are_lost(tmp_path: Path) -> None:
    group = attributes(
        slow_start__duration_seconds="30",
        stickiness__enabled="true",
        stickiness__type="lb_cookie",
        load_balancing__cross_zone__enabled="false",
        target_health_state__unhealthy__connection_termination__enabled="false",
    )
    migration = migrated(tmp_path, balanced(Group={"TargetGroupAttributes": group}))
    assert lost(migration) == [
        f"t.json: Group: the attribute {each['Key']} with the value {each['Value']!r}: add it with set_attribute(...)"
        for each in group
    ]


def test_network_load_balancer_in_front_of_another_load_balancer_is_lost(tmp_path: Path) -> None:
    kind = "AWS::ElasticLoadBalancingV2::{}"
    targets = [{"Id": {"Ref": "Balancer"}}]
    forward = [{"Type": "forward", "TargetGroupArn": {"Ref": "EdgeGroup"}}]
    listener = {"LoadBalancerArn": {"Ref": "Edge"}, "Port": 443, "Protocol": "TCP", "DefaultActions": forward}
    edge = {
        "Edge": resource(kind.format("LoadBalancer"), Type="network"),
        "EdgeGroup": resource(kind.format("TargetGroup"), Protocol="TCP", TargetType="alb", Targets=targets),
        "EdgeListener": resource(kind.format("Listener"), **listener),
    }
    assert lost(migrated(tmp_path, {**balanced(), **edge})) == [
        "t.json: Edge: is not migrated: its target is an application load balancer"
    ]


def test_load_balancer_of_another_port_of_a_node_is_work_by_hand(tmp_path: Path) -> None:
    service = {"LoadBalancers": [{"TargetGroupArn": {"Ref": "Group"}, "ContainerPort": 9000}]}
    migration = migrated(tmp_path, {**balanced(), **running({}, service)})
    assert "elbv2" not in code(migration)
    (text,) = (each.text for each in migration.findings if "load_balancer_target()" in each.text)
    assert text.endswith(
        "forwarded to virtual node 'red' at port 9000, and targets of the mesh are at port 80: add a load balancer in "
        "services_stack.py, with targets=[nodes['red'].load_balancer_target()]"
    )


# Load balancers of gateways


def balanced_gateway(resources: dict[str, Any], **service: Any) -> dict[str, Any]:
    """Return resources with the gateway front, behind the load balancer in them, in place of the node."""
    arn = ARN.replace("virtualNode/red", "virtualGateway/front")
    envoy = {**ENVOY, "Environment": [{"Name": "APPMESH_RESOURCE_ARN", "Value": arn}]}
    target = {"TargetGroupArn": {"Ref": "Group"}, "ContainerName": "envoy", "ContainerPort": 8080}
    return {
        **resources,
        "Task": resource("AWS::ECS::TaskDefinition", ContainerDefinitions=[envoy]),
        "Service": resource("AWS::ECS::Service", TaskDefinition={"Ref": "Task"}, LoadBalancers=[target], **service),
    }


def test_application_load_balancer_of_a_gateway_is_created(tmp_path: Path) -> None:
    text = code(migration := migrated(tmp_path, balanced_gateway(balanced())))
    assert 'gateways["front"].implement( self, "Front", cluster=cluster, exposure="none", trusted_hops=1,' in text
    assert 'targets=[gateways["front"].load_balancer_target()]' in text
    assert (
        'conditions=[elbv2.ListenerCondition.host_headers(["red.example.com"])], target_groups=[front_targets]' in text
    )
    assert lost(migration) == []
    (to_do,) = (each.text for each in migration.findings if each.kind == "to do" and "load balancer" in each.text)
    assert to_do.startswith("change the address for clients: they connect to a new application load balancer, whose")


def test_load_balancer_of_another_port_of_a_gateway_is_replaced(tmp_path: Path) -> None:
    resources = balanced_gateway(balanced())
    resources["Service"]["Properties"]["LoadBalancers"] = [{"TargetGroupArn": {"Ref": "Group"}, "ContainerPort": 9901}]
    texts = [each.text for each in migrated(tmp_path, resources).findings if each.kind == "to do"]
    (text,) = (each for each in texts if each.startswith("change the address for clients of "))
    assert " at port 9901, and targets of the mesh are at port 8080: they connect to a new network load" in text


def test_network_load_balancer_of_a_gateway_keeps_its_listeners(tmp_path: Path) -> None:
    text = code(migration := migrated(tmp_path, balanced_gateway(network())))
    assert 'gateways["front"].implement(self, "Front", cluster=cluster, exposure="none", log_group' in text
    assert '"TCP80", port=80' in text
    assert '"TLS443", port=443' in text
    assert "port=8080, protocol=elbv2.Protocol.TCP" in text
    assert lost(migration) == []


def test_gateway_behind_a_rule_that_cannot_be_kept_gets_an_internal_load_balancer(tmp_path: Path) -> None:
    refusing = {
        "ListenerArn": {"Ref": "Plain"},
        "Conditions": [{"Field": "path-pattern", "RegexValues": ["^/admin"]}],
        "Actions": [{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "403"}}],
    }
    resources = balanced_gateway(balanced(Plain={"DefaultActions": [FORWARD]}, Rule=refusing))
    migration = migrated(tmp_path, {name: each for name, each in resources.items() if name != "Secure"})
    assert "elbv2" not in code(migration)
    assert "exposure" not in code(migration)
    assert any("more requests would be let in" in each for each in lost(migration))


def test_gateway_behind_a_listener_that_authenticates_gets_an_internal_load_balancer(tmp_path: Path) -> None:
    authenticating = {"DefaultActions": [{"Type": "authenticate-oidc"}]}
    migration = migrated(tmp_path, balanced_gateway(balanced(Plain=authenticating, Secure=authenticating)))
    text = code(migration)
    assert "elbv2" not in text
    assert "exposure" not in text
    assert any("authenticates clients" in each for each in lost(migration))


# Tags of tasks


@pytest.mark.parametrize(
    ("properties", "overrides"),
    [
        ({"PropagateTags": "SERVICE"}, ['"PropagateTags", "SERVICE"']),
        ({"EnableECSManagedTags": "true"}, ['"EnableECSManagedTags", True']),
        ({"PropagateTags": "NONE", "EnableECSManagedTags": False}, []),
    ],
)
def test_tags_that_ecs_adds_to_tasks_are_kept(tmp_path: Path, properties: dict[str, Any], overrides: list[str]) -> None:
    text = code(migration := migrated(tmp_path, running({}, properties)))
    for each in overrides:
        assert "assert isinstance(service_resource, ecs.CfnService)" in text
        assert f"service_resource.add_property_override({each})" in text
    assert text.count("add_property_override") == len(overrides)
    assert lost(migration) == []


def test_source_of_tags_that_does_not_exist_is_lost(tmp_path: Path) -> None:
    migration = migrated(tmp_path, running({}, {"PropagateTags": "CLUSTER"}))
    assert lost(migration) == ["t.json: Service: property PropagateTags: there is no such source, CLUSTER"]


# Gateways with several listeners


def test_each_listener_of_a_gateway_is_implemented(tmp_path: Path) -> None:
    ports = [{"PortMapping": {"Port": port, "Protocol": "http"}} for port in (8080, 9090)]
    front = resource(
        "AWS::AppMesh::VirtualGateway", MeshName="colors", VirtualGatewayName="front", Spec={"Listeners": ports}
    )
    arn = ARN.replace("virtualNode/red", "virtualGateway/front")
    envoy = {**ENVOY, "Environment": [{"Name": "APPMESH_RESOURCE_ARN", "Value": arn}]}
    task = resource("AWS::ECS::TaskDefinition", ContainerDefinitions=[envoy], Family="front")
    service = resource("AWS::ECS::Service", TaskDefinition={"Ref": "Task"}, DesiredCount=2)
    text = code(migrated(tmp_path, {"Front": front, "Task": task, "Service": service}))
    text = text.replace("( ", "(")
    assert 'gateways["front"].implement(self, "Front", cluster=cluster, desired_count=2, family="front"' in text
    assert 'gateways["front-9090"].implement(self, "Front9090", cluster=cluster, desired_count=2, log_group' in text


def test_variable_of_a_node_and_of_a_gateway_has_the_types_of_both(tmp_path: Path) -> None:
    of_node = running({"Tags": [TEAM]})
    of_gateway = {f"Front{name}": each for name, each in balanced_gateway({}).items()}
    of_gateway["FrontTask"]["Properties"]["Tags"] = [TEAM]
    of_gateway["FrontService"]["Properties"] = {"TaskDefinition": {"Ref": "FrontTask"}}
    declaration = "task: NodeImplementation | GatewayImplementation task = nodes"
    assert declaration in code(migrated(tmp_path, {**of_node, **of_gateway}))
    assert "NodeImplementation" not in code(migrated(tmp_path, of_node))
