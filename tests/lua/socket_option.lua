-- Manual: socket:setoption; ours: socket:getoption. For sockets of all kinds (behaviour 7.9). What
-- multicast options do is in socket_multicast.

local suite = require("support.suite").strict()
local system = require "coutil.system"
local native = require "native"
local net = require "support.net"
local tasks = require "support.tasks"

local case, equal, same, ok, fails = suite.case, suite.equal, suite.same, suite.ok, suite.fails

-- A case for each domain.
local function both(name, body)
    for _, domain in ipairs(net.domains) do
        case(name .. " (" .. domain .. ")", function() body(domain) end)
    end
end

-- Which options each kind has: "s" may be set, "g" may be got.
local own = {
    datagram = { broadcast = "sg", mcastloop = "sg", mcastttl = "sg", mcastiface = "sg",
                 mcastjoin = "s", mcastleave = "s", reuseaddr = "sg", reuseport = "sg",
                 rcvbuf = "sg", sndbuf = "sg", error = "g" },
    stream = { keepalive = "sg", nodelay = "sg", cork = "sg", linger = "sg", reuseaddr = "sg",
               reuseport = "sg", rcvbuf = "sg", sndbuf = "sg", error = "g" },
    unix = { permission = "sg", rcvbuf = "sg", sndbuf = "sg", error = "g" },
}

local kinds = {
    { "datagram", "ipv4", own.datagram }, { "datagram", "ipv6", own.datagram },
    { "stream", "ipv4", own.stream }, { "stream", "ipv6", own.stream },
    { "passive", "ipv4", own.stream }, { "passive", "ipv6", own.stream },
    { "stream", "local", own.unix }, { "stream", "share", own.unix },
    { "passive", "local", own.unix }, { "passive", "share", own.unix },
}

local all_names = {}
for _, names in pairs(own) do
    for name in pairs(names) do all_names[name] = true end
end

-- Calls the function with a socket of each kind, and the options it has.
local function each_kind(body)
    for _, kind in ipairs(kinds) do
        local socket <close> = assert(system.socket(kind[1], kind[2]))
        body(socket, kind[3], kind)
    end
end

local wrong_descriptor <const> = { n = 3, false, "bad file descriptor", 9 }
local invalid <const> = { n = 3, false, "invalid argument", 22 }

-- Which there are --------------------------------------------------------------------------------

case("each kind has its options and no others", function()
    each_kind(function(socket, names)
        for name in pairs(all_names) do
            local rights = names[name] or ""
            local unknown = string.format("invalid option '%s'", name)
            for letter, method in pairs { s = "setoption", g = "getoption" } do
                local _, problem = pcall(socket[method], socket, name, {})
                if string.find(rights, letter, 1, true) then
                    ok(not string.find(tostring(problem), "invalid option", 1, true), name)
                else
                    ok(string.find(problem, unknown, 1, true), name)
                end
            end
        end
    end)
end)

case("bad names raise, after self", function()
    each_kind(function(socket)
        for _, method in ipairs { "setoption", "getoption" } do
            local call = socket[method]
            local head = "bad argument #%d to '?' (%s)"
            for _, name in ipairs { "", "nodelay ", "Broadcast", "keepalive2", "error\n" } do
                fails(function() call(socket, name, true) end,
                      string.format("invalid option '%s'", name))
            end
            fails(function() pcall(error, call(socket, 12, 1)) end, "invalid option '12'")
            fails(function() call(socket) end, "string expected, got no value")
            fails(function() call(socket, {}) end, "string expected, got table")
            fails(function() call(io.stdout, "x") end, "expected, got FILE*")
            equal(select(2, pcall(call, socket, "x")), head:format(2, "invalid option 'x'"))
        end
    end)
    for _, kind in ipairs(kinds) do
        local socket = assert(system.socket(kind[1], kind[2]))
        socket:close()
        fails(function() socket:setoption() end, "(closed object)")
        fails(function() socket:getoption() end, "(closed object)")
    end
end)

-- Switches ---------------------------------------------------------------------------------------

