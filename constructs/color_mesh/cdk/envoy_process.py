"""Start, health check and graceful shutdown of upstream Envoy's image in a task."""

from collections.abc import Sequence

from color_mesh.cdk.placeholders import placeholder
from color_mesh.envoy.aws.certificates import CERTIFICATE_APIS
from color_mesh.envoy.aws.cloud_map import CLUSTER
from color_mesh.envoy.aws.signed_cluster import REGION, URL_SUFFIX
from color_mesh.envoy.document import COMPRESSED
from color_mesh.envoy.edge import READY_KEY
from color_mesh.model import ContainerHealthCheck

# The image has bash, but neither curl nor wget. Bash can open connections itself.
_REQUEST = r"printf '%s %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'"
# Envoy does not wait for the first answers of AWS, so the check does. The version of a cluster's endpoints is empty
# until they are known. A runtime layer with weights has a slash in its name, and then a key of that name. Shares of tcp
# routes are shown as text with slashes, too, but with spaces. Bash does all of it: a check runs every few seconds, and
# starting other programs takes several times its CPU time.
READY_SCRIPT = f"""\
ask() {{
  exec 3<>/dev/tcp/127.0.0.1/9901 || exit 1
  {_REQUEST} GET "$1" >&3
  read -rN 10000000 answer <&3
}}
ask /ready
[[ $answer == *LIVE* ]] || exit 1
ask '/stats?filter=^cluster\\.cds_egress_.*\\.version_text$'
[[ $answer == *': ""'* ]] && exit 1
ask /runtime
missing=0
while [[ $answer =~ '"'[^'" ']*/[^'" ']*'"'(': {{')? ]]; do
  ((missing += ${{#BASH_REMATCH[1]}} ? -1 : 1))
  answer=${{answer#*"${{BASH_REMATCH[0]}}"}}
done
((missing == 0))
"""
# The same with certificates of AWS, whose names are ARNs: the version of each is empty until Envoy has it.
_CERTIFICATES = """\
ask '/stats?filter=^sds\\.arn_.*\\.version_text$'
[[ $answer == *': ""'* ]] && exit 1
"""
READY_SCRIPT_WITH_CERTIFICATES = READY_SCRIPT.replace("ask /runtime", f"{_CERTIFICATES}ask /runtime", 1)
READY = ContainerHealthCheck(
    command=("CMD", "bash", "-c", READY_SCRIPT),
    interval_seconds=5,
    timeout_seconds=2,
    retries=3,
    start_period_seconds=10,
)

# Bash function: an application listens on a port. /proc/net lists the sockets of all containers of the task. State 0A
# is a listening socket. The application listens on all addresses, on 127.0.0.1, or on an IPv6 address. Envoy listens on
# other addresses for backends, possibly on the same port.
LISTENS = """\
listens() {
  grep -qsE " (00000000|0100007F|[0-9A-F]{32}):$(printf %04X "$1") 0+:0000 0A" /proc/net/tcp /proc/net/tcp6
}"""

# Statistics of active requests, and of active TCP connections. Envoy counts the latter in the upstream clusters, which
# `color_mesh.envoy.names` names. The expressions have no space and no character that is reserved in a URL.
_ACTIVE_STATISTICS = r"^(http\.(in|e)gress.*rq_active|cluster\.cds_.*_tcp_[0-9].*upstream_cx_active)$"
# Statistics of the connections from an application to its Envoy.
_APPLICATION_STATISTICS = r"^(http\.egress\.downstream_cx_active|cluster\.cds_egress_.*_tcp_[0-9].*upstream_cx_active)$"

# Statistic of the addresses of Cloud Map's endpoint. Without one, the filter that reports failed calls sees no call.
_ENDPOINT_STATISTIC = rf"^cluster\.{CLUSTER}\.membership_total$"
_CERTIFICATES_STATISTIC = rf"^cluster\.({'|'.join(api.cluster for api in CERTIFICATE_APIS)})\.membership_total$"


# Resource attributes of the task, in the names of OpenTelemetry's semantic conventions. HTTP/1.0 has no body in chunks.
# ECS Developer Guide, *Amazon ECS task metadata endpoint version 4*. Without it, the hostname names the task.
_DESCRIBE_TASK = r"""
attributes=service.instance.id=$HOSTNAME
if [[ $ECS_CONTAINER_METADATA_URI_V4 =~ ^http://([^/:]+):?([0-9]*)(/.*)$ ]]; then
  match=("${BASH_REMATCH[@]}")
  task=$(
    exec 3<>"/dev/tcp/${match[1]}/${match[2]:-80}" &&
      printf 'GET %s/task HTTP/1.0\r\nHost: %s\r\n\r\n' "${match[3]}" "${match[1]}" >&3 && timeout 2 cat <&3
  )
  if [[ $task =~ \"TaskARN\":\ *\"(arn:[^:\"]+:ecs:([^:\"]+):[^\"]+/([^/\"]+))\" ]]; then
    attributes="service.instance.id=${BASH_REMATCH[3]},aws.ecs.task.arn=${BASH_REMATCH[1]},cloud.provider=aws"
    attributes+=",cloud.platform=aws_ecs,cloud.region=${BASH_REMATCH[2]}"
  fi
  [[ $task =~ \"AvailabilityZone\":\ *\"([^\"]+)\" ]] && attributes+=",cloud.availability_zone=${BASH_REMATCH[1]}"
fi
export OTEL_RESOURCE_ATTRIBUTES=$attributes
"""


