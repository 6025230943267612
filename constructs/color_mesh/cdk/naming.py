"""Names for what the user gave no name."""

import re

from aws_cdk import Names
from constructs import Construct

_DNS_LABEL_LENGTH = 63


def default_name(scope: Construct, construct_id: str) -> str:
    """Make a name for the construct ``construct_id`` in ``scope``, unique in the app and short enough for DNS.

    It is known before the construct exists, so that everything can be checked first.
    """
    own = re.sub(r"[^A-Za-z0-9-]", "", construct_id)[: _DNS_LABEL_LENGTH // 2].strip("-")
    path = Names.unique_resource_name(scope, max_length=_DNS_LABEL_LENGTH - len(own) - 1, separator="-")
    return f"{path}-{own}".strip("-")
