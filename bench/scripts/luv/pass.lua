-- Passes one socket again and again over a pipe made for it; whoever reads it closes what came.
-- Both ends are in this process. Arguments: [COUNT].

local common = dofile((arg[0]:gsub("[^/]*/[^/]*$", "common.lua")))
local uv = require "luv"

common.measure_passes(common.integer(1, common.passes), function(count)
    local path = os.tmpname()
    os.remove(path)
    local done = 0
    local server = uv.new_pipe(false)
    assert(server:bind(path))
    assert(server:listen(1, function()
        local stream = uv.new_pipe(true)
        assert(server:accept(stream))
        server:close()
        stream:read_start(function(failure, chunk)
            if failure or not chunk then
                stream:close()
                return
            end
            while stream:pending_count() > 0 do
                local came = uv.new_tcp()
                assert(stream:accept(came))
                came:close()
                done = done + 1
            end
        end)
    end))
    local stream = uv.new_pipe(true)
    local passed = uv.new_tcp("inet")
    local sent = 0
    local function send()
        if sent == count then
            stream:close()
            passed:close()
            return
        end
        sent = sent + 1
        stream:write2("x", passed, send)
    end
    stream:connect(path, send)
    uv.run()
    return done
end)
