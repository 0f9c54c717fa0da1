-- What the HTTP servers beside this file have in common: connections from the first to the last,
-- one coroutine and one buffer for each, limits, and an orderly end. What HTTP is, is in http.lua.
--
-- In a task or a state coroutine, `require` comes first: see httpd-cores.lua.

local memory = require "memory"
local system = require "coutil.system"
local http = require "http"

local most_connections <const> = 4096 -- more than these wait in the kernel's queue
local patience <const> = 30 -- seconds a client has to send its next request and take the answer
local farewell <const> = 2 -- seconds it has to notice that the connection ends
local grace <const> = 5 -- seconds all of them have when the server is told to stop

local server = {}

-- A coroutine of its own for the function; its error is a warning.
function server.start(body, ...)
    local ok, message = coroutine.resume(coroutine.create(body), ...)
    if not ok then warn(tostring(message)) end
end

-- A passive socket that listens there; `share`: others may have the same port and do the same.
function server.listen(port, host, share)
    local domain <const> = host:find(":", 1, true) and "ipv6" or "ipv4"
    local listener <const> = assert(system.socket("passive", domain))
    if share then assert(listener:setoption("reuseport", true)) end
    assert(listener:bind(system.address(domain, host, port)))
    assert(listener:listen(1024))
    return listener
end

-- Serves the pages to whoever connects to the listener, until the scheduler is halted. Then: no
-- more connections; the requests that have arrived are answered, the last one on each connection
-- with the word that it is the last; who asks for nothing is not waited for.
function server.run(listener, pages)
    local answer, tick = http.site(pages)
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

    -- Answers what comes until the client is gone or the conversation is over. A client that is
    -- still sending when we close would be reset and might lose our last words, so we first say
    -- that we are done, then read on until it is.
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

    local function accept()
        while true do
            while open >= most_connections do system.suspend(0.05) end
            if stopping then return end
            local socket <const>, problem <const> = listener:accept()
            if socket then
                server.start(serve, socket)
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

    server.start(accept)
    server.start(keep_time)
    system.run()
    stopping = true
    listener:close()
    system.run("ready")
    sweep(idle)
    local limit <const> = now + grace
    while open > 0 and now < limit do system.run("step") end
end

return server
