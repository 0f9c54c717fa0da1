-- Many coroutines, each waiting for a timer of 0.1 to 1 second. Arguments: [COUNT].

local common = dofile((arg[0]:gsub("[^/]*/[^/]*$", "common.lua")))
local uv = require "luv"

common.measure_timers(common.integer(1, common.timers), function(count)
    local done = 0
    local function wait(delay)
        local thread = coroutine.running()
        local timer = uv.new_timer()
        timer:start(math.floor(delay * 1000), 0, function()
            timer:close()
            coroutine.resume(thread)
        end)
        coroutine.yield()
        done = done + 1
    end
    for index = 1, count do
        common.spawn(wait, common.delay(index))
    end
    uv.run()
    return done
end)
