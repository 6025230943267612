"""The App Mesh API of virtual services, which moto lacks."""

import json
from typing import Any
from uuid import uuid4

from moto.appmesh import urls
from moto.appmesh.exceptions import MeshError
from moto.appmesh.models import AppMeshBackend
from moto.appmesh.responses import AppMeshResponse

PATH = "{0}/v20190125/meshes/(?P<meshName>[^/]+)/virtualServices"
Services = dict[str, dict[str, Any]]


def register() -> None:
    """Add the operations to moto's App Mesh."""
    urls.url_paths[f"{PATH}$"] = AppMeshResponse.dispatch
    urls.url_paths[f"{PATH}/(?P<virtualServiceName>[^/]+)$"] = AppMeshResponse.dispatch
    AppMeshResponse.create_virtual_service = _create
    AppMeshResponse.update_virtual_service = _update
    AppMeshResponse.describe_virtual_service = _describe
    AppMeshResponse.delete_virtual_service = _delete
    AppMeshResponse.list_virtual_services = _list_all


def _create(request: Any) -> str:
    parameters = json.loads(request.body)
    name, services = parameters["virtualServiceName"], _services(request)
    if name in services:
        raise MeshError("ConflictException", f"There is already a virtual service named {name}.")
    mesh = request._get_param("meshName")
    owner = request.current_account
    arn = f"arn:aws:appmesh:{request.region}:{owner}:mesh/{mesh}/virtualService/{name}"
    services[name] = {
        "meshName": mesh,
        "virtualServiceName": name,
        "spec": parameters["spec"],
        "status": {"status": "ACTIVE"},
        "metadata": {"arn": arn, "uid": str(uuid4()), "meshOwner": owner, "resourceOwner": owner, "version": 1},
    }
    return json.dumps(services[name])


def _update(request: Any) -> str:
    service = _virtual_service(request)
    service["spec"] = json.loads(request.body)["spec"]
    service["metadata"]["version"] += 1
    return json.dumps(service)


def _describe(request: Any) -> str:
    return json.dumps(_virtual_service(request))


def _delete(request: Any) -> str:
    return json.dumps(_services(request).pop(_virtual_service(request)["virtualServiceName"]))


def _list_all(request: Any) -> str:
    listed = [{**service["metadata"], "virtualServiceName": name} for name, service in _services(request).items()]
    return json.dumps({"virtualServices": listed})


def _services(request: Any) -> Services:
    backend: AppMeshBackend = request.appmesh_backend
    mesh = backend.describe_mesh(mesh_name=request._get_param("meshName"), mesh_owner=None)
    services: Services = mesh.__dict__.setdefault("virtual_services", {})
    return services


def _virtual_service(request: Any) -> dict[str, Any]:
    name = request._get_param("virtualServiceName")
    if name not in _services(request):
        raise MeshError("NotFoundException", f"There is no virtual service named {name}.")
    return _services(request)[name]
