"""Application load balancers of a run: listeners, rules, redirects and targets, with real Envoys."""

import json
import subprocess
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.balanced_shop import synthesize_shop, write_program
from tests.support.cloudformation import Template, task_definition
from tests.support.local_mesh import LocalMesh, local_mesh

WEBSITE, DOOR_HTTPS, DOOR_HTTP = range(3)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalMesh]:
    assembly = synthesize_shop(tmp_path_factory.mktemp("assembly") / "cdk.out")
    program = write_program(tmp_path_factory.mktemp("program"))
    with local_mesh(assembly, tmp_path_factory.mktemp("run"), *program) as run:
        yield run


def url(shop: LocalMesh, published: int, scheme: str = "http") -> str:
    """Return the URL of a published port, by its number."""
    return f"{scheme}://localhost:{int(shop.url.rpartition(':')[2]) + published}"


def curl(shop: LocalMesh, target: str, *options: str) -> tuple[int, dict[str, str], str]:
    """Return the status, the headers and the body of a response."""
    command = ["curl", "--silent", "--include", "--max-time", "10", "--cacert", ".color-mesh/ca.pem", *options, target]
    completed = subprocess.run(command, cwd=shop.folder, capture_output=True, text=True, check=False)
    assert completed.returncode == 0, (target, completed.stderr, shop.output())
    head, _, body = completed.stdout.replace("\r", "").partition("\n\n")
    status, *lines = head.splitlines()
    return int(status.split()[1]), dict(line.lower().split(": ", 1) for line in lines), body


def request(shop: LocalMesh, path: str, *options: str) -> Any:
    """Return the request that a target of the website's load balancer got."""
    status, _, body = curl(shop, f"{url(shop, WEBSITE)}{path}", *options)
    assert status == 200, (path, status, body)
    return json.loads(body)


@pytest.mark.parametrize(
    ("path", "options", "service"),
    [
        pytest.param("/", (), "website", id="default"),
        pytest.param("/canary/x?a=1", (), "canary", id="path"),
        pytest.param("/canary", (), "website", id="path-without-the-slash"),
        pytest.param("/CANARY/x", (), "website", id="path-in-another-case"),
        pytest.param("/x?/canary/x", (), "website", id="path-in-the-query"),
        pytest.param("/c1", (), "canary", id="one-character"),
        pytest.param("/c12", (), "website", id="two-characters"),
        pytest.param("/", ("--header", "Host: a.CANARY.example"), "canary", id="host"),
        pytest.param("/", ("--header", "Host: a.canary.example:8080"), "canary", id="host-with-a-port"),
        pytest.param("/", ("--header", "Host: a.canary.example.org"), "website", id="another-host"),
        pytest.param("/", ("--request", "POST", "--header", "x-stage: CANary"), "canary", id="header-and-method"),
        pytest.param("/", ("--header", "X-Stage: canary"), "website", id="header-without-the-method"),
        pytest.param("/?a=1&STAGE=canary&b=2", (), "canary", id="query"),
        pytest.param("/?backstage=canary", (), "website", id="query-with-another-key"),
        pytest.param("/?stage=canary2", (), "website", id="query-with-another-value"),
    ],
)
def test_request_goes_where_the_first_rule_that_matches_says(
    shop: LocalMesh, path: str, options: tuple[str, ...], service: str
) -> None:
    assert request(shop, path, *options)["service"] == service


@pytest.mark.parametrize(
    ("path", "host", "status"),
    [
        ("/v12", "api.eu.example", 210),
        ("/v12?a=/x", "API.eu.example:8080", 210),
        ("/v12/x", "api.eu.example", 200),
        ("/x?/v1", "api.eu.example", 200),
        ("/v12", "api.eu.example.org", 200),
    ],
)
def test_regular_expressions_of_conditions_match(shop: LocalMesh, path: str, host: str, status: int) -> None:
    assert curl(shop, f"{url(shop, WEBSITE)}{path}", "--header", f"Host: {host}")[0] == status


def test_target_group_of_https_does_not_validate_certificates(shop: LocalMesh) -> None:
    assert request(shop, "/secure/x")["service"] == "secure"


def test_target_gets_the_host_and_the_headers_of_a_load_balancer(shop: LocalMesh) -> None:
    received = request(shop, "/a?b=1", "--header", "X-Forwarded-For: 203.0.113.7", "--header", "X-Forwarded-Port: 7")
    assert received["path"] == "/a?b=1"
    assert {name: received["headers"][name] for name in sorted(received["headers"])} == {
        "accept": "*/*",
        "host": url(shop, WEBSITE).removeprefix("http://"),
        "user-agent": received["headers"]["user-agent"],
        "x-forwarded-for": "203.0.113.7,198.51.100.1",
        "x-forwarded-port": "80",
        "x-forwarded-proto": "http",
    }


def test_source_of_the_connection_selects_a_rule(shop: LocalMesh) -> None:
    status, headers, body = curl(shop, f"{url(shop, WEBSITE)}/from-outside", "--header", "X-Forwarded-For: 10.0.0.1")
    assert (status, headers["content-type"], headers["server"], body) == (
        202,
        "application/json",
        "awselb/2.0",
        '{"a": 1}',
    )
    address = next(each["address"] for each in shop.status()["balancers"] if each["name"] == "website")
    inside = shop.execute("canary", "curl", "--silent", "--write-out", "%{http_code}", f"http://{address}/from-outside")
    assert inside.stdout == "203"


def test_redirect_is_made_of_parts_of_the_url(shop: LocalMesh) -> None:
    target = f"{url(shop, WEBSITE)}/old/a%20b?c=%23"
    status, headers, _ = curl(shop, target, "--header", "Host: shop.example:8080")
    assert (status, headers["location"]) == (302, "https://new.shop.example:443/new/old/a%20b?a=1&c=%23")


