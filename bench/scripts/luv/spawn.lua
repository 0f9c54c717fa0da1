-- Starts /bin/true again and again and awaits its end, from a process that holds some memory.
-- Arguments: [COUNT [AT_ONCE [MIB]]].

local common = dofile((arg[0]:gsub("[^/]*/[^/]*$", "common.lua")))
local uv = require "luv"

common.measure_spawns(uv.hrtime, function(count, at_once)
    local started, done = 0, 0
    local options = { stdio = { 0, 1, 2 } }
    local function spawn()
        if started == count then return end
        started = started + 1
        local process
        process = assert(uv.spawn("/bin/true", options, function(status, signal)
            assert(status == 0 and signal == 0)
            done = done + 1
            process:close()
            spawn()
        end))
    end
    for _ = 1, at_once do
        spawn()
    end
    uv.run()
    return done
end)
