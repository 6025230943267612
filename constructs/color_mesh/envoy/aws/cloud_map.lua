-- Envoy's REST xDS requests become calls of AWS Cloud Map's DiscoverInstances, and the answers become xDS responses.
--
-- This is an upstream filter of the cluster of Cloud Map's endpoint, before the filter that signs the requests. The name
-- of the requested resource says what to ask and how to read the answer. It is `namespace/service?parameters`, encoded
-- like a URL:
--   endpoints  port=15100   port of the endpoints
--              ip=46        IP versions of the addresses, in the order of preference
--              @key=value   attribute that an instance must have
--   runtime    instance/attribute=key   runtime key of an attribute whose value is a weight from 0 to 100
--              instance/attribute,attribute=shares.key   runtime key of the share of these among all weights, in
--                                                        millionths
-- An answer that is not what it should be never reaches Envoy, which then keeps what it has.

local MAX_DEPTH = 32
local LOG_SECONDS = 60
local MAX_WEIGHT = 100
local MILLION = 1000000
-- An answer with 1,000 tasks, the most that DiscoverInstances returns, has about 700 KiB.
local MAX_BYTES = 3 * 1024 * 1024

-- include json.lua

-- Names of resources.

local function unescape(text)
  return (text:gsub("%%(%x%x)", function(code) return string.char(tonumber(code, 16)) end))
end

local function parse_name(name)
  local resource = { parameters = {} }
  local namespace, service, query = name:match("^([^/?]+)/([^/?]+)%??(.*)$")
  resource.namespace, resource.service = unescape(namespace), unescape(service)
  for key, value in query:gmatch("([^&=]+)=([^&]*)") do
    table.insert(resource.parameters, { key = unescape(key), value = unescape(value) })
  end
  return resource
end

-- Failures: one line a minute, with the number of those that have no line of their own.

local pending, answered, weights_in_force = {}, {}, {}
local last_log, unlogged = nil, 0

local function log(handle, name, reason)
  local now = os.time()
  if last_log and now - last_log < LOG_SECONDS then
    unlogged = unlogged + 1
    return
  end
  local text = "Cloud Map DiscoverInstances of " .. name:match("^[^?]*") .. ": " .. reason
  if unlogged > 0 then text = text .. " (" .. unlogged .. " more since the last such line)" end
  text = text .. (answered[name] and "; what was known before stays in force" or "; the task waits for the first answer")
  handle:logWarn((text:gsub("[^\32-\126]", "?"):sub(1, 600)))
  last_log, unlogged = now, 0
end

-- Endpoints.

local function is_ipv4(address)
  local a, b, c, d = address:match("^(%d+)%.(%d+)%.(%d+)%.(%d+)$")
  return a and math.max(a, b, c, d) <= 255
end

local addresses = {
  ["4"] = { attribute = "AWS_INSTANCE_IPV4", valid = is_ipv4 },
  ["6"] = { attribute = "AWS_INSTANCE_IPV6", valid = function(address) return address:find("^%x*:[%x:.]*$") end },
}

local function address_of(attributes, versions)
  for version in versions:gmatch(".") do
    local address = attributes[addresses[version].attribute]
    if address ~= nil then
      if type(address) ~= "string" or not addresses[version].valid(address) then
        error("an address is not valid", 0)
      end
      return address
    end
  end
end

local function endpoints(_, name, resource, instances)
  local settings, found = {}, {}
  for _, parameter in ipairs(resource.parameters) do settings[parameter.key] = parameter.value end
  for _, instance in ipairs(instances) do
    local address = address_of(typed(instance.Attributes, false, "Attributes"), settings.ip)
    if address then
      found[#found + 1] = string.format(
        '{"endpoint":{"address":{"socket_address":{"address":"%s","port_value":%s}}}%s}',
        address, settings.port, instance.HealthStatus == "UNHEALTHY" and ',"health_status":"UNHEALTHY"' or ""
      )
    end
  end
  return "envoy.config.endpoint.v3.ClusterLoadAssignment", string.format(
    '"cluster_name":%s,"endpoints":[%s]', quote(name),
    #found > 0 and '{"lb_endpoints":[' .. table.concat(found, ",") .. "]}" or ""
  )
end

-- Weights. Those that are not valid leave the last valid ones in force, and without such ones those of the bootstrap.

local function read_weights(attributes, targets)
  local weights, total = {}, 0
  for attribute, value in pairs(typed(attributes, false, "Attributes")) do
    -- Attributes with this prefix are reserved for Cloud Map.
    if attribute:sub(1, 4) ~= "AWS_" then
      local weight = type(value) == "string" and value:find("^%d%d?%d?$") and tonumber(value)
      if not targets[attribute] then return nil, "'" .. attribute .. "' is not a target" end
      if not weight or weight > MAX_WEIGHT then return nil, "the weight of '" .. attribute .. "' is not 0 to 100" end
      weights[attribute], total = weight, total + weight
    end
  end
  if total == 0 then return nil, "all weights are 0" end
  return { by_attribute = weights, total = total }
