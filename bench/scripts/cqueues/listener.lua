-- Serves a port of the loopback interface, or the path in BENCH_PATH: every accepted socket gets
-- a coroutine of one controller, running `handle(socket, size)`. Used by the cqueues servers next
-- to this file.

local cqueues = require "cqueues"
local socket = require "cqueues.socket"

return function(_, port, handle, size)
    local loop = cqueues.new()
    local path <const> = os.getenv "BENCH_PATH"
    local listener = path and socket.listen { path = path } or
        socket.listen { host = "127.0.0.1", port = port, reuseaddr = true }
    -- What accepting does not name, cqueues switches off on the new socket.
    local options = not path and { nodelay = true } or nil
    -- Failures of a peer are values here, not errors.
    socket.onerror(function(_, _, code)
        return code
    end)
    loop:wrap(function()
        listener:listen()
        while true do
            local stream = listener:accept(options)
            if stream then
                stream:setmode("bn", "bn")
                loop:wrap(handle, stream, size)
            end
        end
    end)
    assert(loop:loop())
end
