-- Each thread has one connection and sessions of its own, visits them in turn, and presents the refresh token of the last
-- response of the session. With as many sessions as threads, each connection refreshes one session.
local requests = dofile(os.getenv("LUA_COMMON"))
local threads = 0

function setup(thread)
  thread:set("index", threads)
  threads = threads + 1
end

-- Short: wrk counts what the first threads send while the last ones are still being prepared.
function init()
  tokens = requests.read_tokens("-" .. index)
  current = 0
end

function request()
  current = current % #tokens + 1
  return requests.with(tokens[current])
end

function response(status, _, body)
  if status == 200 then
    tokens[current] = body:match('"refresh_token"%s*:%s*"([^"]+)"')
  end
end
