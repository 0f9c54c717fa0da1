-- Serves a port of the loopback interface, or the path in BENCH_PATH: every accepted stream gets
-- a coroutine running `handle(stream, size)`. Used by the coutil servers next to this file.

local system = require "coutil.system"

local path <const> = os.getenv "BENCH_PATH"

local function accept_all(common, listener, handle, size)
    while true do
        local stream, message = listener:accept()
        if stream then
            if not path then stream:setoption("nodelay", true) end
            common.spawn(handle, stream, size)
        else
            io.stderr:write("accept: ", tostring(message), "\n")
            return
        end
    end
end

return function(common, port, handle, size)
    local listener = assert(system.socket("passive", path and "local" or "ipv4"))
    assert(listener:bind(path or system.address("ipv4", "127.0.0.1", port)))
    assert(listener:listen(common.backlog))
    common.spawn(accept_all, common, listener, handle, size)
    system.run()
end