def run_envoy(
    drain_seconds: int,
    *,
    workers: int,
    app_ports: Sequence[int] | None,
    region: str,
    url_suffix: str,
    describes_task: bool = False,
    values: Sequence[str] = (),
    certificates: bool = False,
) -> list[str]:
    """Render the entry point of an Envoy whose arguments are its configuration, in lines of JSON or compressed.

    ECS stops a container with SIGTERM, on which Envoy would exit at once and abort the requests in progress. Bash
    therefore starts Envoy and drains it on SIGTERM: Envoy accepts no connections any more, and finishes the requests in
    progress and the open TCP connections. ECS kills it after the stop timeout of the container.

    Without an application, Envoy first accepts connections for ``drain_seconds`` and asks clients to close them. Beside
    an application, it first waits for its end: until nothing listens on its ports, and it has no connection to Envoy.
    ECS stops the application before Envoy, but nothing depends on that. Then callers are refused, so that they send
    their requests to other tasks.

    Envoy receives its configuration through a pipe, since Linux limits an argument to 128 KiB. The file system is
    read-only, so the script has no here-strings: bash writes long ones to a file.

    The drained Envoy is killed, after its access log is written: with SIGTERM it may crash while a call of AWS is in
    progress, because it closes the Lua filter before the call.

    Args:
        drain_seconds: Time in which an Envoy without an application still accepts connections.
        workers: Number of worker threads.
        app_ports: Ports of the application. ``None``: there is no application, as in a gateway.
        region: Region of the endpoints of AWS.
        url_suffix: Domain of the endpoints of AWS, such as ``amazonaws.com``.
        describes_task: Set the resource attributes of telemetry.
        values: Values of the placeholders in the configuration.
        certificates: Envoy has certificates of AWS.
    """
    before = _fill_in(len(values)) + (_DESCRIBE_TASK if describes_task else "")
    reports = _report_without_address("Cloud Map DiscoverInstances", _ENDPOINT_STATISTIC)
    if certificates:
        reports += _report_without_address("API for certificates", _CERTIFICATES_STATISTIC)
    options = (
        f"--concurrency {workers} --disable-hot-restart --file-flush-interval-msec 1000 "
        f"--drain-time-s {drain_seconds} --drain-strategy immediate "
        # A warning for each call of AWS that fails. The Lua filter logs one line a minute, with the reason.
        "--component-log-level config:error"
    )
    script = f"""\
region=$1 url_suffix=$2
{_take_values(len(values))}shift {2 + len(values)}
ask() {{
  exec 3<>/dev/tcp/127.0.0.1/9901 && {_REQUEST} "$1" "$2" >&3 && cat <&3
}}
{_stop_accepting(drain_seconds) if app_ports is None else _wait_for_the_application(app_ports)}
drain() {{
  trap '' TERM
  stop_accepting
  while ask GET '/stats?filter={_ACTIVE_STATISTICS}' | grep -q ': [1-9]'; do sleep 0.1; done
  sleep 1
  kill -KILL "$envoy"
  wait "$envoy" 2>/dev/null
  exit 0
}}
[[ $1 == {COMPRESSED} ]] && set -- "$(printf %s "$2" | base64 -d | gzip -d)"
{before.lstrip()}exec 3< <(printf %s "$*")
envoy --config-path /dev/fd/3 {options} &
envoy=$!
exec 3<&-
{reports}{_answer_health_checks() if app_ports is None else ""}trap drain TERM
wait "$envoy"
"""
    return ["bash", "-c", script, "envoy", region, url_suffix, *values]


def _report_without_address(call: str, statistic: str) -> str:
    """Render what logs once a minute that the host name of an API has no address."""
    return f"""\
seconds=5
while sleep $seconds && ask GET '/stats?filter={statistic}' | grep -q ': 0'; do
  echo '{call}: the host name has no address; the task waits for the first answer'
  seconds=60
done &
"""


def _take_values(count: int) -> str:
    return f'values=("${{@:3:{count}}}")\n' if count else ""


def _fill_in(count: int) -> str:
    """Render what replaces the placeholders in the configuration."""
    values = (f'configuration=${{configuration//{placeholder(each)}/"${{values[{each}]}}"}}\n' for each in range(count))
    return f"""
configuration=$*
configuration=${{configuration//{REGION}/"$region"}}
configuration=${{configuration//{URL_SUFFIX}/"$url_suffix"}}
{"".join(values)}set -- "$configuration"
"""


def _answer_health_checks() -> str:
    """Let a gateway answer the health checks of load balancers when Envoy has the first answers of AWS."""
    return f"""\
ready() (
{READY_SCRIPT_WITH_CERTIFICATES})
{{
  until ready; do kill -0 "$envoy" && sleep 0.2 || exit; done
  ask POST '/runtime_modify?{READY_KEY}=100'
}} >/dev/null 2>&1 &
"""


def _stop_accepting(drain_seconds: int) -> str:
    return f"""\
stop_accepting() {{
  ask POST '/drain_listeners?graceful' >/dev/null
  sleep {drain_seconds}
}}"""


def _wait_for_the_application(app_ports: Sequence[int]) -> str:
    return f"""\
{LISTENS}
runs() {{
  local port
  for port in {" ".join(map(str, app_ports))}; do listens "$port" && return 0; done
  ask GET '/stats?filter={_APPLICATION_STATISTICS}' | grep -q ': [1-9]'
}}
stop_accepting() {{
  while runs; do sleep 0.2; done
  ask POST '/drain_listeners' >/dev/null
}}"""
