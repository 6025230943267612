"""Redirects of application load balancers.

Envoy's own redirects know no hostname or query that is made of parts of the request.
"""

from color_mesh.ecs.listeners import LoadBalancerListener, Redirect
from color_mesh.envoy.typed import Json

_FILTER = "envoy.filters.http.lua"
# Responds to requests whose route has a location. `#{protocol}` and `#{port}` are replaced when it is rendered.
REDIRECTS = """\
function envoy_on_request(request)
  local redirect = request:metadata()
  local location = redirect:get("location")
  if location == nil then
    return
  end
  local headers = request:headers()
  local path, query = headers:get(":path"):match("^/?([^?]*)%??(.*)$")
  local parts = {host = headers:get(":authority"):gsub(":%d+$", ""), path = path, query = query}
  location = location:gsub("#{(%l+)}", parts):gsub("%?$", "")
  request:respond({[":status"] = redirect:get("status"), ["location"] = location, ["server"] = "awselb/2.0"}, "")
end
"""


def redirect_metadata(redirect: Redirect, listener: LoadBalancerListener) -> Json:
    """Render a redirect as the metadata of a route."""
    protocol, port = str(listener.protocol).lower(), str(listener.port)
    location = f"{redirect.protocol.lower()}://{redirect.host}:{redirect.port}{redirect.path}?{redirect.query}"
    location = location.replace("#{protocol}", protocol).replace("#{port}", port)
    return {"filter_metadata": {_FILTER: {"location": location, "status": str(redirect.status_code)}}}
