"""Default names of the parts of a mesh."""

import re
from hashlib import sha256

from constructs import Construct

_MAX_LENGTH = 63  # length of a label in DNS (RFC 1035)


def default_name(scope: Construct, construct_id: str) -> str:
    """Return the default name of a construct: unique in the app, and valid as a label in DNS.

    The name is derived from the path, so that it is known before the construct is created and can be validated first.

    Args:
        scope: Scope of the construct.
        construct_id: Construct id.
    """
    path = f"{scope.node.path}/{construct_id}"
    name = re.sub(r"[^A-Za-z0-9]+", "-", path).strip("-")
    if len(name) > _MAX_LENGTH or not re.fullmatch(r"[A-Za-z0-9/]+", path):
        # Two paths may differ only in the characters that were cut or replaced.
        digest = sha256(path.encode()).hexdigest()[:8]
        name = f"{name[-(_MAX_LENGTH - 9) :].strip('-')}-{digest}".strip("-")
    return name
