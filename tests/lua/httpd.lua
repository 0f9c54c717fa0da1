-- The HTTP servers of examples/ while they run, asked by curl and by sockets of our own, which can
-- also say what is wrong. The protocol alone is in http_protocol.lua.

local here <const> = arg[0]:match("^.*/") or "./"
local examples <const> = here .. "../../examples/"
package.path = here .. "support/?.lua;" .. package.path

local suite = require "suite"
local memory = require "memory"
local system = require "coutil.system"
local requests = require "requests"

local get <const>, good <const>, hello <const> = requests.get, requests.good, requests.hello
local refused <const>, statuses <const> = requests.refused, requests.statuses
local stream <const> = requests.stream

local function quoted(word)
    return "'" .. word:gsub("'", "'\\''") .. "'"
end

-- The output of a program. A sanitizer that is preloaded for us would judge it too, so it is not.
local function output_of(command)
    local pipe <close> = assert(io.popen("exec env -u LD_PRELOAD " .. command, "r"))
    return pipe:read("a")
end

local function state_of(pid)
    local file <close> = io.open("/proc/" .. pid .. "/stat", "r")
    return file and file:read("a"):match("%) (%a)")
end

-- What runs us also runs the servers.
local interpreter = 0
while arg[interpreter - 1] do interpreter = interpreter - 1 end
interpreter = arg[interpreter]

-- Starts a program of examples/ on a port of its choice. The shell tells its number and becomes it.
local function start(program)
    local pipe <const> = assert(io.popen("echo $$; exec " .. quoted(interpreter) .. " "
        .. quoted(examples .. program) .. " 0 2>&1", "r"))
    local pid <const> = pipe:read("l")
    local line <const> = pipe:read("l") or ""
    local port <const> = line:match("^listening on 127%.0%.0%.1:(%d+)$")
    if not port then error("no server: " .. line .. (pipe:read("a") or "")) end
    return { pipe = pipe, pid = pid, port = tonumber(port), url = "http://127.0.0.1:" .. port }
end

local function signal(server, name)
    output_of("kill -" .. name .. " " .. server.pid)
end

-- Waits until the server ended, at most some seconds; then forces it. Returns its code, if it was
-- its own decision, and what it said since it started.
local function ended(server, seconds)
    local limit <const> = system.nanosecs() + seconds * 1000000000
    while state_of(server.pid) ~= "Z" and system.nanosecs() < limit do
        system.suspend(0.02, "~")
    end
    if state_of(server.pid) ~= "Z" then signal(server, "KILL") end
    local said <const> = server.pipe:read("a")
    local _, how <const>, code <const> = server.pipe:close()
    return how == "exit" and code or how .. " " .. code, said
end

-- Runs a function that may await, in a coroutine, to its end; passes on its error or results. When
-- it has not finished in time, its socket is closed, which ends what it waits for.
local function awaiting(body)
    local socket <const> = assert(system.socket("stream", "ipv4"))
    local results, watchdog
    system.time("updated") -- deadlines count from the cached time, which may be old by now
    local co <const> = coroutine.create(function()
        results = table.pack(xpcall(body, debug.traceback, socket))
        if watchdog then coroutine.resume(watchdog, "finished") end
    end)
    assert(coroutine.resume(co))
    if not results then
        watchdog = coroutine.create(function()
            if system.suspend(10) == true then socket:close() end
            watchdog = nil
        end)
        assert(coroutine.resume(watchdog))
    end
    system.run()
    pcall(socket.close, socket)
    if not results[1] then error(results[2], 0) end
    return table.unpack(results, 2, results.n)
end

local buffer <const> = memory.create(65536)

-- Reads until the pattern matches what came, or until the end; returns what came, and why it ended.
local function read_until(socket, pattern)
    local came = ""
    while not (pattern and came:find(pattern)) do
        local count <const>, problem <const> = socket:read(buffer)
        if not count then return came, problem end
        came = came .. memory.tostring(buffer, 1, count)
    end
    return came
end

-- Connects, sends the bytes, and returns all that comes until the server ends the connection.
local function converse(port, bytes)
    return awaiting(function(socket)
        assert(socket:connect(system.address("ipv4", "127.0.0.1", port)))
        assert(socket:write(bytes))
        return read_until(socket)
    end)
end

-- Runs a body with a server, and ends the server whatever happens: a pipe to a program that runs on
-- would keep us from ending, too.
local function with_server(body, program)
    return function(...)
        local server <const> = start(program or "httpd.lua")
        local ok <const>, problem <const> = xpcall(body, debug.traceback, server, ...)
        if not server.stopped then signal(server, "INT") end
        local code <const>, said <const> = ended(server, 10)
        if not ok then error(problem, 0) end
        suite.equal(said, "")
        suite.equal(code, 0)
    end
