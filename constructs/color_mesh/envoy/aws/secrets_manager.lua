-- Secrets of AWS Secrets Manager. The name of a resource is the ARN of the secret, and the key of what Envoy gets of it:
-- `#tls.crt` a certificate with its private key, `#ca.crt` trusted authorities. Kubernetes names the keys of TLS secrets so.

local MAX_DEPTH = 32

-- include json.lua

-- include answers.lua

-- include x509.lua

-- include secrets.lua

local CALL, TARGET = "Secrets Manager GetSecretValue", "secretsmanager.GetSecretValue"

local function ids(name)
  return { name:match("^[^#]*") }
end

local function request_body(_, _, id)
  return '{"SecretId":' .. quote(id) .. "}"
end

local function secret(resource, _, answer)
  local valid, value = pcall(decode, text_of(answer, "SecretString"))
  local object = typed(valid and value or nil, false, "JSON in SecretString")
  if resource.name:find("#ca.crt", 1, true) then
    local text = text_of(object, "ca.crt")
    return text, trusted_ca(text), last_end(text)
  end
  local chain, key = text_of(object, "tls.crt"), text_of(object, "tls.key")
  return chain .. text_of(answer, "VersionId"), tls_certificate(chain, key), ends_of(chain)[1]
end

-- include certificates.lua
