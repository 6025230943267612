"""The examples run on this machine, with the programs that their color-mesh.json names."""

import json
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest
from aws_cdk import App

from color_mesh.cli.images import read_file
from examples.existing_network.app import ReportsStack
from examples.existing_service.app import ShopStack as ExistingShopStack
from examples.existing_service.app import add_mesh
from examples.json_web_tokens.app import ShopStack as TokensStack
from examples.two_apps.reservations.app import ReservationsStack
from examples.two_apps.shop.app import ShopStack as MeshStack
from examples.two_services.app import ShopStack as TwoServicesStack
from tests.support.local_mesh import ROOT, ask_often, local_mesh

EXAMPLES = ROOT / "examples"


@pytest.fixture
def run_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "run"
    folder.mkdir()
    return folder


def synthesize(app_folder: Path, out: Path, declare: Callable[[App], object]) -> Path:
    """Synthesize an example with the context of its cdk.json."""
    context = json.loads((app_folder / "cdk.json").read_text())["context"]
    app = App(outdir=str(out), context=context, builtin_cloud_formation_validation=False)
    declare(app)
    app.synth()
    check_health_often(out)
    return out


def check_health_often(assembly: Path) -> None:
    """Let load balancers check their targets every second, so that the tests are short."""
    for path in assembly.glob("*.template.json"):
        template = json.loads(path.read_text())
        for resource in template["Resources"].values():
            if resource["Type"] == "AWS::ElasticLoadBalancingV2::TargetGroup":
                resource["Properties"]["HealthCheckIntervalSeconds"] = 1
                resource["Properties"]["HealthCheckTimeoutSeconds"] = 1
        path.write_text(json.dumps(template))


def programs(example: str) -> list[str]:
    """Return the options for the programs that run in place of an example's images."""
    commands = read_file(EXAMPLES / example / "color-mesh.json")
    return [word for name, command in commands.items() for word in ("--image", f"{name}={shlex.join(command)}")]


def test_existing_service_is_answered_by_all_services(tmp_path: Path, run_folder: Path) -> None:
    def declare(app: App) -> None:
        add_mesh(ExistingShopStack(app, "ShopStack"))

    assembly = synthesize(EXAMPLES / "existing_service", tmp_path / "cdk.out", declare)
    database = ("--set", "DatabaseB269D8BB.Endpoint.Address=127.0.0.1")
    with local_mesh(assembly, run_folder, *programs("existing_service"), *database) as run:
        assert run.get("/") == "website(catalogue, orders(catalogue))"


def test_two_apps_share_the_requests_of_a_route(tmp_path: Path, run_folder: Path) -> None:
    folder = EXAMPLES / "two_apps"
    shop = synthesize(folder / "shop", tmp_path / "shop", lambda app: MeshStack(app, "Shop"))
    reservations = synthesize(
        folder / "reservations", tmp_path / "reservations", lambda app: ReservationsStack(app, "Reservations")
    )
    ask_often(reservations)
    with local_mesh(shop, run_folder, *programs("two_apps"), "cdk.out", str(reservations)) as run:
        answers = {run.get("/") for _ in range(40)}
        assert answers == {"reservations(stock)", "reservations(next-stock)"}


def test_two_services_call_each_other(tmp_path: Path, run_folder: Path) -> None:
    assembly = synthesize(
        EXAMPLES / "two_services", tmp_path / "cdk.out", lambda app: TwoServicesStack(app, "ShopStack")
    )
    with local_mesh(assembly, run_folder, *programs("two_services")) as run:
        assert run.curl("GatewayTaskServiceFB3500D4", "http://localhost") == "shop(stock)"


def test_gateway_answers_requests_without_a_token_with_401(tmp_path: Path, run_folder: Path) -> None:
    assembly = synthesize(EXAMPLES / "json_web_tokens", tmp_path / "cdk.out", lambda app: TokensStack(app, "ShopStack"))
    with local_mesh(assembly, run_folder, *programs("json_web_tokens")) as run:
        assert "401" in run.get("/")
        assert run.get("/.well-known/gateway-health") == ""


def test_service_in_an_existing_network_runs_without_its_registration(tmp_path: Path, run_folder: Path) -> None:
    assembly = synthesize(
        EXAMPLES / "existing_network", tmp_path / "cdk.out", lambda app: ReportsStack(app, "ReportsStack")
    )
    with local_mesh(assembly, run_folder, *programs("existing_network")) as run:
        assert "no template declares the namespace, got 'reports'" in run.output()
        assert run.curl("reports", "http://localhost") == "reports"