end

if output_of("curl --version 2>&1"):find("^curl ") == nil then
    suite.case("curl is content with the server", function() suite.skip("there is no curl") end)
else
    suite.case("curl is content with the server", with_server(function(server)
        local form <const> = "curl -sS --max-time 5 -w '<%%{http_code} %%{num_connects}>' %s"
        local url <const> = server.url .. "/"
        suite.equal(output_of(form:format(url .. " " .. url)),
            hello .. "<200 1>" .. hello .. "<200 0>", "two pages over one connection")
        local head <const> = output_of(form:format("-I " .. url))
        suite.ok(head:find("^HTTP/1.1 200 OK\r\n.*\r\n\r\n<200 1>$"), head)
        suite.equal(output_of(form:format(url .. "nowhere")), "404 Not Found\n<404 1>")
        suite.equal(output_of(form:format("-d x=y " .. url)), "405 Method Not Allowed\n<405 1>")
        suite.equal(output_of(form:format("--http1.0 " .. url)), hello .. "<200 1>")
    end))
end

suite.case("malformed requests get 400 and the end", with_server(function(server)
    for _, case in ipairs { refused[1], refused[5], refused[11], refused[18] } do
        local came <const>, problem <const> = converse(server.port, case[3])
        suite.equal(statuses(came), case[2], case[1])
        suite.equal(problem, "end of file", case[1])
    end
end))

suite.case("who still sends when it is refused can hear why", with_server(function(server)
    local came <const>, problem <const> = converse(server.port,
        get("Host: here\r\nContent-Length: 2000000\r\n") .. ("x"):rep(1000000))
    suite.equal(statuses(came), "413")
    suite.equal(problem, "end of file")
end))

suite.case("sixteen requests in one write get sixteen answers", with_server(function(server)
    local came <const>, problem <const> = converse(server.port,
        good:rep(15) .. get("Host: here\r\nConnection: close\r\n"))
    suite.equal(statuses(came), ("200 "):rep(15) .. "200")
    suite.equal(problem, "end of file")
end))

suite.case("a request that comes in pieces is answered", with_server(function(server)
    awaiting(function(socket)
        assert(socket:connect(system.address("ipv4", "127.0.0.1", server.port)))
        for piece in good:gmatch("..?.?.?.?.?.?") do
            assert(socket:write(piece))
            system.suspend(0.005)
        end
        suite.equal(statuses((read_until(socket, hello .. "$"))), "200")
    end)
end))

suite.case("a client that resets its connection harms nobody else", with_server(function(server)
    for _ = 1, 20 do
        awaiting(function(socket)
            assert(socket:connect(system.address("ipv4", "127.0.0.1", server.port)))
            assert(socket:write(good:rep(50)))
            socket:close() -- with answers unread, which the kernel tells as a reset
        end)
    end
    suite.equal(statuses((converse(server.port, get("", "1.0")))), "200")
end))

-- A second signal ends the server by force, so it must not come.
local function stop(server, name)
    signal(server, name)
    server.stopped = true
end

for _, name in ipairs { "INT", "TERM" } do
    suite.case("SIG" .. name .. " ends the server with code 0, and its port is free", function()
        local port
        with_server(function(server)
            port = server.port
            suite.equal(statuses((converse(port, get("", "1.0")))), "200")
            stop(server, name)
        end)()
        local socket <close> = assert(system.socket("passive", "ipv4"))
        suite.ok(socket:bind(system.address("ipv4", "127.0.0.1", port)))
        suite.ok(socket:listen(1))
    end)

    local finishing <const> = " ends idle connections and lets requests finish"
    suite.case("SIG" .. name .. finishing, with_server(function(server)
        local address <const> = system.address("ipv4", "127.0.0.1", server.port)
        awaiting(function(socket)
            local idle <const> = assert(system.socket("stream", "ipv4"))
            assert(idle:connect(address))
            assert(idle:write(good))
            read_until(idle, hello .. "$")
            assert(socket:connect(address))
            assert(socket:write(good .. good:sub(1, 20)))
            read_until(socket, hello .. "$")
            stop(server, name)
            local came, problem = read_until(idle)
            suite.equal(came, "")
            suite.equal(problem, "end of file")
            idle:close()
            assert(socket:write(good:sub(21)))
            came, problem = read_until(socket)
            suite.equal(statuses(came), "200")
            suite.ok(came:find("\r\nConnection: close\r\n", 1, true))
            suite.equal(problem, "end of file")
        end)
    end))

    -- A busy server may never sleep, and has to notice the signal all the same.
    local busy <const> = " under load ends the server with code 0"
    suite.case("SIG" .. name .. busy, with_server(function(server)
        local address <const> = system.address("ipv4", "127.0.0.1", server.port)
        local limit <const> = system.nanosecs() + 3000000000
        local ending = 0
        local function load(socket)
            assert(socket:connect(address))
            local batch <const>, room <const> = good:rep(400), memory.create(65536)
            while system.nanosecs() < limit and socket:write(batch) and socket:read(room) do end
            ending = ending + (system.nanosecs() < limit and 1 or 0)
        end
        awaiting(function(socket)
            for _ = 1, 15 do
                coroutine.wrap(load)(assert(system.socket("stream", "ipv4")))
            end
            coroutine.wrap(function()
                system.suspend(0.2)
                stop(server, name)
            end)()
            load(socket)
        end)
        suite.equal(ending, 16, "connections that the server ended")
    end))
