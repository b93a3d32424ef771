-- Each request presents another token: the next one of the list, or one at random.
local requests = dofile(os.getenv("LUA_COMMON"))
local at_random = os.getenv("ORDER") == "random"
local prepared = {}
local current = 0

function init()
  for i, token in ipairs(requests.read_tokens()) do
    prepared[i] = requests.with(token)
  end
end

function request()
  current = at_random and math.random(#prepared) or current % #prepared + 1
  return prepared[current]
end
