-- One coroutine that waits for a signal in a loop, and sends it whenever it has arrived. Arguments:
-- [COUNT].

local common = dofile((arg[0]:gsub("[^/]*/[^/]*$", "common.lua")))
local system = require "coutil.system"

local process = common.process()

common.measure_signals(common.integer(1, common.signals), function(count)
    local done = 0
    common.spawn(function()
        for _ = 1, count do
            system.awaitsig("userdef1")
            done = done + 1
            if done < count then
                system.emitsig(process, "userdef1")
            end
        end
    end)
    system.emitsig(process, "userdef1")
    system.run()
    return done
end)
