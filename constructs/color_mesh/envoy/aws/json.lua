-- JSON decoder (RFC 8259; needs MAX_DEPTH). Arrays have the metatable Array, and null is a value of its own. Strings keep their
-- bytes.
local Array = {}
local null = {}
local escapes = { ['"'] = '"', ["\\"] = "\\", ["/"] = "/", b = "\b", f = "\f", n = "\n", r = "\r", t = "\t" }
local literals = { ["true"] = true, ["false"] = false, ["null"] = null }
local decode_value

local function invalid(position)
  error("not valid JSON at byte " .. position, 0)
end

local function skip_space(text, position)
  return text:match("^[ \n\r\t]*()", position)
end

local function utf8(code)
  if code < 0x80 then return string.char(code) end
  local bytes, first, limit = "", 0xC0, 0x20
  repeat
    bytes = string.char(0x80 + code % 64) .. bytes
    code = math.floor(code / 64)
    if code < limit then return string.char(first + code) .. bytes end
    first, limit = first + limit, limit / 2
  until false
end

local function decode_escape(text, position)
  local plain = escapes[text:sub(position + 1, position + 1)]
  if plain then return plain, position + 2 end
  local code = tonumber(text:match("^\\u(%x%x%x%x)", position) or invalid(position), 16)
  if code < 0xD800 or code > 0xDFFF then return utf8(code), position + 6 end
  local low = tonumber(text:match("^\\u(%x%x%x%x)", position + 6) or invalid(position), 16)
  if code > 0xDBFF or low < 0xDC00 or low > 0xDFFF then invalid(position) end
  return utf8(0x10000 + (code - 0xD800) * 0x400 + low - 0xDC00), position + 12
end

local function decode_string(text, position)
  local parts = {}
  position = position + 1
  while true do
    local plain, stop = text:match('^([^"\\%z\1-\31]*)()', position)
    parts[#parts + 1] = plain
    if text:sub(stop, stop) == '"' then return table.concat(parts), stop + 1 end
    if text:sub(stop, stop) ~= "\\" then invalid(stop) end
    parts[#parts + 1], position = decode_escape(text, stop)
  end
end

local function decode_number(text, position)
  local stop = text:match("^-?0()", position) or text:match("^-?[1-9]%d*()", position) or invalid(position)
  stop = text:match("^%.%d+()", stop) or stop
  stop = text:match("^[eE][+-]?%d+()", stop) or stop
  return tonumber(text:sub(position, stop - 1)), stop
end

-- Decode the elements of an array or the members of an object, up to the closing bracket.
local function decode_list(text, position, closing, add)
  position = skip_space(text, position + 1)
  if text:sub(position, position) == closing then return position + 1 end
  while true do
    position = skip_space(text, add(position))
    local separator = text:sub(position, position)
    if separator == closing then return position + 1 end
    if separator ~= "," then invalid(position) end
    position = skip_space(text, position + 1)
  end
end

local function decode_array(text, position, depth)
  local array = setmetatable({}, Array)
  return array, decode_list(text, position, "]", function(start)
    local value, stop = decode_value(text, start, depth)
    array[#array + 1] = value
    return stop
  end)
end

local function decode_object(text, position, depth)
  local object = {}
  return object, decode_list(text, position, "}", function(start)
    if text:sub(start, start) ~= '"' then invalid(start) end
    local key, stop = decode_string(text, start)
    local colon = skip_space(text, stop)
    if text:sub(colon, colon) ~= ":" then invalid(colon) end
    object[key], stop = decode_value(text, skip_space(text, colon + 1), depth)
    return stop
  end)
end

function decode_value(text, position, depth)
  if depth == 0 then error("JSON is nested too deeply", 0) end
  local first = text:sub(position, position)
  if first == "{" then return decode_object(text, position, depth - 1) end
  if first == "[" then return decode_array(text, position, depth - 1) end
  if first == '"' then return decode_string(text, position) end
  local word, stop = text:match("^(%l+)()", position)
  if not word then return decode_number(text, position) end
  if literals[word] == nil then invalid(position) end
  return literals[word], stop
end

local function decode(text)
  local value, stop = decode_value(text, skip_space(text, 1), MAX_DEPTH)
  stop = skip_space(text, stop)
  if stop <= #text then invalid(stop) end
  return value
end

local function quote(text)
  return '"' .. text:gsub('[%z\1-\31"\\]', function(character)
    return string.format("\\u%04x", character:byte())
  end) .. '"'
end

-- Return an object of a certain type. JSON of another type, or null, is an error.
local function typed(value, is_array, what)
  if type(value) ~= "table" or value == null or (getmetatable(value) == Array) ~= is_array then
    error(what .. " is missing or has the wrong type", 0)
  end
  return value
end
