-- Datagram server for luv. Arguments: PORT echo|receive. (The library chooses its buffers.)
-- The protocol is that of bench/README.md.

local common = dofile((arg[0]:gsub("[^/]*/[^/]*$", "common.lua")))
local uv = require "luv"

local socket = uv.new_udp()

local function sent() end

local function echo(failure, data, address)
    if not failure and data and address then
        socket:send(data, address.ip, address.port, sent)
    end
end

local total = 0

local function receive(failure, data, address)
    if not failure and data and address then
        total = total + 1
        if total % common.datagrams_per_answer == 0 then
            socket:send(string.pack(common.count_format, total), address.ip, address.port, sent)
        end
    end
end

assert(socket:bind("127.0.0.1", common.integer(1)))
assert(socket:recv_start(common.udp_mode(2) == "echo" and echo or receive))
uv.run()
