-- Each thread has one connection and one session, and refreshes with the token of its last response.
local counter = 0

function setup(thread)
  thread:set("index", counter)
  counter = counter + 1
end

function init()
  local lines = {}
  for line in io.lines(os.getenv("TOKENS")) do
    lines[#lines + 1] = line
  end
  token = lines[index + 1]
end

function request()
  return wrk.format("POST", "/auth/refresh", { ["Content-Type"] = "application/json" }, '{"refresh_token":"' .. token .. '"}')
end

function response(status, _, body)
  if status == 200 then
    token = body:match('"refresh_token":"([^"]+)"')
  end
end
