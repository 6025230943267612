-- Answers of an AWS API (needs json.lua).

local function error_reason(status, text)
  local known, answer = pcall(decode, text)
  if not known or type(answer) ~= "table" then return status .. ", without a reason in JSON" end
  local type_name, message = answer.__type, answer.message or answer.Message
  return status .. " " .. (type(type_name) == "string" and type_name:match("[^#]*$") or "without a type")
    .. (type(message) == "string" and ": " .. message or "")
end

local function bytes_of(body)
  return body and body:getBytes(0, body:length()) or ""
end
