-- Many lookups of the same name, 100 at once. Arguments: [COUNT].

local common = dofile((arg[0]:gsub("[^/]*/[^/]*$", "common.lua")))
local system = require "coutil.system"

common.measure_lookups(common.integer(1, common.lookups), function(count)
    local done, left = 0, count
    local findaddr = system.findaddr
    local function look()
        while left > 0 do
            left = left - 1
            assert(findaddr(common.looked_up)):close()
            done = done + 1
        end
    end
    for _ = 1, common.lookups_at_once do
        common.spawn(look)
    end
    system.run()
    return done
end)
