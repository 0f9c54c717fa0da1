-- Datagram server for coutil: one socket, one coroutine. Arguments: PORT echo|receive.
-- The protocol is that of bench/README.md.

local common = dofile((arg[0]:gsub("[^/]*/[^/]*$", "common.lua")))
local memory = require "memory"
local system = require "coutil.system"

local function echo(socket, buffer, address)
    while true do
        local count = socket:read(buffer, 1, -1, address)
        socket:write(buffer, 1, count, address)
    end
end

local function receive(socket, buffer, address)
    local total = 0
    while true do
        socket:read(buffer, 1, -1, address)
        total = total + 1
        if total % common.datagrams_per_answer == 0 then
            socket:write(string.pack(common.count_format, total), 1, -1, address)
        end
    end
end

local socket = assert(system.socket("datagram", "ipv4"))
assert(socket:bind(system.address("ipv4", "127.0.0.1", common.integer(1))))
common.spawn(common.udp_mode(2) == "echo" and echo or receive, socket,
    memory.create(common.datagram_buffer), system.address("ipv4"))
system.run()
