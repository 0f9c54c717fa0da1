-- Bulk server for cqueues. Arguments: PORT send|receive [BUFFER].
-- The protocol is that of bench/README.md.

local common = dofile((arg[0]:gsub("[^/]*/[^/]*$", "common.lua")))
local serve = dofile((arg[0]:gsub("[^/]*$", "listener.lua")))

-- Counts what comes and tells the count at the end of the stream.
local function receive(stream, size)
    local total = 0
    local chunk = stream:read(-size)
    while chunk do
        total = total + #chunk
        chunk = stream:read(-size)
    end
    stream:write(string.pack(common.count_format, total))
    stream:close()
end

-- Sends as many bytes as it is asked for, again and again.
local function send(stream, size)
    local bytes = string.rep("\0", size)
    local request = stream:read(8)
    while request do
        local left = string.unpack(common.count_format, request)
        while left > 0 and stream:write(left < size and bytes:sub(1, left) or bytes) do
            left = left - math.min(left, size)
        end
        request = left == 0 and stream:read(8) or nil
    end
    stream:close()
end

local mode = common.bulk_mode(2)
serve(common, common.integer(1), mode == "send" and send or receive,
    common.integer(3, common.bulk_buffer))
