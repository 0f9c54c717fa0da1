-- Echo server for luv. Arguments: PORT. (The library chooses the size of its buffers.)

local common = dofile((arg[0]:gsub("[^/]*/[^/]*$", "common.lua")))
local serve = dofile((arg[0]:gsub("[^/]*$", "listener.lua")))

local function handle(client)
    client:read_start(function(failure, chunk)
        if failure or not chunk then
            client:close()
        else
            client:write(chunk)
        end
    end)
end

serve(common, common.integer(1), handle)
