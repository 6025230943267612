-- Envoy's REST subscriptions of certificates and trusted authorities become calls of an AWS API.
--
-- This is the common part of the upstream filters of the APIs' clusters, before the filter that signs the requests. It
-- needs these names of the API:
--   CALL, TARGET                         the call in log lines, and in its header
--   ids(name)                            what to ask for, one call each: a name may stand for several authorities
--   request_body(handle, resource, id)   body of a call
--   secret(resource, id, answer)         text that identifies what Envoy gets, the fields of Envoy's secret, and the time
--                                        at which the certificate ends; nothing as long as other calls are missing
-- Envoy asks every few seconds. After an answer of the API, the filter answers by itself that nothing has changed, until
-- the interval is over: the quotas of ACM are small. Each authority has an interval of its own, the short one after a
-- failure. An answer that is not what it should be never reaches Envoy, which then keeps what it has.

local LOG_SECONDS = 60
local NOT_MODIFIED = "304"
local TYPE = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret"

-- State of each resource by its name. It has no private keys.
local resources = {}

-- One line a minute for each topic, with the number of those that have no line of their own.
local function log(handle, topic, id, reason)
  local now = os.time()
  if topic.last_log and now - topic.last_log < LOG_SECONDS then
    topic.unlogged = topic.unlogged + 1
    return
  end
  local text = CALL .. " of " .. id .. ": " .. reason
  if topic.unlogged > 0 then text = text .. " (" .. topic.unlogged .. " more since the last such line)" end
  handle:logWarn((text:gsub("[^\32-\126]", "?"):sub(1, 800)))
  topic.last_log, topic.unlogged = now, 0
end

local function log_failure(handle, resource, reason)
  log(handle, resource.failures, resource.id, reason .. (resource.version > 0 and "; what was known before stays in force"
    or "; the task waits for the first answer"))
end

local function log_expiry(handle, resource)
  if resource.ends and resource.ends < os.date("!%Y%m%d%H%M%SZ") then
    local date = resource.ends:gsub("^(%d%d%d%d)(%d%d)(%d%d)(%d%d)(%d%d)(%d%d)Z$", "%1-%2-%3T%4:%5:%6Z")
    log(handle, resource.expiry, resource.name, "the certificate expired at " .. date)
  end
end

local function discovery_response(resource, fields)
  return string.format(
    '{"version_info":"%d","type_url":"%s","resources":[{"@type":"%s","name":%s,%s}]}',
    resource.version, TYPE, TYPE, quote(resource.name), fields
  )
end

-- What to ask for now, in turn; nothing as long as all have to wait.
local function due_id(resource, now)
  for _ = 1, #resource.ids do
    resource.turn = resource.turn % #resource.ids + 1
    local id = resource.ids[resource.turn]
    if now >= (resource.next_calls[id] or 0) then return id end
  end
end

function envoy_on_request(handle)
  local body = handle:body()
  local request = decode(bytes_of(body))
  local name, now = request.resource_names[1], os.time()
  local resource = resources[name] or {
    name = name, ids = ids(name), version = 0, turn = 0, next_calls = {},
    failures = { unlogged = 0 }, refusals = { unlogged = 0 }, expiry = { unlogged = 0 },
  }
  resources[name] = resource
  -- Connections that fail and timeouts end a call without an answer for this filter.
  if resource.pending then
    resource.pending = nil
    log_failure(handle, resource, "no answer: no connection, a timeout, or a connection that ended")
  end
  resource.accepted = resource.version > 0 and request.version_info == tostring(resource.version)
  if resource.version > 0 and not resource.accepted then
    log(handle, resource.refusals, resource.name, "Envoy refuses the certificate, or its private key is another one's")
  end
  log_expiry(handle, resource)
  local id = due_id(resource, now)
  if not id then return handle:respond({ [":status"] = NOT_MODIFIED }, "") end
  resource.id, resource.pending, resource.next_calls[id] = id, true, now + RETRY_SECONDS
  handle:streamInfo():dynamicMetadata():set("color_mesh", "name", name)
  local length = body:setBytes(request_body(handle, resource, id))
  local headers = handle:headers() -- Headers that were taken before body() are out of scope.
  for _, header in ipairs({ "x-envoy-internal", "x-envoy-expected-rq-timeout-ms", "x-forwarded-for" }) do
    headers:remove(header)
  end
  headers:replace(":path", "/")
  headers:replace("content-type", "application/x-amz-json-1.1")
  headers:replace("content-length", length)
  headers:replace("x-amz-target", TARGET)
end

function envoy_on_response(handle)
  local metadata = handle:streamInfo():dynamicMetadata():get("color_mesh")
  if not metadata then return end -- An answer of this filter.
  local name, status = metadata.name, handle:headers():get(":status")
  local body = handle:body()
  local text, resource = bytes_of(body), resources[name]
  resource.pending = nil
  if status ~= "200" then return log_failure(handle, resource, error_reason(status, text)) end
  local valid, identity, fields, ends = pcall(function()
    return secret(resource, resource.id, typed(decode(text), false, "the answer"))
  end)
  if not valid then
    log_failure(handle, resource, status .. ", but " .. tostring(identity))
    return handle:headers():replace(":status", "502")
  end
  -- The first failure after a success is logged at once.
  resource.next_calls[resource.id], resource.failures.last_log = os.time() + REFRESH_SECONDS, nil
  if not identity then return handle:headers():replace(":status", NOT_MODIFIED) end
  resource.ends = ends
  -- Envoy builds its TLS contexts anew for each answer, and ACM encrypts the private key anew for each call.
  if identity == resource.identity and resource.accepted then
    return handle:headers():replace(":status", NOT_MODIFIED)
  end
  if identity ~= resource.identity then resource.version = resource.version + 1 end
  resource.identity = identity
  local length = body:setBytes(discovery_response(resource, fields))
  handle:headers():replace("content-type", "application/json")
  handle:headers():replace("content-length", length)
end
