-- Bulk server for luv. Arguments: PORT send|receive [BUFFER]. The protocol is that of
-- bench/README.md; the library chooses the size of its reads.

local common = dofile((arg[0]:gsub("[^/]*/[^/]*$", "common.lua")))
local serve = dofile((arg[0]:gsub("[^/]*$", "listener.lua")))

-- Counts what comes and tells the count at the end of the stream.
local function receive(client)
    local total = 0
    client:read_start(function(failure, chunk)
        if chunk then
            total = total + #chunk
        elseif failure then
            client:close()
        else
            client:write(string.pack(common.count_format, total), function()
                client:close()
            end)
        end
    end)
end

-- Sends as many bytes as it is asked for, one write at a time.
local function send(client)
    local size = common.integer(3, common.bulk_buffer)
    local bytes = string.rep("\0", size)
    local left = 0
    local request = ""

    local function transmit(failure)
        if failure then
            client:close()
        elseif left > 0 then
            local piece = left < size and bytes:sub(1, left) or bytes
            left = left - #piece
            client:write(piece, transmit)
        end
    end

    client:read_start(function(failure, chunk)
        if failure or not chunk then
            client:close()
            return
        end
        request = request .. chunk
        if #request >= 8 then
            left = string.unpack(common.count_format, request)
            request = request:sub(9)
            transmit()
        end
    end)
end

serve(common, common.integer(1), common.bulk_mode(2) == "send" and send or receive)
