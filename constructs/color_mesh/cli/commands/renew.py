"""``color-mesh renew``: replace certificates of the running mesh by new ones."""

import argparse

from color_mesh.local.client.connection import request
from color_mesh.report import columns

_HEADINGS = ("CERTIFICATE", "NAMES", "EXPIRES")


def run(options: argparse.Namespace) -> int:
    """Run the command."""
    renewed = request({"command": "renew", "name": options.name, "days": options.days})["renewed"]
    print(columns([_HEADINGS, *((each["arn"], each["names"], each["expires"]) for each in renewed)]))
    return 0
