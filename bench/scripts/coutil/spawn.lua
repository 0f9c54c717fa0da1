-- Starts /bin/true again and again and awaits its end, from a process that holds some memory.
-- Arguments: [COUNT [AT_ONCE [MIB]]].

local common = dofile((arg[0]:gsub("[^/]*/[^/]*$", "common.lua")))
local system = require "coutil.system"

common.measure_spawns(system.nanosecs, function(count, at_once)
    local started, done = 0, 0
    local function spawn()
        while started < count do
            started = started + 1
            local how, status = system.execute("/bin/true")
            assert(how == "exit" and status == 0)
            done = done + 1
        end
    end
    for _ = 1, at_once do
        common.spawn(spawn)
    end
    system.run()
    return done
end)
