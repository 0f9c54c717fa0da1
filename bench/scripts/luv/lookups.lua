-- Many lookups of the same name, 100 at once. Arguments: [COUNT].

local common = dofile((arg[0]:gsub("[^/]*/[^/]*$", "common.lua")))
local uv = require "luv"

common.measure_lookups(common.integer(1, common.lookups), function(count)
    local done, left = 0, count
    local hints = { addrconfig = true } -- as system.findaddr has it without a mode
    local function look()
        while left > 0 do
            left = left - 1
            local thread = coroutine.running()
            assert(uv.getaddrinfo(common.looked_up, nil, hints, function(problem, found)
                assert(not problem, problem)
                coroutine.resume(thread, found)
            end))
            assert(#coroutine.yield() > 0)
            done = done + 1
        end
    end
    for _ = 1, common.lookups_at_once do
        common.spawn(look)
    end
    uv.run()
    return done
end)
