"""JSON of the AWS CLI: the tutorial's manifests, and descriptions of deployed resources."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from color_mesh.appmesh.source import Source, read_source
from color_mesh.model import (
    AccessLog,
    CloudMapService,
    Listener,
    Mesh,
    MeshError,
    Route,
    RouteMatch,
    VirtualNode,
    VirtualRouter,
    VirtualService,
    WeightedTarget,
)
from tests.support.cloudformation import Assembly

Write = Callable[..., Path]

MANIFESTS = Path(__file__).parent.parent / "manifests"


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Return a function that writes files into one folder."""

    def write(**files: Any) -> Path:
        for name, content in files.items():
            (tmp_path / f"{name}.json").write_text(json.dumps(content))
        return tmp_path

    return write


def only(source: Source) -> Mesh:
    (mesh,) = source.meshes
    return mesh


def refusal(*paths: Path) -> str:
    with pytest.raises(MeshError) as caught:
        read_source(paths)
    return str(caught.value)


def manifest(kind: str, name: str, spec: Any, **more: Any) -> dict[str, Any]:
    return {"meshName": "colors", f"{kind}Name": name, "spec": spec, **more}


MESH = {"meshName": "colors", "spec": {}}
LISTENER = {"portMapping": {"port": 80, "protocol": "http"}}
NODE = {"listeners": [LISTENER], "serviceDiscovery": {"dns": {"hostname": "red.example.com"}}}
TO_RED = {"weightedTargets": [{"virtualNode": "red", "weight": 1}]}


# The tutorial


def write_templates(assembly: Assembly, folder: Path) -> Path:
    for name, template in assembly.items():
        (folder / f"{name}.template.json").write_text(json.dumps(template))
    return folder


def test_manifests_of_the_tutorial_and_the_app_declare_the_same_mesh(assembly: Assembly, tmp_path: Path) -> None:
    manifests, app = (
        only(read_source([MANIFESTS])),
        only(read_source([write_templates(assembly, tmp_path)])),
    )
    assert by_name(manifests.cloud_map_services) == by_name(app.cloud_map_services)
    assert replace(manifests, cloud_map_services=()) == replace(app, cloud_map_services=())


def by_name(services: tuple[CloudMapService, ...]) -> list[CloudMapService]:
    return sorted(services, key=lambda service: service.name)


def test_later_manifest_of_a_node_updates_the_earlier() -> None:
    source = read_source([MANIFESTS])
    assert source.notes == ("03h-update-red.json updates what 02a-red-node.json declares",)
    assert [node.name for node in only(source).nodes] == ["red", "blue", "green", "yellow"]
    assert [backend.virtual_service for backend in only(source).node("red").backends] == ["router.colors.local"]


def test_manifests_may_be_given_as_files() -> None:
    files, folder = read_source(sorted(MANIFESTS.iterdir())), read_source([MANIFESTS])
    assert (files.meshes, files.resources, files.notes) == (folder.meshes, folder.resources, folder.notes)


def test_incomplete_tutorial_is_read(tmp_path: Path) -> None:
    shutil.copytree(MANIFESTS, tmp_path, dirs_exist_ok=True, ignore=shutil.ignore_patterns("03*", "04*"))
    mesh = only(read_source([tmp_path]))
    assert [node.name for node in mesh.nodes] == ["red", "blue"]
    assert (mesh.node("red").backends, mesh.routers, mesh.gateways) == ((), (), ())


# Manifests


def test_task_definition_is_ignored(write: Write) -> None:
    folder = write(mesh=MESH, task={"family": "red_node", "containerDefinitions": [{"name": "envoy"}]})
    assert read_source([folder]).meshes == (Mesh(name="colors"),)


def test_tags_owner_and_client_token_of_a_manifest_are_read(write: Write) -> None:
    folder = write(
        mesh={**MESH, "clientToken": "a", "tags": [{"key": "team", "value": "colors"}]},
        service=manifest("virtualService", "red.local", {}, meshOwner="111122223333"),
    )
    assert read_source([folder]).meshes == (
        Mesh(
            name="colors",
            owner="111122223333",
            tags=(("team", "colors"),),
            services=(VirtualService(name="red.local"),),
        ),
    )


