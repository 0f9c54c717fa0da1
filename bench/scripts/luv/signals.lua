-- One signal handle whose callback sends the signal again. Arguments: [COUNT].

local common = dofile((arg[0]:gsub("[^/]*/[^/]*$", "common.lua")))
local uv = require "luv"

local process = common.process()

common.measure_signals(common.integer(1, common.signals), function(count)
    local done = 0
    local signal = uv.new_signal()
    signal:start("sigusr1", function()
        done = done + 1
        if done < count then
            uv.kill(process, "sigusr1")
        else
            signal:close()
        end
    end)
    uv.kill(process, "sigusr1")
    uv.run()
    return done
end)