case("switches take any value for true or false and come back as booleans", function()
    local switches = { "broadcast", "mcastloop", "nodelay", "cork", "reuseaddr", "reuseport" }
    each_kind(function(socket, names)
        for _, name in ipairs(switches) do
            if names[name] then
                for _, value in ipairs { true, 1, "x", 0, {} } do
                    same(tasks.results(socket:setoption(name, false)), { n = 1, true })
                    same(tasks.results(socket:getoption(name)), { n = 1, false })
                    same(tasks.results(socket:setoption(name, value)), { n = 1, true })
                    same(tasks.results(socket:getoption(name)), { n = 1, true })
                end
                same(tasks.results(socket:setoption(name, nil)), { n = 1, true })
                same(tasks.results(socket:getoption(name)), { n = 1, false })
            end
        end
    end)
end)

both("an absent value is false for the switches of the manual's datagrams only", function(domain)
    local datagram <close> = assert(system.socket("datagram", domain))
    local stream <close> = assert(system.socket("stream", domain))
    for _, name in ipairs { "broadcast", "mcastloop" } do
        assert(datagram:setoption(name, true))
        equal(datagram:setoption(name), true)
        equal(datagram:getoption(name), false)
    end
    for _, name in ipairs { "reuseaddr", "reuseport" } do
        fails(function() datagram:setoption(name) end,
              "bad argument #2 to 'setoption' (value expected)")
    end
    for _, name in ipairs { "nodelay", "cork", "reuseaddr", "reuseport", "keepalive", "linger" } do
        fails(function() stream:setoption(name) end,
              "bad argument #2 to 'setoption' (value expected)")
    end
end)

case("broadcast lets a datagram go to everybody", function()
    local socket <close> = assert(system.socket("datagram", "ipv4"))
    local everybody = system.address("ipv4", "127.255.255.255", 9)
    tasks.spawn(function()
        same(tasks.results(socket:write("x", 1, -1, everybody)),
             { n = 3, false, "permission denied", 13 })
        assert(socket:setoption("broadcast", true))
        equal(socket:write("x", 1, -1, everybody), true)
    end)
    tasks.run()
end)

both("reuse is chosen before there is a port", function(domain)
    for _, kind in ipairs { "datagram", "stream", "passive" } do
        for _, name in ipairs { "reuseaddr", "reuseport" } do
            local socket <close> = assert(system.socket(kind, domain))
            assert(socket:bind(net.loopback(domain)))
            local before = socket:getoption(name)
            same(tasks.results(socket:setoption(name, not before)), invalid)
            equal(socket:getoption(name), before)
        end
    end
    local near, far = net.pair(domain)
    local _ <close> = net.closing(near, far)
    same(tasks.results(near:setoption("reuseport", true)), invalid)
    same(tasks.results(far:setoption("reuseaddr", false)), invalid)
end)

both("reuseport lets several sockets have one port", function(domain)
    for _, kind in ipairs { "datagram", "passive" } do
        local one <close> = assert(system.socket(kind, domain))
        local two <close> = assert(system.socket(kind, domain))
        assert(one:setoption("reuseport", true))
        assert(one:bind(net.loopback(domain)))
        local address = one:getaddress()
        if kind == "passive" then assert(one:listen(4)) end
        assert(two:setoption("reuseport", true))
        equal(two:bind(address), true)
        if kind == "passive" then equal(two:listen(4), true) end
        ok(two:getaddress() == address)
    end
end)

both("bind leaves reuseaddr as the program chose it", function(domain)
    for _, choice in ipairs { { false, false }, { true, true }, { nil, true } } do
        local socket <close> = assert(system.socket("passive", domain))
        if choice[1] ~= nil then assert(socket:setoption("reuseaddr", choice[1])) end
        assert(socket:bind(net.loopback(domain)))
        equal(socket:getoption("reuseaddr"), choice[2])
    end
end)

both("accepted connections inherit what the passive socket has", function(domain)
    local passive <close>, address = net.listener(domain)
    assert(passive:setoption("nodelay", true))
    assert(passive:setoption("keepalive", 11, 7, 5))
    assert(passive:setoption("linger", 0))
    local near = net.connect(address)
    local far
    tasks.spawn(function() far = assert(passive:accept()) end)
    tasks.run()
    local _ <close> = net.closing(near, far)
    equal(far:getoption("nodelay"), true)
    same(tasks.results(far:getoption("keepalive")), { n = 3, 11, 7, 5 })
    equal(far:getoption("linger"), 0)
    equal(near:getoption("nodelay"), false)
end)

