"""A stream of Envoy as its Lua filters see it: bodies, headers and metadata are tables. The clock is the test's."""

# `encode_base64` is a global of those tests whose filter needs it, and `end_of` a function of their filter.
STREAM = """
local clock = 1800000000
os.time = function() return clock end
local date = os.date
os.date = function(format) return date(format, clock) end
local function stream(kind)
  local headers, body, metadata, log, answer = { [":path"] = "/v3/discovery:" .. kind }, "", nil, {}, nil
  local handle = {}
  function handle:headers() return {
    get = function(_, key) return headers[key] end,
    replace = function(_, key, value) headers[key] = value end,
    remove = function(_, key) headers[key] = nil end } end
  function handle:body() return {
    length = function() return #body end,
    getBytes = function(_, start, length) return body:sub(start + 1, start + length) end,
    setBytes = function(_, bytes) body = bytes return #bytes end } end
  function handle:streamInfo() return { dynamicMetadata = function() return {
    set = function(_, space, key, value) metadata = metadata or {} metadata[key] = value end,
    get = function() return metadata end } end } end
  function handle:logWarn(text) log[#log + 1] = text end
  function handle:base64Escape(bytes) return encode_base64(bytes) end
  function handle:respond(response) answer = response[":status"] end
  return {
    ask = function(request) body = request envoy_on_request(handle) return answer, body, headers["x-amz-target"] end,
    answer = function(status, response)
      headers, body = { [":status"] = status }, response
      envoy_on_response(handle)
      return headers[":status"], body
    end,
    log = function() return table.concat(log, "\\n") end,
  }
end
return { stream = stream, sleep = function(seconds) clock = clock + seconds end, end_of = end_of }
"""
