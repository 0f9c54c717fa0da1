-- Passes one socket again and again over a stream of domain share; whoever reads it closes what
-- came. Both ends are in this process. Arguments: [COUNT].

local common = dofile((arg[0]:gsub("[^/]*/[^/]*$", "common.lua")))
local system = require "coutil.system"
local memory = require "memory"

local function send(stream, passed, count)
    for _ = 1, count do
        assert(stream:write("x", 1, 1, passed))
    end
    stream:close()
end

common.measure_passes(common.integer(1, common.passes), function(count)
    local path = os.tmpname()
    os.remove(path)
    local done = 0
    local listener = assert(system.socket("passive", "share"))
    assert(listener:bind(path))
    assert(listener:listen(1))
    common.spawn(function()
        local stream = assert(listener:accept())
        local buffer = memory.create(1)
        while true do
            local size, object = stream:read(buffer)
            if not size then break end
            if object then
                object:close()
                done = done + 1
            end
        end
        stream:close()
        listener:close()
    end)
    common.spawn(function()
        local stream = assert(system.socket("stream", "share"))
        assert(stream:connect(path))
        send(stream, assert(system.socket("stream", "ipv4")), count)
    end)
    system.run()
    return done
end)
