"""Serve the emulator on the port of ``AWS_ENDPOINT_URL``, which the emulator itself calls too."""

import os
from urllib.parse import urlsplit

from moto.server import main

from rehearsal.emulator import (
    app_mesh,
    cloud_map,
    dns,
    ecs,
    engine,
    load_balancers,
    log_groups,
    network,
    security_groups,
    stacks,
    virtual_services,
)
from rehearsal.emulator.kinds import register

SUPPLIED = (app_mesh, cloud_map, dns, ecs, load_balancers, log_groups, network, security_groups)


def serve() -> None:
    """Supply what moto lacks, then serve."""
    virtual_services.register()
    register({kind.type: kind for module in SUPPLIED for kind in module.KINDS})
    engine.install()
    stacks.install()
    main(["--port", str(urlsplit(os.environ["AWS_ENDPOINT_URL"]).port)])


if __name__ == "__main__":
    serve()
