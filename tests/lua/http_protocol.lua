-- The protocol of the HTTP servers of examples/ alone, as a function from bytes to bytes. The
-- servers are asked in httpd.lua.

local here <const> = arg[0]:match("^.*/") or "./"
local examples <const> = here .. "../../examples/"
package.path = here .. "support/?.lua;" .. examples .. "?.lua;" .. package.path

local suite = require "suite"
local http = require "http"
local requests = require "requests"

local get <const>, good <const>, hello <const> = requests.get, requests.good, requests.hello
local refused <const>, statuses <const> = requests.refused, requests.statuses
local stream <const> = requests.stream

local answer, tick = http.site { ["/"] = hello, ["/other"] = "other\n" }

-- What a new connection answers to these bytes, whether it goes on, and its session.
local function ask(bytes, last)
    local session <const> = { rest = "" }
    local reply <const>, keep <const> = answer(session, bytes, last)
    return reply or "", keep, session
end

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
    local pieces <const>, expected <const> = {}, {}
    for i = 1, 16 do
        pieces[i] = i % 3 == 0 and good:gsub("/", "/x", 1) or good
        expected[i] = i % 3 == 0 and "404" or "200"
    end
    local reply <const>, keep <const> = ask(table.concat(pieces))
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

suite.finish()
