-- Echo server for luv with a coroutine per connection, as the idle job wants it, where what a
-- connection holds on to is what counts. Arguments: PORT.

local common = dofile((arg[0]:gsub("[^/]*/[^/]*$", "common.lua")))
local serve = dofile((arg[0]:gsub("[^/]*$", "listener.lua")))

local function answer_all(client)
    local thread = coroutine.running()
    client:read_start(function(_, chunk)
        coroutine.resume(thread, chunk)
    end)
    local chunk = coroutine.yield()
    while chunk do
        client:write(chunk)
        chunk = coroutine.yield()
    end
    client:close()
end

serve(common, common.integer(1), function(client)
    common.spawn(answer_all, client)
end)
