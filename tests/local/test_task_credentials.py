"""Credentials of tasks."""

import asyncio
import json
from ipaddress import IPv4Address
from typing import Any

from color_mesh.local.run.aws.credentials import LIFETIME_SECONDS, CredentialStore
from color_mesh.local.run.aws.http_server import HttpRequest

RED, BLUE = IPv4Address("10.0.0.4"), IPv4Address("10.0.0.5")
ROLE = "arn:aws:iam::123456789012:role/Red"


def requested(store: CredentialStore, client: IPv4Address, path: str) -> tuple[int, Any]:
    """Request credentials, and return the status and the document."""
    request = HttpRequest(client=client, method="GET", target=path, headers={}, body=b"")
    response = asyncio.run(store.respond(request))
    return response.status, json.loads(response.body)


def test_task_gets_credentials_of_its_role() -> None:
    store = CredentialStore(lambda: 0.0)
    status, document = requested(store, RED, store.add("red", ROLE, lambda: RED))
    assert (status, document["RoleArn"], document["Expiration"]) == (200, ROLE, "1970-01-01T06:00:00Z")
    credentials = store.look_up(document["AccessKeyId"])
    assert credentials is not None
    assert (credentials.task, credentials.secret_access_key) == ("red", document["SecretAccessKey"])
    assert credentials.token == document["Token"]


def test_credentials_are_not_given_to_another_task() -> None:
    store = CredentialStore()
    red = store.add("red", ROLE, lambda: RED)
    blue = store.add("blue", ROLE, lambda: BLUE)
    assert requested(store, BLUE, red)[0] == requested(store, RED, blue)[0] == 404
    assert requested(store, RED, "/v2/credentials/")[0] == requested(store, RED, f"{red}?x")[0] == 404


def test_tasks_of_a_role_have_credentials_of_their_own() -> None:
    store = CredentialStore()
    red = requested(store, RED, store.add("red", ROLE, lambda: RED))[1]
    blue = requested(store, BLUE, store.add("blue", ROLE, lambda: BLUE))[1]
    assert red["AccessKeyId"] != blue["AccessKeyId"]
    assert red["Token"] != blue["Token"]


def test_credentials_are_renewed_before_they_expire_and_stay_valid_until_then() -> None:
    now = [0.0]
    store = CredentialStore(lambda: now[0])
    path = store.add("red", ROLE, lambda: RED)
    first = requested(store, RED, path)[1]
    now[0] = LIFETIME_SECONDS - 3600
    assert requested(store, RED, path)[1] == first
    now[0] += 1
    second = requested(store, RED, path)[1]
    assert second["AccessKeyId"] != first["AccessKeyId"]
    assert store.look_up(first["AccessKeyId"]) is not None


def test_credentials_of_a_stopped_task_are_invalid() -> None:
    store = CredentialStore()
    path = store.add("red", ROLE, lambda: RED)
    document = requested(store, RED, path)[1]
    store.remove("red")
    assert store.look_up(document["AccessKeyId"]) is None
    assert requested(store, RED, path)[0] == 404