end

-- Who is in a hurry says it twice. The connection here never finishes its request.
suite.case("a second signal ends the server at once", function()
    local server <const> = start("httpd.lua")
    local start_time
    awaiting(function(socket)
        assert(socket:connect(system.address("ipv4", "127.0.0.1", server.port)))
        assert(socket:write(good .. good:sub(1, 20)))
        read_until(socket, hello .. "$")
        signal(server, "TERM")
        repeat -- until the first was taken: nobody listens any more
            local late <close> = assert(system.socket("stream", "ipv4"))
        until not late:connect(system.address("ipv4", "127.0.0.1", server.port))
        start_time = system.nanosecs()
        signal(server, "TERM")
        local _, problem <const> = read_until(socket)
        suite.ok(problem)
    end)
    suite.ok(system.nanosecs() - start_time < 4000000000, "it did not wait for the client")
    suite.equal((ended(server, 10)), "signal 15")
end)

local function same_answers(server, peer)
    local compared <const> = { stream, get("", "1.0"), refused[1][3],
        good:rep(15) .. get("Host: here\r\nConnection: close\r\n") }
    for index, bytes in ipairs(compared) do
        local ours <const> = converse(server.port, bytes):gsub("Date: [^\r]*", "Date")
        local theirs <const> = converse(peer.port, bytes):gsub("Date: [^\r]*", "Date")
        suite.equal(theirs, ours, "conversation " .. index)
    end
end

suite.case("the server on all processors gives the same answers",
           with_server(with_server(same_answers, "httpd.lua"), "httpd-cores.lua"))

suite.case("tasks of the server on all processors serve many clients at once",
           with_server(function(server)
    local address <const> = system.address("ipv4", "127.0.0.1", server.port)
    local served = 0
    local function ask(socket)
        assert(socket:connect(address))
        for _ = 1, 20 do
            assert(socket:write(good))
            if statuses((read_until(socket, hello .. "$"))) == "200" then served = served + 1 end
        end
    end
    awaiting(function(socket)
        for _ = 1, 31 do
            coroutine.wrap(function()
                local other <close> = assert(system.socket("stream", "ipv4"))
                ask(other)
            end)()
        end
        ask(socket)
    end)
    suite.equal(served, 32 * 20)
end, "httpd-cores.lua"))

for _, name in ipairs { "INT", "TERM" } do
    suite.case("SIG" .. name .. " ends the server on all processors as it ends the other",
               with_server(function(server)
        local address <const> = system.address("ipv4", "127.0.0.1", server.port)
        awaiting(function(socket)
            assert(socket:connect(address))
            assert(socket:write(good .. good:sub(1, 20)))
            read_until(socket, hello .. "$")
            stop(server, name)
            -- Until all tasks have heard of it and nobody listens any more. One listener that
            -- closes at this moment refuses as well, but only once.
            local refusals = 0
            while refusals < 20 do
                local late <close> = assert(system.socket("stream", "ipv4"))
                refusals = late:connect(address) and 0 or refusals + 1
            end
            assert(socket:write(good:sub(21)))
            local came, problem = read_until(socket)
            suite.equal(statuses(came), "200")
            suite.ok(came:find("\r\nConnection: close\r\n", 1, true))
            suite.equal(problem, "end of file")
        end)
    end, "httpd-cores.lua"))
end

suite.case("the server on luv gives the same answers", function()
    if not pcall(require, "luv") then suite.skip("luv is not installed") end
    with_server(with_server(same_answers, "httpd.lua"), "httpd-luv.lua")()
end)

suite.finish()
