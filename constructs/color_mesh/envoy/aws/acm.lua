-- Certificates of AWS Certificate Manager. The name of a resource is the ARN of the certificate.

local MAX_DEPTH = 32

-- include json.lua

-- include answers.lua

-- include x509.lua

-- include secrets.lua

local CALL, TARGET = "ACM ExportCertificate", "CertificateManager.ExportCertificate"

local function ids(name)
  return { name }
end

-- ACM encrypts the private key with the passphrase of the call, and Envoy decrypts it.
local function request_body(handle, resource, id)
  local file = assert(io.open("/dev/urandom", "rb"))
  resource.passphrase = handle:base64Escape(file:read(32))
  file:close()
  return string.format(
    '{"CertificateArn":%s,"Passphrase":%s}', quote(id), quote(handle:base64Escape(resource.passphrase))
  )
end

local function secret(resource, id, answer)
  local certificate, passphrase = text_of(answer, "Certificate"), resource.passphrase
  resource.passphrase = nil
  local chain = certificate .. "\n" .. (answer.CertificateChain and text_of(answer, "CertificateChain") or "")
  return chain, tls_certificate(chain, text_of(answer, "PrivateKey"), passphrase), ends_of(certificate)[1]
end

-- include certificates.lua
