-- One coroutine that polls with a zero timeout in a loop: the nearest cqueues has to a
-- suspension for zero seconds. Arguments: [COUNT].

local common = dofile((arg[0]:gsub("[^/]*/[^/]*$", "common.lua")))
local cqueues = require "cqueues"

common.measure_suspends(common.integer(1, common.suspends), function(count)
    local done = 0
    local loop = cqueues.new()
    loop:wrap(function()
        for _ = 1, count do
            cqueues.poll(0)
            done = done + 1
        end
    end)
    assert(loop:loop())
    return done
end)
