-- Serves a port of the loopback interface, or the path in BENCH_PATH: `handle(client)` is called
-- for every accepted stream. Used by the luv servers next to this file, which are written with
-- callbacks, as programs for luv are.

local uv = require "luv"

local path <const> = os.getenv "BENCH_PATH"

return function(common, port, handle)
    local new = path and function() return uv.new_pipe(false) end or uv.new_tcp
    local server = new()
    assert(server:bind(path or "127.0.0.1", port))
    assert(server:listen(common.backlog, function(failure)
        local client = new()
        if failure or not server:accept(client) then
            client:close()
            return
        end
        if not path then client:nodelay(true) end
        handle(client)
    end))
    uv.run()
end
