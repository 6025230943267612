"""How upstream Envoy's image is run in a task: what starts it, how it is asked whether it is well, how it ends."""

from color_mesh.envoy.document import COMPRESSED
from color_mesh.model import ContainerHealthCheck

# The image has bash and neither curl nor wget; bash itself opens connections.
_ASK = r"printf '%s %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'"
READY = ContainerHealthCheck(
    command=("CMD", "bash", "-c", f"exec 3<>/dev/tcp/127.0.0.1/9901 && {_ASK} GET /ready >&3 && grep -q LIVE <&3"),
    interval_seconds=5,
    timeout_seconds=2,
    retries=3,
    start_period_seconds=10,
)


# Requests, and connections of tcp: Envoy counts these where they lead to, in clusters named as `color_mesh.envoy.names`
# has it. Without a space or a sign that a URL has a meaning for.
_UNDER_WAY = r"^(http\.(in|e)gress.*rq_active|cluster\.cds_.*_tcp_[0-9].*upstream_cx_active)$"


def run_envoy(drain_seconds: int, *, workers: int) -> list[str]:
    """Write the entry point of an Envoy whose arguments are its configuration, in lines of JSON or compressed.

    ECS tells it to stop with SIGTERM, on which Envoy would end at once, and with it whatever it was answering. So bash
    stands before it and lets it drain: for ``drain_seconds`` it takes connections and tells them to close, then it
    takes none, answers the last requests, and waits until nothing that it passes on as tcp is open. ECS ends it after
    the container's stop timeout.
    """
    options = (
        f"--concurrency {workers} --disable-hot-restart --file-flush-interval-msec 1000 "
        f"--drain-time-s {drain_seconds} --drain-strategy immediate"
    )
    script = f"""\
ask() {{
  exec 3<>/dev/tcp/127.0.0.1/9901 && {_ASK} "$1" "$2" >&3 && cat <&3
}}
drain() {{
  trap '' TERM
  ask POST '/drain_listeners?graceful' >/dev/null
  sleep {drain_seconds}
  while ask GET '/stats?filter={_UNDER_WAY}' | grep -q ': [1-9]'; do sleep 0.1; done
  kill "$envoy"
  wait "$envoy"
  exit 0
}}
[[ $1 == {COMPRESSED} ]] && set -- "$(base64 -d <<<"$2" | gzip -d)"
envoy --config-yaml "$*" {options} &
envoy=$!
trap drain TERM
wait "$envoy"
"""
    return ["bash", "-c", script, "envoy"]
