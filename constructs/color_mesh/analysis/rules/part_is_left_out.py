"""Part of the source that is left out or changed.

App Mesh accepted parts that have no effect, or none that is defined: a target whose node listens with another
protocol, a gateway route to a TCP service, two routes for the same requests, a name that is declared twice, a
property that it does not know. They are left out, or put in an order, and everything else of the mesh is read as if
they were not there.
"""

from collections.abc import Iterator

from color_mesh.analysis.facts import Facts
from color_mesh.analysis.rule import Fault, rule


def check(facts: Facts) -> Iterator[Fault]:
    """Yield the messages of the reading."""
    for message in facts.left_out:
        subject, _, text = message.partition(": ")
        file, _, rest = text.partition(": ")
        if subject.endswith((".json", ".tfstate", ".yaml", ".yml", ".template")):
            subject, text = f"{subject}: {file}", rest
        text, _, fix = text.rpartition(" (")
        yield Fault(subject=subject, property="", text=text, fix=fix.removesuffix(")"))


RULE = rule("error", check, __doc__)
