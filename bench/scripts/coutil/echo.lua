-- Echo server for coutil: one coroutine and one fixed memory per connection.
-- Arguments: PORT [BUFFER].

local common = dofile((arg[0]:gsub("[^/]*/[^/]*$", "common.lua")))
local serve = dofile((arg[0]:gsub("[^/]*$", "listener.lua")))
local memory = require "memory"

local function handle(stream, size)
    local buffer = memory.create(size)
    while true do
        local count = stream:read(buffer)
        if not count or not stream:write(buffer, 1, count) then
            break
        end
    end
    stream:close()
end

serve(common, common.integer(1), handle, common.integer(2, common.echo_buffer))
