-- Each thread sends its own part of the prepared requests once, then stops.
-- Arguments: the file of requests (token, key, address by tab), its number of lines, the body.
local ffi = require("ffi")
ffi.cdef("typedef struct { long s; long us; } timeval; int gettimeofday(timeval *t, void *z);")

-- Seconds since the epoch: wrk itself counts until its time is over, not until the work is done.
function clock()
  local t = ffi.new("timeval")
  ffi.C.gettimeofday(t, nil)
  return tonumber(t.s) + tonumber(t.us) / 1e6
end

local threads = {}
function setup(thread)
  thread:set("number", #threads)
  table.insert(threads, thread)
end

function init(args)
  requests, at, statuses, started, ended, got = {}, 0, {}, 0, 0, 0
  local total, body = tonumber(args[2]), args[3]
  local n = 0
  for line in io.lines(args[1]) do
    if n % 2 == number then
      local token, key, address = line:match("([^\t]+)\t([^\t]+)\t([^\t]+)")
      local headers = {
        ["Authorization"] = "Bearer " .. token,
        ["Idempotency-Key"] = key,
        ["Content-Type"] = "application/json",
      }
      local filled = body:gsub("ADDRESS", address)
      table.insert(requests, wrk.format("POST", "/api/v1/orders", headers, filled))
    end
    n = n + 1
  end
end

function request()
  if at == 0 then started = clock() end
  at = at + 1
  return requests[((at - 1) % #requests) + 1]
end

function response(status)
  statuses[status] = (statuses[status] or 0) + 1
  got = got + 1
  if got == #requests then
    ended = clock()
    wrk.thread:stop()
  end
end

function done(summary)
  local all, first, last = {}, math.huge, 0
  for _, thread in ipairs(threads) do
    first = math.min(first, thread:get("started"))
    last = math.max(last, thread:get("ended"))
    for status, count in pairs(thread:get("statuses")) do
      all[status] = (all[status] or 0) + count
    end
  end
  for status, count in pairs(all) do print(string.format("status %d %d", status, count)) end
  print(string.format("rate %.1f", summary.requests / (last - first)))
end