def test_routes_of_two_routers_may_share_a_name(write: Write) -> None:
    router = {"listeners": [LISTENER]}
    route = {"httpRoute": {"match": {"prefix": "/"}, "action": TO_RED}}
    folder = write(
        mesh=MESH,
        node=manifest("virtualNode", "red", NODE),
        a=manifest("virtualRouter", "a", router),
        b=manifest("virtualRouter", "b", router),
        a_route=manifest("route", "all", route, virtualRouterName="a"),
        b_route=manifest("route", "all", route, virtualRouterName="b"),
    )
    source = read_source([folder])
    assert source.notes == ()
    assert [[route.name for route in router.routes] for router in only(source).routers] == [["all"], ["all"]]


def test_templates_and_manifests_in_one_folder_are_read_together(write: Write) -> None:
    folder = write(mesh=MESH, service=manifest("virtualService", "red.local", {}))
    (folder / "blue.yaml").write_text(
        "Resources:\n  Blue:\n    Type: AWS::AppMesh::VirtualService\n"
        "    Properties: {MeshName: colors, VirtualServiceName: blue.local, Spec: {}}\n"
    )
    assert [service.name for service in only(read_source([folder])).services] == ["red.local", "blue.local"]


@pytest.mark.parametrize(
    ("namespaces", "count"), [pytest.param([], 0, id="none"), pytest.param(["a.local", "b.local"], 2, id="two")]
)
def test_cloud_map_services_of_an_ambiguous_namespace_are_left_out(
    namespaces: list[str], count: int, write: Write
) -> None:
    service = {"Name": "red", "DnsConfig": {"DnsRecords": [{"Type": "A", "TTL": 60}]}}
    folder = write(mesh=MESH, service=service, **{name: {"Name": name, "Vpc": "vpc-1"} for name in namespaces})
    source = read_source([folder])
    assert only(source).cloud_map_services == ()
    assert source.notes == (f"Cloud Map services left out, because {count} namespaces are declared, not one",)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        pytest.param(
            {"red": manifest("virtualNode", "red", [])},
            "red.json: virtualNode/red.Spec: is not an object, got [] (keys and values)",
            id="spec",
        ),
        pytest.param(
            {"red": {"meshName": "colors", "virtualNodeName": "red"}},
            "red.json: virtualNode/red.Spec: is missing, got None (it is required)",
            id="no-spec",
        ),
        pytest.param(
            {"all": manifest("route", "all", {"httpRoute": {"match": {"prefix": "/"}, "action": TO_RED}})},
            "all.json: virtualRouter/None/route/all.VirtualRouterName: is missing, got None (it is required)",
            id="route-without-router",
        ),
        pytest.param(
            {
                "mesh": MESH,
                "zone": {"Name": "a.local", "Vpc": "a"},
                "red": {"Name": "red", "DnsConfig": {"DnsRecords": [{"Type": "A", "TTL": "a"}]}},
            },
            "red.json: service/red.DnsConfig.DnsRecords[0].TTL: is not an integer, got 'a' (digits)",
            id="dns-ttl",
        ),
    ],
)
def test_invalid_manifest_is_rejected(files: dict[str, Any], message: str, write: Write) -> None:
    assert refusal(write(**files)) == message


@pytest.mark.parametrize(
    ("files", "message"),
    [
        pytest.param(
            {"red": manifest("virtualNode", "red", {"listener": []})},
            "red.json: virtualNode/red.Spec.Listener: is unknown, got 'Listener' (known: BackendDefaults, Backends, "
            "Listeners, Logging, ServiceDiscovery)",
            id="unknown-key",
        ),
        pytest.param(
            {
                "all": manifest(
                    "route", "all", {"httpRoute": {"match": {"prefix": "/"}, "action": TO_RED}}, virtualRouterName="a"
                ),
                "b": manifest("virtualRouter", "b", {"listeners": [LISTENER]}),
            },
            "route 'all': unknown virtual router, got 'a' (known: b)",
            id="route-of-unknown-router",
        ),
        pytest.param(
            {
                "all": manifest(
                    "gatewayRoute",
                    "all",
                    {
                        "httpRoute": {
                            "match": {"prefix": "/"},
                            "action": {"target": {"virtualService": {"virtualServiceName": "red.local"}}},
                        }
                    },
                    virtualGatewayName="a",
                )
            },
            "route 'all': unknown virtual gateway, got 'a' (known: none)",
            id="route-of-unknown-gateway",
        ),
        pytest.param(
            {
                "a": manifest("virtualService", "a.local", {}, meshOwner="111122223333"),
                "b": manifest("virtualService", "b.local", {}, meshOwner="444455556666"),
            },
            "mesh 'colors': has several owners, got ('111122223333', '444455556666') (one account owns a mesh)",
            id="several-owners",
        ),
    ],
)
def test_part_that_has_no_effect_is_left_out(files: dict[str, Any], message: str, write: Write) -> None:
    assert read_source([write(**files)]).left_out == (message,)