both("cork holds small pieces back until it is drawn", function(domain)
    local near, far, _, there = net.pair(domain)
    local _ <close> = net.closing(near, far)
    assert(near:setoption("cork", true))
    tasks.await(function()
        assert(near:write("one"))
        assert(near:write("two"))
    end)
    same({ native.recv(there) }, { nil, 11 })
    assert(near:setoption("cork", false))
    ok(native.readable(there, 1000))
    equal(native.recv(there), "onetwo")
end)

-- Numbers ----------------------------------------------------------------------------------------

both("keepalive has a delay, an interval and a count", function(domain)
    for _, kind in ipairs { "stream", "passive" } do
        local fd, socket = net.fd_of(system.socket, kind, domain)
        local _ <close> = socket
        same(tasks.results(socket:getoption("keepalive")), { n = 1, nil })
        for _, entry in ipairs { { { 7 }, { 7, 1, 10 } }, { { 7, 8 }, { 7, 8, 10 } },
                                 { { 7, nil, 9 }, { 7, 1, 9 } }, { { 3, 2, 1 }, { 3, 2, 1 } },
                                 { { "12", 4.0 }, { 12, 4, 10 } },
                                 { { 32767, 32767, 127 }, { 32767, 32767, 127 } } } do
            local given, kept = entry[1], entry[2]
            equal(socket:setoption("keepalive", given[1], given[2], given[3]), true)
            same({ socket:getoption("keepalive") }, kept)
            equal(native.option(fd, "keepidle"), kept[1])
            equal(native.option(fd, "keepintvl"), kept[2])
            equal(native.option(fd, "keepcnt"), kept[3])
        end
        for _, off in ipairs { { nil }, { false } } do
            assert(socket:setoption("keepalive", 5))
            equal(socket:setoption("keepalive", off[1]), true)
            same(tasks.results(socket:getoption("keepalive")), { n = 1, nil })
        end
    end
end)

both("a keepalive that is refused changes nothing", function(domain)
    local socket <close> = assert(system.socket("stream", domain))
    assert(socket:setoption("keepalive", 7, 8, 9))
    for _, given in ipairs { { 32768 }, { 1, 32768 }, { 1, 1, 128 }, { 2147483647 } } do
        same(tasks.results(socket:setoption("keepalive", table.unpack(given))), invalid)
    end
    local head = "bad argument #%d to 'setoption' (%s)"
    for _, entry in ipairs { { 2, "invalid argument", 0 }, { 2, "invalid argument", -1 },
                             { 2, "invalid argument", math.maxinteger },
                             { 3, "invalid argument", 1, 0 }, { 4, "invalid argument", 1, 1, -1 },
                             { 2, "number expected, got boolean", true },
                             { 3, "number expected, got boolean", 1, true },
                             { 4, "number expected, got table", 1, 1, {} },
                             { 2, "number has no integer representation", 1.5 } } do
        fails(function() socket:setoption("keepalive", table.unpack(entry, 3)) end,
              head:format(entry[1], entry[2]))
    end
    same({ socket:getoption("keepalive") }, { 7, 8, 9 })
end)

both("linger is a number of seconds or off", function(domain)
    for _, kind in ipairs { "stream", "passive" } do
        local socket <close> = assert(system.socket(kind, domain))
        same(tasks.results(socket:getoption("linger")), { n = 1, nil })
        for _, seconds in ipairs { 0, 1, 3600 } do
            equal(socket:setoption("linger", seconds), true)
            same(tasks.results(socket:getoption("linger")), { n = 1, seconds })
        end
        for _, wrong in ipairs { -1, math.mininteger, 2147483648 } do
            fails(function() socket:setoption("linger", wrong) end,
                  "bad argument #2 to 'setoption' (invalid argument)")
        end
        fails(function() socket:setoption("linger", true) end, "number expected, got boolean")
        equal(socket:getoption("linger"), 3600)
        equal(socket:setoption("linger", false), true)
        equal(socket:getoption("linger"), nil)
    end
end)

both("a socket that does not linger at all resets its connection", function(domain)
    local near, far = net.pair(domain)
    local _ <close> = net.closing(near, far)
    assert(near:setoption("linger", 0))
    near:close()
    same({ tasks.await(function() return far:read(net.resizable("x")) end) },
         { false, "connection reset by peer", 104 })
end)

