-- Bulk server for coutil. Arguments: PORT send|receive [BUFFER].
-- The protocol is that of bench/README.md.

local common = dofile((arg[0]:gsub("[^/]*/[^/]*$", "common.lua")))
local serve = dofile((arg[0]:gsub("[^/]*$", "listener.lua")))
local memory = require "memory"

-- Counts what comes and tells the count at the end of the stream.
local function receive(stream, size)
    local buffer = memory.create(size)
    local total = 0
    local count = stream:read(buffer)
    while count do
        total = total + count
        count = stream:read(buffer)
    end
    stream:write(string.pack(common.count_format, total))
    stream:close()
end

-- The number of bytes the other side asks for; nil at the end of the stream.
local function read_request(stream, request)
    local have = 0
    while have < #request do
        local count = stream:read(request, have + 1)
        if not count then
            return nil
        end
        have = have + count
    end
    return (request:unpack(common.count_format))
end

-- Sends as many bytes as it is asked for, again and again.
local function send(stream, size)
    local buffer = memory.create(size)
    local request = memory.create(8)
    local left = read_request(stream, request)
    while left do
        while left > 0 and stream:write(buffer, 1, math.min(left, size)) do
            left = left - math.min(left, size)
        end
        left = left == 0 and read_request(stream, request) or nil
    end
    stream:close()
end

local mode = common.bulk_mode(2)
serve(common, common.integer(1), mode == "send" and send or receive,
    common.integer(3, common.bulk_buffer))