end

local function runtime(handle, name, resource, instances)
  -- The health check of the container looks for this key: statistics do not tell layers apart.
  local layer, targets_by_instance = { quote(name:match("^[^?]*")) .. ":1" }, {}
  for _, parameter in ipairs(resource.parameters) do
    local instance, attributes = parameter.key:match("^(.*)/(.*)$")
    local targets = targets_by_instance[instance] or {}
    targets_by_instance[instance] = targets
    for attribute in attributes:gmatch("[^,]+") do targets[attribute] = true end
  end
  for _, instance in ipairs(instances) do
    local id = instance.InstanceId
    if targets_by_instance[id] then
      local weights, problem = read_weights(instance.Attributes, targets_by_instance[id])
      if weights then
        weights_in_force[name .. "#" .. id] = weights
      else
        log(handle, name, "instance '" .. id .. "': " .. problem)
      end
    end
  end
  for _, parameter in ipairs(resource.parameters) do
    local instance, attributes = parameter.key:match("^(.*)/(.*)$")
    local weights, sum = weights_in_force[name .. "#" .. instance], 0
    if weights then
      -- A target without a weight gets no requests: its service may not be ready yet.
      for attribute in attributes:gmatch("[^,]+") do sum = sum + (weights.by_attribute[attribute] or 0) end
      local value = string.format("%d", sum)
      if parameter.value:find("^shares%.") then
        -- Envoy takes a number for a percentage.
        value = string.format('{"numerator":%d,"denominator":"MILLION"}', MILLION * sum / weights.total)
      end
      layer[#layer + 1] = quote(parameter.value) .. ":" .. value
    end
  end
  return "envoy.service.runtime.v3.Runtime",
    string.format('"name":%s,"layer":{%s}', quote(name), table.concat(layer, ","))
end

local readers = { endpoints = endpoints, runtime = runtime }

local function request_body(kind, resource)
  local filters = {}
  for _, parameter in ipairs(kind == "endpoints" and resource.parameters or {}) do
    if parameter.key:sub(1, 1) == "@" then
      filters[#filters + 1] = quote(parameter.key:sub(2)) .. ":" .. quote(parameter.value)
    end
  end
  return string.format(
    '{"NamespaceName":%s,"ServiceName":%s,"MaxResults":1000,"HealthStatus":"ALL"%s}',
    quote(resource.namespace), quote(resource.service),
    #filters > 0 and ',"QueryParameters":{' .. table.concat(filters, ",") .. "}" or ""
  )
end

local function response_body(handle, kind, name, text)
  local answer = typed(decode(text), false, "the answer")
  local instances = typed(answer.Instances, true, "Instances")
  for _, instance in ipairs(instances) do typed(instance, false, "an instance") end
  local type_name, fields = readers[kind](handle, name, parse_name(name), instances)
  return string.format(
    '{"version_info":"1","type_url":"type.googleapis.com/%s","resources":[{"@type":"type.googleapis.com/%s",%s}]}',
    type_name, type_name, fields
  )
end

-- include answers.lua

function envoy_on_request(handle)
  local kind = handle:headers():get(":path"):match("discovery:(%l+)")
  local body = handle:body()
  local name = decode(bytes_of(body)).resource_names[1]
  -- Connections that fail and timeouts end a call without an answer for this filter.
  if pending[name] then log(handle, name, "no answer: no connection, a timeout, or a connection that ended") end
  pending[name] = true
  local metadata = handle:streamInfo():dynamicMetadata()
  metadata:set("cloud_map", "kind", kind)
  metadata:set("cloud_map", "name", name)
  local length = body:setBytes(request_body(kind, parse_name(name)))
  local headers = handle:headers() -- Again: headers that were taken before body() are out of scope.
  for _, header in ipairs({ "x-envoy-internal", "x-envoy-expected-rq-timeout-ms", "x-forwarded-for" }) do
    headers:remove(header)
  end
  headers:replace(":path", "/")
  headers:replace("content-type", "application/x-amz-json-1.1")
  headers:replace("content-length", length)
  headers:replace("x-amz-target", "Route53AutoNaming_v20170314.DiscoverInstances")
end

function envoy_on_response(handle)
  local call = handle:streamInfo():dynamicMetadata():get("cloud_map")
  local name, status = call.name, handle:headers():get(":status")
  local body = handle:body()
  local length = body and body:length() or 0
  pending[name] = nil
  if length > MAX_BYTES then
    log(handle, name, status .. ", but the answer has " .. length .. " bytes")
    return handle:headers():replace(":status", "502")
  end
  local text = bytes_of(body)
  if status ~= "200" then return log(handle, name, error_reason(status, text)) end
  local valid, response = pcall(response_body, handle, call.kind, name, text)
  if not valid then
    log(handle, name, status .. ", but " .. tostring(response))
    return handle:headers():replace(":status", "502")
  end
  answered[name] = true
  length = body:setBytes(response)
  handle:headers():replace("content-type", "application/json")
  handle:headers():replace("content-length", length)
end
