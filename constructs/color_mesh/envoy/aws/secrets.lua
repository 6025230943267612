-- Envoy's secrets (Envoy API, *Secret*; needs json.lua).

local function text_of(object, field)
  local text = object[field]
  if type(text) ~= "string" or text == "" then error(field .. " is missing or no text", 0) end
  return text
end

local function inline(field, text)
  return string.format('"%s":{"inline_string":%s}', field, quote(text))
end

local function tls_certificate(chain, private_key, passphrase)
  local fields = { inline("certificate_chain", chain), inline("private_key", private_key) }
  if passphrase then fields[3] = inline("password", passphrase) end
  return '"tls_certificate":{' .. table.concat(fields, ",") .. "}"
end

local function trusted_ca(text)
  return '"validation_context":{' .. inline("trusted_ca", text) .. "}"
end
