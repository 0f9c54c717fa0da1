-- An HTTP/1.1 server on coutil: keep-alive, pipelining, limits, and an orderly end.
--
-- usage: lua5.4 examples/httpd.lua [port [address]]
--
-- The port is 8080 unless given, and any free one for 0; the address is 127.0.0.1 unless given. One
-- coroutine and one buffer serve a connection; what HTTP is, is in http.lua beside this file.
-- SIGINT and SIGTERM stop the server: it answers what it was asked, then leaves. The same signal
-- once more ends it at once.

package.path = (arg[0]:match("^.*/") or "./") .. "?.lua;" .. package.path
local memory = require "memory"
local system = require "coutil.system"
local http = require "http"
warn("@on") -- an error in a coroutine ends that coroutine only, and is told as a warning

local most_connections <const> = 4096 -- more than these wait in the kernel's queue
local patience <const> = 30 -- seconds a client has to send its next request and take the answer
local farewell <const> = 2 -- seconds it has to notice that the connection ends
local grace <const> = 5 -- seconds all of them have when the server is told to stop

local answer, tick = http.site { ["/"] = "Hello, world!\n" }
local connections = {} -- session by socket
local open = 0 -- how many
local now = 0 -- seconds since the start, counted by the sweeper
local stopping = false

-- Ends a connection. Its coroutine, when it waits in a read, is resumed before this returns.
local function drop(socket)
    if connections[socket] then
        connections[socket] = nil
        open = open - 1
        socket:close()
    end
end

-- Answers what comes until the client is gone or the conversation is over. A client that is still
-- sending when we close would be reset and might lose our last words, so we first say that we are
-- done, then read on until it is.
local function converse(socket, session)
    local buffer <const> = memory.create(4096)
    local going = true
    while connections[socket] do
        local count <const> = socket:read(buffer)
        if not count then return end
        if going then
            local reply
            reply, going = answer(session, memory.tostring(buffer, 1, count), stopping)
            if reply then
                session.busy = true
                if not (socket:write(reply) and connections[socket]) then return end
                session.busy = not going
                session.deadline = now + (going and patience or farewell)
            end
            if not (going or socket:shutdown()) then return end
        end
    end
end

local function serve(socket)
    local session <const> = { rest = "", busy = false, deadline = now + patience }
    connections[socket] = session
    open = open + 1
    socket:setoption("nodelay", true)
    converse(socket, session)
    drop(socket)
end

local function start(body, ...)
    local ok, message = coroutine.resume(coroutine.create(body), ...)
    if not ok then warn(tostring(message)) end
end

local function accept(listener)
    while true do
        while open >= most_connections do system.suspend(0.05) end
        if stopping then return end
        local socket <const>, problem <const> = listener:accept()
        if socket then
            start(serve, socket)
        elseif not stopping then
            warn("accept: ", problem)
            system.suspend(1)
        end
    end
end

-- Drops the connections that a test condemns. They are gathered first, for to drop one resumes
-- its coroutine, and that may do anything.
local function sweep(condemned)
    local found <const> = {}
    for socket, session in pairs(connections) do
        if condemned(session) then found[#found + 1] = socket end
    end
    for _, socket in ipairs(found) do drop(socket) end
end

local function late(session)
    return now >= session.deadline
end

local function idle(session)
    return session.rest == "" and not session.busy
end

local function keep_time()
    while true do
        system.suspend(1)
        now = now + 1
        tick()
        sweep(late)
    end
end

local function listen(port, host)
    local domain <const> = host:find(":", 1, true) and "ipv6" or "ipv4"
    local listener <const> = assert(system.socket("passive", domain))
    assert(listener:bind(system.address(domain, host, port)))
    assert(listener:listen(1024))
    return listener
end

local function stop_on(signal)
    if system.awaitsig(signal) then system.halt() end
end

start(stop_on, "interrupt")
start(stop_on, "terminate")
local listener = listen(tonumber(arg[1] or 8080), arg[2] or "127.0.0.1")
print("listening on " .. tostring(listener:getaddress()))
io.stdout:flush()
start(accept, listener)
start(keep_time)
system.run()

-- Told to stop: no more connections; the requests that have arrived are answered, the last one on
-- each connection with the word that it is the last; who asks for nothing is not waited for.
stopping = true
listener:close()
system.run("ready")
sweep(idle)
local limit <const> = now + grace
while open > 0 and now < limit do system.run("step") end
