"""Traces and metrics that nobody receives.

`ENABLE_ENVOY_XRAY_TRACING`, `ENABLE_ENVOY_JAEGER_TRACING`, `ENABLE_ENVOY_DATADOG_TRACING` and
`ENABLE_ENVOY_DOG_STATSD` make Envoy send to a daemon or agent in its task. Without such a container, and without the
variable that names another address, everything that Envoy sends is lost.
"""

from collections.abc import Iterator

from color_mesh.analysis.facts import Facts
from color_mesh.analysis.rule import Fault, rule

_COLLECTORS = ("otel", "opentelemetry", "adot")
# Variables that enable an export, each with the variable of another address and with words in images of receivers.
_EXPORTS = {
    "ENABLE_ENVOY_XRAY_TRACING": ("AWS_XRAY_DAEMON_ADDRESS", ("xray", "x-ray", "cloudwatch", *_COLLECTORS)),
    "ENABLE_ENVOY_JAEGER_TRACING": ("JAEGER_TRACER_ADDRESS", ("jaeger", "zipkin", *_COLLECTORS)),
    "ENABLE_ENVOY_DATADOG_TRACING": ("DATADOG_TRACER_ADDRESS", ("datadog", *_COLLECTORS)),
    "ENABLE_ENVOY_DOG_STATSD": ("STATSD_ADDRESS", ("statsd", "datadog", "cloudwatch", *_COLLECTORS)),
}


def check(facts: Facts) -> Iterator[Fault]:
    """Yield the Envoys with an export that no container of their task receives."""
    for place, definition, index, _ in facts.envoys():
        envoy = definition.containers[index]
        others = [each for each in definition.containers if each is not envoy]
        names = " ".join(f"{each.name} {each.image or ''}".lower() for each in others)
        for variable, (address, words) in _EXPORTS.items():
            enabled = str(envoy.environment.get(variable, "0")).lower() in ("1", "true")
            if enabled and address not in envoy.environment and not any(word in names for word in words):
                yield Fault(
                    subject=place,
                    property=f"ContainerDefinitions[{index}].Environment[{variable}]",
                    text="no container of the task receives what Envoy sends",
                    fix=f"add the container of the daemon, or name its address with {address}",
                )


RULE = rule("warning", check, __doc__)
