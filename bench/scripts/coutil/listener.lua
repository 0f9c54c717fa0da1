-- Serves a port of the loopback interface: every accepted stream gets a coroutine running
-- `handle(stream, size)`. Used by the coutil servers next to this file.

local system = require "coutil.system"

local function accept_all(common, listener, handle, size)
    while true do
        local stream, message = listener:accept()
        if stream then
            stream:setoption("nodelay", true)
            common.spawn(handle, stream, size)
        else
            io.stderr:write("accept: ", tostring(message), "\n")
            return
        end
    end
end

return function(common, port, handle, size)
    local listener = assert(system.socket("passive", "ipv4"))
    assert(listener:bind(system.address("ipv4", "127.0.0.1", port)))
    assert(listener:listen(common.backlog))
    common.spawn(accept_all, common, listener, handle, size)
    system.run()
end
