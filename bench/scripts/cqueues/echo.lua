-- Echo server for cqueues: unbuffered, one coroutine per connection. Arguments: PORT [BUFFER].

local common = dofile((arg[0]:gsub("[^/]*/[^/]*$", "common.lua")))
local serve = dofile((arg[0]:gsub("[^/]*$", "listener.lua")))

local function handle(stream, size)
    while true do
        local chunk = stream:read(-size)
        if not chunk or not stream:write(chunk) then
            break
        end
    end
    stream:close()
end

serve(common, common.integer(1), handle, common.integer(2, common.echo_buffer))