def test_file_without_a_mesh_is_rejected(write: Write) -> None:
    folder = write(task={"family": "red_node"}, zone={"Name": "a.local", "Vpc": "vpc-1"})
    fix = "a cloud assembly such as cdk.out, templates, JSON of the AWS CLI, a Terraform state, or a folder of them"
    assert refusal(folder / "task.json") == (
        f"{folder / 'task.json'}: has no template and no JSON of the AWS CLI or Terraform, got 'no resource' ({fix})"
    )
    assert refusal(folder / "zone.json") == (
        f"{folder / 'zone.json'}: declares no mesh, got 'no App Mesh resource' "
        "(add a template, or JSON of the AWS CLI or Terraform, that declares one)"
    )


# Descriptions


def described(kind: str, name: str, spec: Any, resource_owner: str = "111122223333", **more: Any) -> dict[str, Any]:
    """Return the output of ``aws appmesh describe-*``."""
    return {
        kind: {
            "meshName": "colors",
            f"{kind}Name": name,
            "metadata": {
                "arn": f"arn:aws:appmesh:eu-west-1:111122223333:mesh/colors/{kind}/{name}",
                "createdAt": "2024-01-01T00:00:00.000000+00:00",
                "lastUpdatedAt": "2024-01-01T00:00:00.000000+00:00",
                "meshOwner": "111122223333",
                "resourceOwner": resource_owner,
                "uid": "a1b2c3d4-5678-90ab-cdef-11111EXAMPLE",
                "version": 1,
            },
            "spec": spec,
            "status": {"status": "ACTIVE"},
            **more,
        }
    }


def test_descriptions_are_read_without_the_fields_that_aws_adds(write: Write) -> None:
    route = {"httpRoute": {"match": {"prefix": "/"}, "action": TO_RED}, "priority": 1}
    folder = write(
        mesh=described("mesh", "colors", {"egressFilter": {"type": "ALLOW_ALL"}}),
        node=described("virtualNode", "red", {**NODE, "logging": {"accessLog": {"file": {"path": "/dev/stdout"}}}}),
        router=described("virtualRouter", "router", {"listeners": [LISTENER]}),
        route=described("route", "all", route, virtualRouterName="router"),
        service=described(
            "virtualService", "a.local", {"provider": {"virtualRouter": {"virtualRouterName": "router"}}}
        ),
    )
    mesh = only(read_source([folder]))
    assert (mesh.name, mesh.owner, mesh.egress_filter) == ("colors", None, "ALLOW_ALL")
    assert [(node.name, node.access_log) for node in mesh.nodes] == [("red", AccessLog(path="/dev/stdout"))]
    assert mesh.routers == (
        VirtualRouter(
            name="router",
            listeners=(Listener(port=80),),
            routes=(
                Route(
                    name="all",
                    priority=1,
                    match=RouteMatch(prefix="/"),
                    targets=(WeightedTarget(virtual_node="red", weight=1),),
                ),
            ),
        ),
    )
    assert mesh.services == (VirtualService(name="a.local", virtual_router="router"),)


def test_shared_mesh_has_its_owner(write: Write) -> None:
    folder = write(
        mesh=described("mesh", "colors", {}),
        node=described("virtualNode", "red", {}, resource_owner="444455556666"),
    )
    assert read_source([folder]).meshes == (
        Mesh(name="colors", owner="111122223333", nodes=(VirtualNode(name="red", listeners=()),)),
    )


@pytest.mark.parametrize(
    "metadata",
    [
        pytest.param(None, id="none"),
        pytest.param("a", id="text"),
        pytest.param({}, id="empty"),
        pytest.param({"meshOwner": "111122223333", "resourceOwner": "111122223333"}, id="own"),
        pytest.param({"resourceOwner": "111122223333"}, id="no-mesh-owner"),
    ],
)
def test_metadata_may_be_empty(metadata: Any, write: Write) -> None:
    folder = write(mesh={"mesh": {"meshName": "colors", "spec": {}, "metadata": metadata}})
    assert read_source([folder]).meshes == (Mesh(name="colors"),)
