"""Access logs."""

from color_mesh.envoy.typed import FILE_ACCESS_LOG, Json, extension
from color_mesh.model import AccessLog


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
