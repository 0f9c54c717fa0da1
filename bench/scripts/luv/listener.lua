-- Serves a port of the loopback interface: `handle(client)` is called for every accepted
-- stream. Used by the luv servers next to this file, which are written with callbacks, as
-- programs for luv are.

local uv = require "luv"

return function(common, port, handle)
    local server = uv.new_tcp()
    assert(server:bind("127.0.0.1", port))
    assert(server:listen(common.backlog, function(failure)
        local client = uv.new_tcp()
        if failure or not server:accept(client) then
            client:close()
            return
        end
        client:nodelay(true)
        handle(client)
    end))
    uv.run()
end
