-- The server of httpd.lua on luv, the Lua binding of libuv: the peer scripts/demo compares with.
-- It shares the protocol in http.lua and keeps the same limits; only how bytes move is its own.
--
-- usage: lua5.4 examples/httpd-luv.lua [port [address]]

package.path = (arg[0]:match("^.*/") or "./") .. "?.lua;" .. package.path
local uv = require "luv"
local http = require "http"

local most_connections <const> = 4096
local patience <const>, farewell <const>, grace <const> = 30, 2, 5

local answer, tick = http.site { ["/"] = "Hello, world!\n" }
local connections = {} -- session by handle
local open = 0
local now = 0
local stopping = false
local waiting = 0 -- connections that wait in the kernel's queue because the limit is reached
local accept -- forward: a connection that ends may make room for one that waits

local function drop(client)
    if connections[client] then
        connections[client] = nil
        open = open - 1
        client:close()
        if waiting > 0 and not stopping then accept() end
    end
end

local function read(client, session)
    client:read_start(function(_, bytes)
        if not bytes then return drop(client) end
        if not session.going then return end
        local reply
        reply, session.going = answer(session, bytes, stopping)
        if reply then
            client:write(reply)
            session.deadline = now + (session.going and patience or farewell)
            -- What the kernel did not take at once: read no more until it has.
            if client:get_write_queue_size() > 0 and session.going then
                session.writing = true
                client:read_stop()
                client:write("", function(problem)
                    session.writing = false
                    if problem then return drop(client) end
                    if connections[client] then read(client, session) end
                end)
            end
        end
        if not session.going then client:shutdown() end
    end)
end

local listener = uv.new_tcp()

function accept()
    waiting = waiting - 1
    local client <const> = uv.new_tcp()
    if not listener:accept(client) then return client:close() end
    local session <const> = { rest = "", going = true, writing = false, deadline = now + patience }
    connections[client] = session
    open = open + 1
    client:nodelay(true)
    read(client, session)
end

local function sweep(condemned)
    local found <const> = {}
    for client, session in pairs(connections) do
        if condemned(session) then found[#found + 1] = client end
    end
    for _, client in ipairs(found) do drop(client) end
end

local function late(session)
    return now >= session.deadline
end

local function idle(session)
    return session.rest == "" and session.going and not session.writing
end

assert(listener:bind(arg[2] or "127.0.0.1", tonumber(arg[1] or 8080)))
assert(listener:listen(1024, function()
    waiting = waiting + 1
    if open < most_connections then accept() end
end))
local address <const> = listener:getsockname()
local form <const> = address.family == "inet6" and "[%s]:%d" or "%s:%d"
print("listening on " .. form:format(address.ip, address.port))
io.stdout:flush()

local clock = uv.new_timer()
clock:start(1000, 1000, function()
    now = now + 1
    tick()
    sweep(late)
end)

local interrupt = uv.new_signal()
interrupt:start("sigint", function()
    interrupt:stop()
    uv.stop()
end)
uv.run()

stopping = true
listener:close()
uv.run("nowait")
sweep(idle)
local limit <const> = now + grace
while open > 0 and now < limit do uv.run("once") end

-- luv crashes when the interpreter ends while handles are still closing, so close all and wait.
sweep(function() return true end)
clock:close()
interrupt:close()
uv.run()