def test_weights_divide_the_requests(shop: LocalMesh) -> None:
    services = Counter(request(shop, "/half")["service"] for _ in range(60))
    assert min(services.values()) > 10
    assert services.keys() == {"website", "canary"}


def test_rule_of_a_function_is_named_and_answers_503(shop: LocalMesh) -> None:
    status, _, body = curl(shop, f"{url(shop, WEBSITE)}/function")
    assert status == 503
    assert "does not run here" in body
    assert "FunctionTargets9CF91710.TargetType: does not run here, got 'lambda' (ip)" in shop.output()


@pytest.mark.parametrize(("path", "status"), [("/close", 502), ("/?wait=8", 504)])
def test_target_that_does_not_respond_is_an_error_of_the_gateway(shop: LocalMesh, path: str, status: int) -> None:
    assert curl(shop, f"{url(shop, WEBSITE)}{path}")[0] == status


class TestGateway:
    def test_https_has_a_certificate_of_the_run(self, shop: LocalMesh) -> None:
        status, _, body = curl(shop, f"{url(shop, DOOR_HTTPS, 'https')}/x")
        assert (status, json.loads(body)["service"]) == (200, "orders")
        assert json.loads(body)["headers"]["x-forwarded-proto"] == "https"

    def test_certificate_has_the_domain_names_of_the_templates(self, shop: LocalMesh) -> None:
        port = url(shop, DOOR_HTTPS).rpartition(":")[2]
        resolve = ("--resolve", f"shop.example:{port}:127.0.0.1")
        assert curl(shop, f"https://shop.example:{port}/", *resolve)[0] == 200

    def test_http_is_redirected_to_the_published_port_of_https(self, shop: LocalMesh) -> None:
        status, headers, _ = curl(shop, f"{url(shop, DOOR_HTTP)}/a?b")
        assert (status, headers["location"]) == (301, f"{url(shop, DOOR_HTTPS, 'https')}/a?b")

    def test_http_is_redirected_to_the_port_of_https_in_the_vpc(self, shop: LocalMesh) -> None:
        status, headers, _ = curl(shop, f"{url(shop, DOOR_HTTP)}/a", "--header", "Host: shop.example")
        assert (status, headers["location"]) == (301, "https://shop.example:443/a")


def test_address_of_each_listener_is_printed(shop: LocalMesh) -> None:
    for line in (
        f"website: HTTP 80 at {url(shop, WEBSITE)}",
        f"door: HTTPS 443 at {url(shop, DOOR_HTTPS, 'https')}",
        f"door: HTTP 80 at {url(shop, DOOR_HTTP)}",
    ):
        assert line in shop.output()


def test_dns_name_of_a_load_balancer_leads_to_it(shop: LocalMesh) -> None:
    response = shop.execute("website", "sh", "-c", 'curl --silent "$INTERNAL/x"').stdout
    received = json.loads(response)
    assert (received["service"], received["headers"]["x-forwarded-port"]) == ("canary", "8000")
    assert "HTTP 8000 at 10.0." in shop.output()


def test_changed_rules_take_effect_in_the_running_load_balancer(shop: LocalMesh) -> None:
    def send_all_to_the_canary(template: Template) -> None:
        rules = [each["Properties"] for each in template["Resources"].values() if each["Type"].endswith("ListenerRule")]
        half = next(each for each in rules if "ForwardConfig" in each["Actions"][0])
        for group, weight in zip(half["Actions"][0]["ForwardConfig"]["TargetGroups"], (0, 1), strict=True):
            group["Weight"] = weight

    before = next(each["pid"] for each in shop.status()["balancers"] if each["name"] == "website")
    shop.change("Shop", send_all_to_the_canary)
    shop.wait_for_output("the new templates are in effect")
    assert {request(shop, "/half")["service"] for _ in range(20)} == {"canary"}
    assert before == next(each["pid"] for each in shop.status()["balancers"] if each["name"] == "website")


def test_requests_of_a_task_end_before_it_stops(shop: LocalMesh) -> None:
    def change_task(template: Template) -> None:
        (container,) = task_definition(template, "ShopCanaryTasks8FA386E0")["ContainerDefinitions"]
        container["Environment"].append({"Name": "VERSION", "Value": "2"})

    before = shop.tasks("canary")[0]["id"]
    target = f"{url(shop, WEBSITE)}/c1?wait=1.5"
    # The requests overlap: at any time there is one that began before.
    requests = [
        f"sleep {number * 0.4}; curl --silent --max-time 10 --write-out '%{{http_code}} ' -o /dev/null '{target}'"
        for number in range(30)
    ]
    script = "\n".join(f"({each}) &" for each in requests)
    with subprocess.Popen(["sh", "-c", f"{script}\nwait"], stdout=subprocess.PIPE, text=True) as load:
        shop.change("Shop", change_task)
        shop.wait_until(
            lambda: shop.tasks("canary")[0]["id"] != before and len(shop.tasks("canary")) == 1, "the task is replaced"
        )
        output, _ = load.communicate(timeout=30)
    assert Counter(output.split()) == {"200": 30}


def test_templates_that_would_leave_out_a_running_service_are_refused(shop: LocalMesh) -> None:
    file = shop.assembly / "Shop.template.json"
    before = file.read_text()
    file.write_text(before.replace('"example/echo"', '"example/unknown"', 1))
    shop.wait_for_output("the new templates cannot run, the mesh goes on as it was")
    shop.wait_for_output("no program runs in place of the image, got 'example/unknown'")
    assert request(shop, "/")["service"] == "website"
    file.write_text(before)
