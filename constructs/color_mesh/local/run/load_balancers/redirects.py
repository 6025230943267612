"""Redirects of application load balancers.

Envoy's own redirects know no hostname or query that is made of parts of the request.
"""

from collections.abc import Mapping

from color_mesh.ecs.actions import Redirect
from color_mesh.ecs.listeners import LoadBalancerListener
from color_mesh.envoy.typed import Json

_FILTER = "envoy.filters.http.lua"
# Responds to requests whose route has a location. `#{protocol}` and `#{port}` are replaced when it is rendered.
# Clients on this machine use the published ports, and are redirected to these.
REDIRECTS = """\
function envoy_on_request(request)
  local redirect = request:metadata()
  if redirect:get("location") == nil then
    return
  end
  local headers = request:headers()
  local authority = headers:get(":authority")
  local host, port = authority:match("^(.*):(%d+)$")
  local path, query = headers:get(":path"):match("^/?([^?]*)%??(.*)$")
  local location = port == redirect:get("machine_port") and redirect:get("machine_location") or redirect:get("location")
  location = location:gsub("#{(%l+)}", {host = host or authority, path = path, query = query}):gsub("%?$", "")
  request:respond({[":status"] = redirect:get("status"), ["location"] = location, ["server"] = "awselb/2.0"}, "")
end
"""


def redirect_metadata(redirect: Redirect, listener: LoadBalancerListener, machine_ports: Mapping[int, int]) -> Json:
    """Render a redirect as the metadata of a route.

    Args:
        redirect: Redirect.
        listener: Its listener.
        machine_ports: Ports of this machine at which the ports of the load balancer are published, by these.
    """
    port = redirect.port.replace("#{port}", str(listener.port))
    published = {str(inside): str(outside) for inside, outside in machine_ports.items()}
    values = {
        "location": _location(redirect, listener, port),
        "machine_location": _location(redirect, listener, published.get(port, port)),
        "machine_port": published.get(str(listener.port), "none"),
        "status": str(redirect.status_code),
    }
    return {"filter_metadata": {_FILTER: values}}


def _location(redirect: Redirect, listener: LoadBalancerListener, port: str) -> str:
    location = f"{redirect.protocol.lower()}://{redirect.host}:{port}{redirect.path}?{redirect.query}"
    return location.replace("#{protocol}", str(listener.protocol).lower()).replace("#{port}", str(listener.port))
