-- Many coroutines, each suspended once, for 0.1 to 1 second. Arguments: [COUNT].

local common = dofile((arg[0]:gsub("[^/]*/[^/]*$", "common.lua")))
local system = require "coutil.system"

common.measure_timers(common.integer(1, common.timers), function(count)
    local done = 0
    local suspend = system.suspend
    local function wait(delay)
        suspend(delay)
        done = done + 1
    end
    for index = 1, count do
        common.spawn(wait, common.delay(index))
    end
    system.run()
    return done
end)
