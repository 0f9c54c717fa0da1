-- The HTTP servers of examples/: first the protocol alone, as a function from bytes to bytes; then
-- the running server, asked by curl and by sockets of our own, which can also say what is wrong.

local here <const> = arg[0]:match("^.*/") or "./"
local examples <const> = here .. "../../examples/"
package.path = here .. "support/?.lua;" .. examples .. "?.lua;" .. package.path

local suite = require "suite"
local http = require "http"
local memory = require "memory"
local system = require "coutil.system"

local hello <const> = "Hello, world!\n"
local good <const> = "GET / HTTP/1.1\r\nHost: here\r\n\r\n"

-- The protocol ------------------------------------------------------------------------------------

local answer, tick = http.site { ["/"] = hello, ["/other"] = "other\n" }

-- What a new connection answers to these bytes, whether it goes on, and its session.
local function ask(bytes, last)
    local session <const> = { rest = "" }
    local reply <const>, keep <const> = answer(session, bytes, last)
    return reply or "", keep, session
end

-- The statuses of the answers in some bytes, as "200 404", in order.
local function statuses(bytes)
    local found <const> = {}
    for status in bytes:gmatch("HTTP/1%.1 (%d+) ") do found[#found + 1] = status end
    return table.concat(found, " ")
end

local function get(fields, version)
    return "GET / HTTP/" .. (version or "1.1") .. "\r\n" .. fields .. "\r\n"
end

-- Requests that must be refused: what is wrong with them, the status, the bytes.
local refused <const> = {
    { "a bare LF", "400", "GET / HTTP/1.1\nHost: here\n\n" },
    { "a bare LF after a field", "400", "GET / HTTP/1.1\r\nHost: here\n\r\n" },
    { "a bare CR in a field", "400", get("Host: he\rre\r\n") },
    { "a zero byte", "400", get("Host: here\r\nX: a\0b\r\n") },
    { "a space before the colon", "400", get("Host : here\r\n") },
    { "a folded field", "400", get("Host: here\r\nX: a\r\n b\r\n") },
    { "a field without colon", "400", get("Host: here\r\nX\r\n") },
    { "a field without name", "400", get("Host: here\r\n: x\r\n") },
    { "a space before the first field", "400", get(" Host: here\r\n") },
    { "a missing version", "400", "GET /\r\nHost: here\r\n\r\n" },
    { "a future version", "400", get("Host: here\r\n", "2.0") },
    { "a version in small letters", "400", "GET / http/1.1\r\nHost: here\r\n\r\n" },
    { "two spaces", "400", "GET  / HTTP/1.1\r\nHost: here\r\n\r\n" },
    { "a target with a space", "400", "GET /a b HTTP/1.1\r\nHost: here\r\n\r\n" },
    { "a target that is no path", "400", "GET other HTTP/1.1\r\nHost: here\r\n\r\n" },
    { "a method that is no token", "400", "G(T / HTTP/1.1\r\nHost: here\r\n\r\n" },
    { "an empty line first", "400", "\r\n\r\n" .. good },
    { "a first line that is no request", "400", "hello\r\n" },
    { "no Host", "400", get("") },
    { "two Hosts", "400", get("Host: here\r\nHost: here\r\n") },
    { "a Host with a path", "400", get("Host: here/there\r\n") },
    { "two lengths", "400", get("Host: here\r\nContent-Length: 1\r\nContent-Length: 2\r\n") },
    { "a list of lengths", "400", get("Host: here\r\nContent-Length: 1, 1\r\n") },
    { "a negative length", "400", get("Host: here\r\nContent-Length: -1\r\n") },
    { "a signed length", "400", get("Host: here\r\nContent-Length: +1\r\n") },
    { "a hexadecimal length", "400", get("Host: here\r\nContent-Length: 0x1\r\n") },
    { "an empty length", "400", get("Host: here\r\nContent-Length:\r\n") },
    { "a length and a coding", "400",
        get("Host: here\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n") },
    { "a coding in version 1.0", "400", get("Transfer-Encoding: chunked\r\n", "1.0") },
    { "a coded body", "501", get("Host: here\r\nTransfer-Encoding: chunked\r\n") },
    { "an unknown expectation", "417", get("Host: here\r\nExpect: miracles\r\n") },
    { "a long body", "413", get("Host: here\r\nContent-Length: 16385\r\n") },
    { "an absurd length", "413",
        get("Host: here\r\nContent-Length: " .. ("9"):rep(400) .. "\r\n") },
    { "a long line", "414",
        "GET /" .. ("x"):rep(4096) .. " HTTP/1.1\r\nHost: here\r\n\r\n" },
    { "a long line without end", "414", "GET /" .. ("x"):rep(4096), unfinished = true },
    { "a long head", "431", get("Host: here\r\nX: " .. ("x"):rep(8192) .. "\r\n") },
    { "a long head without end", "431", "GET / HTTP/1.1\r\nX: " .. ("x"):rep(8192),
        unfinished = true },
    { "many fields", "431", get("Host: here\r\n" .. ("X: y\r\n"):rep(64)) },
}

for _, case in ipairs(refused) do
    local what <const>, status <const>, bytes <const> = table.unpack(case)
    suite.case("a request with " .. what .. " gets " .. status .. " and the end", function()
        local reply <const>, keep <const> = ask(case.unfinished and bytes or bytes .. good)
        suite.equal(statuses(reply), status)
        suite.ok(reply:find("\r\nConnection: close\r\n", 1, true))
        suite.equal(keep, false)
    end)
end

suite.case("limits are the largest that is accepted", function()
    local line <const> = "GET /" .. ("x"):rep(4096 - #"GET / HTTP/1.1\r\n") .. " HTTP/1.1\r\n"
    suite.equal(statuses(ask(line .. "Host: here\r\n\r\n")), "404")
    suite.equal(statuses(ask(get("Host: here\r\n" .. ("X: y\r\n"):rep(63)))), "200")
    local field <const> = "X: " .. ("x"):rep(8192 - #get("Host: here\r\nX: \r\n") + 2) .. "\r\n"
    suite.equal(statuses(ask(get("Host: here\r\n" .. field))), "200")
    local body <const> = "Content-Length: 16384\r\n\r\n" .. ("x"):rep(16384)
    suite.equal(statuses(ask("GET / HTTP/1.1\r\nHost: here\r\n" .. body)), "200")
end)

suite.case("GET answers the text and HEAD its head only", function()
    local reply <const>, keep <const> = ask(good)
    suite.equal(reply:match("\r\n\r\n(.*)"), hello)
    suite.equal(reply:match("Content%-Length: (%d+)\r\n"), tostring(#hello))
    suite.ok(reply:find("\r\nDate: %a%a%a, %d%d %a%a%a %d%d%d%d %d%d:%d%d:%d%d GMT\r\n"))
    suite.equal(keep, true)
    local head <const> = ask((good:gsub("GET", "HEAD")))
    suite.equal(head .. hello, reply)
end)

suite.case("targets are found with a query, and as sent to a proxy", function()
    for target, status in pairs {
        ["/?x=/other"] = "200", ["/other"] = "200", ["http://here/other"] = "200",
        ["http://here"] = "200", ["http://here/nowhere"] = "404", ["/nowhere"] = "404",
    } do
        suite.equal(statuses(ask("GET " .. target .. " HTTP/1.1\r\nHost: here\r\n\r\n")), status,
            target)
    end
end)

suite.case("methods other than GET and HEAD are known or not, and end nothing", function()
    local reply <const>, keep <const> = ask((good:gsub("GET", "DELETE")))
    suite.equal(statuses(reply), "405")
    suite.ok(reply:find("\r\nAllow: GET, HEAD\r\n", 1, true))
    suite.equal(keep, true)
    suite.equal(statuses(ask((good:gsub("GET", "get")) .. good)), "501 200")
end)

suite.case("version and Connection decide together whether the connection goes on", function()
    for _, case in ipairs {
        { "1.1", "", true, nil }, { "1.1", "Connection: close\r\n", false, "close" },
        { "1.1", "Connection: x,\tCLOSE \r\n", false, "close" },
        { "1.1", "Connection: closed\r\n", true, nil },
        { "1.1", "Connection: x\r\nConnection: close\r\n", false, "close" },
        { "1.0", "", false, "close" }, { "1.0", "connection: Keep-Alive\r\n", true, "keep-alive" },
        { "1.0", "Connection: close, keep-alive\r\n", false, "close" },
    } do
        local version <const>, fields <const>, goes_on <const>, told <const> = table.unpack(case)
        local reply <const>, keep <const> = ask(get("Host: here\r\n" .. fields, version))
        suite.equal(keep, goes_on, version .. " " .. fields)
        suite.equal(reply:match("\r\nConnection: ([^\r]*)"), told, version .. " " .. fields)
    end
end)

suite.case("a Host is not needed in version 1.0, and blanks around it do not count", function()
    suite.equal(statuses(ask(get("", "1.0"))), "200")
    suite.equal(statuses(ask(get("HOST:\t here:80 \t\r\n"))), "200")
    suite.equal(statuses(ask(get("Host:\r\n"))), "200")
    suite.equal(statuses(ask(get("Host: [::1]:80\r\n"))), "200")
end)

suite.case("a body is skipped, and what follows it is the next request", function()
    local reply <const>, keep <const>, session <const> = ask(
        "POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n12345"
        .. good)
    suite.equal(statuses(reply), "405 200")
    suite.equal(keep, true)
    suite.equal(session.rest, "")
end)

suite.case("who waits for leave to send a body gets it once", function()
    local head <const> = "POST / HTTP/1.1\r\nHost: here\r\nExpect: 100-Continue\r\n"
        .. "Content-Length: 3\r\n\r\n"
    local reply <const>, _, session <const> = ask(head)
    suite.equal(statuses(reply), "100")
    suite.equal(answer(session, "a"), nil)
    suite.equal(statuses(answer(session, "bc" .. good)), "405 200")
    suite.equal(statuses(answer(session, head .. "abc")), "405")
    suite.equal(statuses(answer(session, head)), "100")
end)

suite.case("sixteen requests in one piece get sixteen answers in order", function()
    local requests <const>, expected <const> = {}, {}
    for i = 1, 16 do
        requests[i] = i % 3 == 0 and good:gsub("/", "/x", 1) or good
        expected[i] = i % 3 == 0 and "404" or "200"
    end
    local reply <const>, keep <const> = ask(table.concat(requests))
    suite.equal(statuses(reply), table.concat(expected, " "))
    suite.equal(keep, true)
end)

suite.case("when the server stops, only the last of the complete requests says so", function()
    local reply <const>, keep <const> = ask(good:rep(3) .. "GET / HT", true)
    suite.equal(statuses(reply), "200 200 200")
    suite.equal(select(2, reply:gsub("Connection: close", "")), 1)
    suite.ok(reply:find("Connection: close\r\n\r\n" .. hello .. "$"))
    suite.equal(keep, false)
end)

suite.case("the date is renewed by tick", function()
    local date <const> = os.date
    os.date = function() return "Thu, 01 Jan 1970 00:00:00 GMT" end -- luacheck: ignore 122
    tick()
    os.date = date -- luacheck: ignore 122
    suite.ok(ask(good):find("\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\n", 1, true))
    tick()
    suite.ok(not ask(good):find("1970", 1, true))
end)

-- Some requests of every kind that keep the connection, and one that ends it.
local stream <const> = good
    .. "POST /x HTTP/1.1\r\nHost: here\r\nContent-Length: 7\r\n\r\n\r\n\r\nabc"
    .. "HEAD /other HTTP/1.1\r\nhost: here\r\nX-Y: z\r\n\r\n"
    .. get("Connection: keep-alive\r\n", "1.0") .. good .. get("Host: here\r\nX : y\r\n")

suite.case("it makes no difference how the bytes of requests are cut", function()
    local whole <const> = ask(stream)
    suite.equal(statuses(whole), "200 405 200 200 200 400")
    math.randomseed(20260101)
    for round = 1, 200 do
        local longest <const> = round == 1 and 1 or math.random(1, 60)
        local session <const>, replies <const> = { rest = "" }, {}
        local at, keep = 1, true
        while keep and at <= #stream do
            local size <const> = math.random(1, longest)
            local reply
            reply, keep = answer(session, stream:sub(at, at + size - 1))
            replies[#replies + 1] = reply
            at = at + size
        end
        suite.equal(table.concat(replies), whole)
    end
end)

suite.case("bytes changed at random raise nothing and leave no endless session", function()
    math.randomseed(20260102)
    local spice <const> = { "\r", "\n", "\r\n", "\0", " ", ":", "\xff", "\t", "%", "9", "\r\n\r\n" }
    for _ = 1, 3000 do
        local bytes = stream
        for _ = 1, math.random(1, 4) do
            local at <const> = math.random(#bytes)
            bytes = bytes:sub(1, at - 1) .. spice[math.random(#spice)]
                .. bytes:sub(at + math.random(0, 2))
        end
        local reply <const>, keep <const>, session <const> = ask(bytes)
        suite.equal(type(reply), "string")
        suite.equal(type(keep), "boolean")
        suite.ok(#session.rest <= #bytes)
    end
end)

suite.case("the work for a head grows with its length only, whatever is in it", function()
    local blanks <const> = (" "):rep(8000)
    local values <const> = { blanks, blanks .. "\0", "a" .. blanks .. "a",
        ("a "):rep(4000) .. "\0", (","):rep(8000), ("\t "):rep(4000) .. "a" }
    local start <const> = os.clock()
    for _, name in ipairs { "Host", "Content-Length", "Connection", "Expect", "X" } do
        for _, value in ipairs(values) do
            ask("GET / HTTP/1.1\r\n" .. name .. ":" .. value .. "\r\n\r\n")
        end
    end
    suite.ok(os.clock() - start < 1, "30 requests of 8 KB in a second of work")
end)

-- The servers -------------------------------------------------------------------------------------

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

-- SIGINT ends the stock interpreter by force when it comes a second time, so it must not.
local function stop(server)
    signal(server, "INT")
    server.stopped = true
end

suite.case("SIGINT ends the server with code 0, and its port is free", function()
    local port
    with_server(function(server)
        port = server.port
        suite.equal(statuses((converse(port, get("", "1.0")))), "200")
    end)()
    local socket <close> = assert(system.socket("passive", "ipv4"))
    suite.ok(socket:bind(system.address("ipv4", "127.0.0.1", port)))
    suite.ok(socket:listen(1))
end)

suite.case("SIGINT ends idle connections and lets requests finish", with_server(function(server)
    local address <const> = system.address("ipv4", "127.0.0.1", server.port)
    awaiting(function(socket)
        local idle <const> = assert(system.socket("stream", "ipv4"))
        assert(idle:connect(address))
        assert(idle:write(good))
        read_until(idle, hello .. "$")
        assert(socket:connect(address))
        assert(socket:write(good .. good:sub(1, 20)))
        read_until(socket, hello .. "$")
        stop(server)
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
suite.case("SIGINT under load ends the server with code 0", with_server(function(server)
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
            stop(server)
        end)()
        load(socket)
    end)
    suite.equal(ending, 16, "connections that the server ended")
end))

local function same_answers(server, peer)
    local compared <const> = { stream, get("", "1.0"), refused[1][3],
        good:rep(15) .. get("Host: here\r\nConnection: close\r\n") }
    for index, bytes in ipairs(compared) do
        local ours <const> = converse(server.port, bytes):gsub("Date: [^\r]*", "Date")
        local theirs <const> = converse(peer.port, bytes):gsub("Date: [^\r]*", "Date")
        suite.equal(theirs, ours, "conversation " .. index)
    end
end

suite.case("the server on luv gives the same answers", function()
    if not pcall(require, "luv") then suite.skip("luv is not installed") end
    with_server(with_server(same_answers, "httpd.lua"), "httpd-luv.lua")()
end)

suite.finish()
