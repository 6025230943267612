-- Certificate authorities of AWS Private CA. The name of a resource is the ARNs of 1 to 3 authorities, with commas.

local MAX_DEPTH = 32

-- include json.lua

-- include answers.lua

-- include x509.lua

-- include secrets.lua

local CALL, TARGET = "AWS Private CA GetCertificateAuthorityCertificate", "ACMPrivateCA.GetCertificateAuthorityCertificate"

-- Certificates by the ARN of the authority.
local certificates = {}

local function ids(name)
  local arns = {}
  for arn in name:gmatch("[^,]+") do arns[#arns + 1] = arn end
  return arns
end

local function request_body(_, _, id)
  return '{"CertificateAuthorityArn":' .. quote(id) .. "}"
end

-- Only the authority itself is trusted, and not the authorities above it, which the answer has in CertificateChain.
local function secret(resource, id, answer)
  local certificate = text_of(answer, "Certificate") .. "\n"
  ends_of(certificate)
  certificates[id] = certificate
  local trusted = {}
  for index, arn in ipairs(resource.ids) do
    if not certificates[arn] then return nil end
    trusted[index] = certificates[arn]
  end
  local text = table.concat(trusted)
  return text, trusted_ca(text), last_end(text)
end

-- include certificates.lua
