-- Reads what a child writes as fast as it can. Arguments: [MIB].

local common = dofile((arg[0]:gsub("[^/]*/[^/]*$", "common.lua")))
local uv = require "luv"

common.measure_output(function(size)
    local total = 0
    local output = uv.new_pipe(false)
    local process
    process = assert(uv.spawn("head", {
        args = { "-c", size, "/dev/zero" },
        stdio = { nil, output, 2 },
    }, function(status)
        assert(status == 0)
        process:close()
    end))
    output:read_start(function(problem, data)
        assert(not problem, problem)
        if data then
            total = total + #data
        else
            output:close()
        end
    end)
    uv.run()
    return total
end)
