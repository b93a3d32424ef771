-- Each request presents the next token of the list.
local requests = dofile(os.getenv("LUA_COMMON"))
local prepared = {}
local next_one = 0

function init()
  for i, token in ipairs(requests.read_tokens()) do
    prepared[i] = requests.with(token)
  end
end

function request()
  next_one = next_one % #prepared + 1
  return prepared[next_one]
end
