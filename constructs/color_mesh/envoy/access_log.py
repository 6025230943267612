"""Access logs."""

from dataclasses import replace

from color_mesh.envoy.typed import FILE_ACCESS_LOG, Json, extension
from color_mesh.model import AccessLog

# Envoy's default format with the address of the client in place of X-Forwarded-For: requests that Envoy rejects early
# still have that of the client.
_CLIENT_FORMAT = (
    '[%START_TIME%] "%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%" %RESPONSE_CODE% %RESPONSE_FLAGS% '
    "%BYTES_RECEIVED% %BYTES_SENT% %DURATION% %RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% "
    '"%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%" "%REQ(USER-AGENT)%" "%REQ(X-REQUEST-ID)%" "%REQ(:AUTHORITY)%" '
    '"%UPSTREAM_HOST%"\n'
)


def access_log(log: AccessLog | None) -> list[Json] | None:
    """Render an access log; without a format Envoy uses its default format."""
    if log is None:
        return None
    form: Json | None = None
    if log.text is not None:
        form = {"text_format_source": {"inline_string": log.text}}
    if log.json is not None:
        form = {"json_format": dict(log.json)}
    return [extension("envoy.access_loggers.file", FILE_ACCESS_LOG, path=log.path, log_format=form)]


def client_access_log(log: AccessLog | None) -> list[Json] | None:
    """Render the access log for requests of clients; without a format they are logged with the client's address."""
    if log is not None and log.text is None and log.json is None:
        log = replace(log, text=_CLIENT_FORMAT)
    return access_log(log)
