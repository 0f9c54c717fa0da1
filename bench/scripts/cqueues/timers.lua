-- Many coroutines, each asleep for 0.1 to 1 second. Arguments: [COUNT].

local common = dofile((arg[0]:gsub("[^/]*/[^/]*$", "common.lua")))
local cqueues = require "cqueues"

common.measure_timers(common.integer(1, common.timers), function(count)
    local done = 0
    local loop = cqueues.new()
    local function wait(delay)
        cqueues.sleep(delay)
        done = done + 1
    end
    for index = 1, count do
        loop:wrap(wait, common.delay(index))
    end
    assert(loop:loop())
    return done
end)
