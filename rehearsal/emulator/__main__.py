"""Run the emulator on the port of ``AWS_ENDPOINT_URL``, which its resource types call too."""

import os
from urllib.parse import urlsplit

from moto.server import main

from rehearsal.emulator import (
    app_mesh,
    certificates,
    cloud_map,
    data_stores,
    dns,
    ecs,
    engine,
    load_balancers,
    log_groups,
    network,
    scaling,
    security_groups,
    stacks,
    state_machines,
    virtual_services,
)
from rehearsal.emulator.resource_types import register

MODULES = (
    app_mesh,
    certificates,
    cloud_map,
    data_stores,
    dns,
    ecs,
    load_balancers,
    log_groups,
    network,
    scaling,
    security_groups,
    state_machines,
)


def serve() -> None:
    """Register the resource types and run the server."""
    virtual_services.register()
    register({each.name: each for module in MODULES for each in module.RESOURCE_TYPES})
    cloud_map.install()
    state_machines.install()
    engine.install()
    stacks.install()
    main(["--port", str(urlsplit(os.environ["AWS_ENDPOINT_URL"]).port)])


if __name__ == "__main__":
    serve()