case("buffer sizes are bytes, and the system keeps what it likes", function()
    each_kind(function(socket, _, kind)
        if kind[2] == "local" or kind[2] == "share" then
            for _, name in ipairs { "rcvbuf", "sndbuf" } do
                same(tasks.results(socket:setoption(name, 8192)), wrong_descriptor)
                same(tasks.results(socket:getoption(name)), wrong_descriptor)
            end
            assert(socket:bind("\0option-test"))
        end
        for _, name in ipairs { "rcvbuf", "sndbuf" } do
            equal(socket:setoption(name, 32768), true)
            equal(socket:getoption(name), 65536)
            equal(socket:setoption(name, 0), true)
            ok(socket:getoption(name) > 0)
            equal(socket:setoption(name, 2147483647), true)
            for _, wrong in ipairs { -1, 2147483648, math.mininteger } do
                fails(function() socket:setoption(name, wrong) end,
                      "bad argument #2 to 'setoption' (out of range)")
            end
            fails(function() socket:setoption(name) end, "number expected, got no value")
            fails(function() socket:setoption(name, true) end, "number expected, got boolean")
        end
    end)
end)

both("mcastttl is from 1 to 255", function(domain)
    local socket <close> = assert(system.socket("datagram", domain))
    equal(socket:getoption("mcastttl"), 1)
    for _, hops in ipairs { 1, 255, 17, "3", 4.0 } do
        equal(socket:setoption("mcastttl", hops), true)
        equal(socket:getoption("mcastttl"), math.tointeger(tonumber(hops)))
    end
    for _, wrong in ipairs { 0, 256, -1, math.maxinteger } do
        fails(function() socket:setoption("mcastttl", wrong) end,
              "bad argument #2 to 'setoption' (must be from 1 upto 255)")
    end
    fails(function() socket:setoption("mcastttl") end, "number expected, got no value")
    fails(function() socket:setoption("mcastttl", 1.5) end, "no integer representation")
    equal(socket:getoption("mcastttl"), 4)
end)

-- error ------------------------------------------------------------------------------------------

case("error tells what is pending and forgets it", function()
    each_kind(function(socket, _, kind)
        if kind[2] == "local" or kind[2] == "share" then
            same(tasks.results(socket:getoption("error")), wrong_descriptor)
            assert(socket:bind("\0option-test"))
        end
        same(tasks.results(socket:getoption("error")), { n = 1, nil })
        fails(function() socket:setoption("error", 1) end, "invalid option 'error'")
    end)
end)

both("error tells of a datagram that nobody wanted", function(domain)
    local near <close> = assert(system.socket("datagram", domain))
    local far = assert(system.socket("datagram", domain))
    assert(far:bind(net.loopback(domain)))
    assert(near:connect(far:getaddress()))
    far:close()
    tasks.await(function() assert(near:write("lost")) end)
    same(tasks.results(near:getoption("error")), { n = 2, "connection refused", 111 })
    same(tasks.results(near:getoption("error")), { n = 1, nil })
    tasks.await(function() equal(near:write("lost again"), true) end)
end)

both("error leaves that of a connection being made to connect", function(domain)
    local address = net.nowhere(domain)
    local stream <close> = assert(system.socket("stream", domain))
    local results
    tasks.spawn(function() results = tasks.results(stream:connect(address)) end)
    same(tasks.results(stream:getoption("error")), { n = 1, nil })
    tasks.run()
    same(results, { n = 3, false, "connection refused", 111 })
end)

-- permission -------------------------------------------------------------------------------------

-- The permissions of a file, as ls tells them.
local function mode_of(path)
    local pipe <close> = io.popen("stat -c %A " .. path)
    return string.sub(pipe:read("l"), 2)
end

