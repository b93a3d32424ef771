-- Requests with a credential of the file TOKENS in the place of {token}: in path, headers and body.
local requests = {}

local METHOD = os.getenv("METHOD") or "GET"
local PATH = os.getenv("PATH_NAME")
local BODY = os.getenv("BODY")

-- A function as replacement: in a string, % would have a meaning of its own.
local function filled(template, token)
  return (template:gsub("{token}", function() return token end))
end

function requests.read_tokens(suffix)
  local tokens = {}
  for line in io.lines(os.getenv("TOKENS") .. (suffix or "")) do
    tokens[#tokens + 1] = line
  end
  return tokens
end

function requests.with(token)
  local headers = {}
  for name, value in pairs(wrk.headers) do
    headers[name] = filled(value, token)
  end
  return wrk.format(METHOD, filled(PATH, token), headers, BODY and filled(BODY, token))
end

return requests
