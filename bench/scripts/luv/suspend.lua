-- One coroutine resumed once a turn of the loop by an idle handle: the nearest luv has to a
-- suspension for zero seconds. Arguments: [COUNT].

local common = dofile((arg[0]:gsub("[^/]*/[^/]*$", "common.lua")))
local uv = require "luv"

common.measure_suspends(common.integer(1, common.suspends), function(count)
    local done = 0
    local thread = coroutine.create(function()
        for _ = 1, count do
            coroutine.yield()
            done = done + 1
        end
    end)
    coroutine.resume(thread)
    local idle = uv.new_idle()
    idle:start(function()
        coroutine.resume(thread)
        if done == count then
            idle:close()
        end
    end)
    uv.run()
    return done
end)
