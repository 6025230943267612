-- The end of certificates (RFC 5280; RFC 7468 for PEM).

local function decode_base64(text)
  local alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
  local bits, bit_count, bytes = 0, 0, {}
  for character in text:gmatch("[%w+/]") do
    bits, bit_count = bits * 64 + alphabet:find(character, 1, true) - 1, bit_count + 6
    if bit_count >= 8 then
      bit_count = bit_count - 8
      bytes[#bytes + 1] = string.char(math.floor(bits / 2 ^ bit_count))
      bits = bits % 2 ^ bit_count
    end
  end
  return table.concat(bytes)
end

-- Return the tag of the DER element at a position, and where its content begins and ends.
local function element(bytes, position)
  local tag, length = bytes:byte(position, position + 1)
  local start = position + 2
  if length >= 0x80 then
    local size = length - 0x80
    length = tonumber(bytes:sub(start, start + size - 1):gsub(".", function(byte)
      return string.format("%02x", byte:byte())
    end), 16)
    start = start + size
  end
  return tag, start, start + length
end

-- Return the end of a certificate as 20301231235959Z: Certificate, TBSCertificate, then version (optional), serialNumber,
-- signature, issuer, and validity with notBefore and notAfter.
local function end_of(pem)
  local bytes = decode_base64(pem)
  local _, position = element(bytes, 1)
  _, position = element(bytes, position)
  local tag, start, stop = element(bytes, position)
  if tag == 0xA0 then _, _, stop = element(bytes, stop) end
  for _ = 1, 2 do _, _, stop = element(bytes, stop) end
  _, start = element(bytes, stop)
  _, _, stop = element(bytes, start)
  tag, start, stop = element(bytes, stop)
  local time = bytes:sub(start, stop - 1)
  -- UTCTime has two digits of the year.
  if tag == 0x17 then time = (time < "50" and "20" or "19") .. time end
  return time:match("^%d%d%d%d%d%d%d%d%d%d%d%d%d%dZ$") or error("no time", 0)
end

-- Return the ends of the certificates in PEM text.
local function ends_of(text)
  local ends = {}
  for pem in text:gmatch("%-%-%-%-%-BEGIN CERTIFICATE%-%-%-%-%-(.-)%-%-%-%-%-END CERTIFICATE%-%-%-%-%-") do
    local valid, time = pcall(end_of, pem)
    if not valid then error("a certificate is not valid", 0) end
    ends[#ends + 1] = time
  end
  if #ends == 0 then error("there is no certificate in PEM", 0) end
  return ends
end

local function last_end(text)
  local ends = ends_of(text)
  table.sort(ends)
  return ends[#ends]
end