case("permission adds to what everybody may do with the file", function()
    for _, kind in ipairs { { "stream", "local" }, { "stream", "share" },
                            { "passive", "local" }, { "passive", "share" } } do
        local path = os.tmpname()
        os.remove(path)
        local socket <close> = assert(system.socket(kind[1], kind[2]))
        same(tasks.results(socket:setoption("permission", "r")), wrong_descriptor)
        same(tasks.results(socket:getoption("permission")), wrong_descriptor)
        assert(socket:bind(path))
        assert(os.execute("chmod 700 " .. path))
        equal(socket:getoption("permission"), "")
        for _, entry in ipairs { { "r", "rwxr--r--", "r" }, { "w", "rwxrw-rw-", "rw" },
                                 { "r", "rwxrw-rw-", "rw" }, { "wrw", "rwxrw-rw-", "rw" } } do
            equal(socket:setoption("permission", entry[1]), true)
            equal(mode_of(path), entry[2])
            equal(socket:getoption("permission"), entry[3])
        end
        assert(os.execute("chmod 722 " .. path))
        equal(socket:getoption("permission"), "w")
        same(tasks.results(socket:setoption("permission", "")), invalid)
        same(tasks.results(socket:setoption("permission", nil)), invalid)
        same(tasks.results(socket:setoption("permission")), invalid)
        fails(function() socket:setoption("permission", "rx") end, "unknown option (got 'x')")
        fails(function() socket:setoption("permission", 7) end, "unknown option (got '7')")
        fails(function() socket:setoption("permission", {}) end, "string expected, got table")
        equal(mode_of(path), "rwx-w--w-")
    end
end)

case("permission needs a file", function()
    local socket <close> = assert(system.socket("passive", "local"))
    fails(function() socket:setoption("permission", "x") end, "unknown option (got 'x')")
    assert(socket:bind("\0option-test"))
    same(tasks.results(socket:setoption("permission", "r")), invalid)
    same(tasks.results(socket:getoption("permission")), invalid)
end)

-- Anything ---------------------------------------------------------------------------------------

-- What the documentation has for arguments; nothing else may be raised.
local documented = {
    "invalid option '", "string expected, got ", "number expected, got ", "value expected",
    "number has no integer representation", "invalid argument", "out of range",
    "must be from 1 upto 255", "unknown option (got '",
}

local function is_documented(problem)
    for _, text in ipairs(documented) do
        if string.find(problem, text, 1, true) then return true end
    end
    return false
end

case("whatever is given, only what is documented comes", function()
    local seed = tonumber(os.getenv("COUTIL_TEST_SEED")) or os.time()
    local random = math.random
    math.randomseed(seed)
    local names, letters = {}, "abcdefghijklmnopqrstuvwxyz\0%'\n "
    for name in pairs(all_names) do names[#names + 1] = name end
    table.sort(names)
    local literals = { "127.0.0.1", "::1", "224.0.0.251", "ff02::fb", "::%lo", "239.1.2.3", "",
                       "0.0.0.0", "::", "::%", "ff02::1%no", "r", "w", "rw", "1.2.3.4.5" }
    local function name()
        if random(4) > 1 then return names[random(#names)] end
        local text = {}
        for index = 1, random(0, 12) do
            local at = random(#letters)
            text[index] = string.sub(letters, at, at)
        end
        return table.concat(text)
    end
    local function value()
        local kind = random(9)
        if kind == 1 then return nil end
        if kind == 2 then return random(2) == 1 end
        if kind == 3 then return random(0) end
        if kind == 4 then return random(-2, 300) end
        if kind == 5 then return random() * 10 end
        if kind == 6 then return {} end
        if kind == 7 then return string.rep("9", random(0, 20)) end
        return literals[random(#literals)]
    end
    local function check(what, method, socket, ...)
        local results = tasks.results(pcall(socket[method], socket, ...))
        local good
        if not results[1] then
            good = is_documented(results[2])
        elseif results[2] == false and results.n > 2 then
            good = results.n == 4 and math.type(results[4]) == "integer" and results[4] > 0
        else
            good = method == "getoption" or results.n == 2 and results[2] == true
        end
        if not good then
            error(string.format("seed %d, %s: %s", seed, what, tostring(results[2])))
        end
    end
    for round = 1, 150 do
        each_kind(function(socket, _, kind)
            local what = table.concat({ "round", round, kind[1], kind[2] }, " ")
            for _ = 1, 6 do
                local chosen = name()
                if chosen ~= "linger" then -- closing might wait
                    check(what .. " set " .. chosen, "setoption", socket, chosen, value(), value(),
                          value())
                end
                check(what .. " get " .. chosen, "getoption", socket, chosen, value())
            end
        end)
    end
    print("seed " .. seed)
end)

suite.finish()
