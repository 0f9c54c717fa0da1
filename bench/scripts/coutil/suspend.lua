-- One coroutine that suspends for zero seconds in a loop. Arguments: [COUNT].

local common = dofile((arg[0]:gsub("[^/]*/[^/]*$", "common.lua")))
local system = require "coutil.system"

common.measure_suspends(common.integer(1, common.suspends), function(count)
    local done = 0
    common.spawn(function()
        local suspend = system.suspend
        for _ = 1, count do
            suspend()
            done = done + 1
        end
    end)
    system.run()
    return done
end)
