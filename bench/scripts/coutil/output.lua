-- Reads what a child writes as fast as it can. Arguments: [MIB].

local common = dofile((arg[0]:gsub("[^/]*/[^/]*$", "common.lua")))
local memory = require "memory"
local system = require "coutil.system"

common.measure_output(function(size)
    local command = { execfile = "head", stdin = false, stdout = "r",
                      arguments = { "-c", size, "/dev/zero" } }
    local total = 0
    common.spawn(function() assert(system.execute(command) == "exit") end)
    common.spawn(function()
        local buffer <const> = memory.create(common.output_buffer)
        local count = command.stdout:read(buffer)
        while count do
            total = total + count
            count = command.stdout:read(buffer)
        end
    end)
    system.run()
    command.stdout:close()
    return total
end)
