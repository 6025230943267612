"""Names for what the user gave no name."""

import re
from hashlib import sha256

from constructs import Construct

_LENGTH = 63  # a DNS label's


def default_name(scope: Construct, construct_id: str) -> str:
    """Make a name for the construct ``construct_id`` in ``scope``, unique in the app and fit for a DNS label.

    It is known before the construct exists, so that everything can be checked first.
    """
    path = f"{scope.node.path}/{construct_id}"
    name = re.sub(r"[^A-Za-z0-9]+", "-", path).strip("-")
    if len(name) > _LENGTH or not re.fullmatch(r"[A-Za-z0-9/]+", path):
        # What was cut or replaced may have been all that told two paths apart.
        digest = sha256(path.encode()).hexdigest()[:8]
        name = f"{name[-(_LENGTH - 9) :].strip('-')}-{digest}".strip("-")
    return name
