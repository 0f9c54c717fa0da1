-- Manual: Network & IPC, datagram sockets (behaviour 4, 5, 7.1 to 7.3, 7.7): classes, addresses,
-- reading and writing, with a peer and without. What goes wrong is in socket_datagram_failures.

local suite = require("support.suite").strict()
local memory = require "memory"
local system = require "coutil.system"
local native = require "native"
local child = require "support.child"
local net = require "support.net"
local tasks = require "support.tasks"

local case, equal, same, ok, fails = suite.case, suite.equal, suite.same, suite.ok, suite.fails

-- A case for each domain.
local function both(name, body)
    for _, domain in ipairs(net.domains) do
        case(name .. " (" .. domain .. ")", function() body(domain) end)
    end
end

-- A datagram socket bound to loopback, and its address.
local function bound(domain)
    local socket = assert(system.socket("datagram", domain))
    assert(socket:bind(net.loopback(domain)))
    return socket, socket:getaddress()
end

local function other(domain)
    return domain == "ipv4" and "ipv6" or "ipv4"
end

-- Reads `count` datagrams in a task; they are in the table that is returned as they come.
local function reading(socket, count, room)
    local came = {}
    tasks.spawn(function()
        local buffer <const> = memory.create(room or 2048)
        for _ = 1, count do
            local size, truncated = socket:read(buffer)
            assert(size, truncated)
            came[#came + 1] = buffer:tostring(1, size) .. (truncated and "..." or "")
        end
    end)
    return came
end

-- Creation and classes ---------------------------------------------------------------------------

both("datagram sockets have the class of their kind", function(domain)
    local fd, socket = net.fd_of(system.socket, "datagram", domain)
    local _ <close> = socket
    local metatable = getmetatable(socket)
    equal(metatable.__name, "coutil:udp")
    equal(metatable.__metatable, nil)
    local names = {}
    for name in pairs(metatable.__index) do names[#names + 1] = name end
    table.sort(names)
    equal(table.concat(names, " "),
          "bind close connect getaddress getdomain getoption read setoption write")
    for _, absent in ipairs { "accept", "listen", "shutdown" } do
        equal(socket[absent], nil)
    end
    same({ native.flags(fd) }, { true, false }, "close-on-exec and blocking")
    equal(socket:getdomain(), domain)
end)

case("there are no local and no share datagram sockets", function()
    for _, domain in ipairs { "local", "share" } do
        same({ system.socket("datagram", domain) }, { false, "socket type not supported", 3011 })
    end
end)

case("methods refuse what is no datagram socket", function()
    local datagram <close> = assert(system.socket("datagram", "ipv4"))
    local stream <close> = assert(system.socket("stream", "ipv4"))
    for _, method in pairs(getmetatable(datagram).__index) do
        for _, wrong in ipairs { stream, io.stdout, {}, 1 } do
            fails(function() method(wrong) end, "bad argument #1 to")
            fails(function() method(wrong) end, "coutil:udp expected, got ")
        end
        fails(function() method() end, "coutil:udp expected, got no value")
    end
    fails(function() stream.read(datagram) end, "coutil:tcpactive expected, got coutil:udp")
end)

both("close returns true; then every method but getdomain raises closed object", function(domain)
    local socket = assert(system.socket("datagram", domain))
    same(table.pack(socket:close()), { n = 1, true })
    for name, method in pairs(getmetatable(socket).__index) do
        if name ~= "getdomain" then
            fails(function() method(socket) end, "(closed object)")
        end
    end
    equal(socket:getdomain(), domain)
    equal(select("#", getmetatable(socket).__close(socket)), 0)
    equal(select("#", getmetatable(socket).__gc(socket)), 0)
end)

-- Addresses --------------------------------------------------------------------------------------

both("an unbound socket has the wildcard address with port zero, and no peer", function(domain)
    local socket <close> = assert(system.socket("datagram", domain))
    ok(socket:getaddress() == system.address(domain))
    same({ socket:getaddress("peer") }, { false, "socket is not connected", 107 })
    local into = system.address(domain)
    ok(rawequal(socket:getaddress("self", into), into))
    fails(function() socket:getaddress("self", system.address(other(domain))) end, "wrong domain")
end)

both("bind takes an address of the domain, once, and reuses none", function(domain)
    local socket <close> = assert(system.socket("datagram", domain))
    fails(function() socket:bind(system.address(other(domain))) end,
          "bad argument #1 to 'bind' (wrong domain)")
    fails(function() socket:bind("127.0.0.1:0") end, "coutil:netaddress expected, got string")
    same({ socket:bind(net.loopback(domain)) }, { true })
    same({ socket:bind(net.loopback(domain)) }, { false, "invalid argument", 22 })
    local second <close> = assert(system.socket("datagram", domain))
    same({ second:bind(socket:getaddress()) }, { false, "address already in use", 98 })
    same({ second:bind(net.loopback(domain)) }, { true }, "and may be bound elsewhere")
    local foreign = system.address(domain, domain == "ipv4" and "192.0.2.1" or "2001:db8::1", 0)
    local third <close> = assert(system.socket("datagram", domain))
    same({ third:bind(foreign) }, { false, "address not available", 99 })
end)

both("writing binds an unbound socket", function(domain)
    local far <close>, address = bound(domain)
    local near <close> = assert(system.socket("datagram", domain))
    local came = reading(far, 1)
    equal(tasks.await(function() return near:write("x", 1, 1, address) end), true)
    same(came, { "x" })
    ok(near:getaddress().port > 0)
end)

-- Reading ----------------------------------------------------------------------------------------

both("read checks buffer, range, address, use and yielding in that order", function(domain)
    local socket <close> = bound(domain)
    local buffer = memory.create(4)
    local wrong = system.address(other(domain))
    local waiting = tasks.spawn(function() socket:read(buffer) end)
    fails(function() socket:read("x", {}, {}, wrong) end,
          "bad argument #1 to 'read' (memory expected, got string)")
    fails(function() socket:read() end, "memory expected, got no value")
    fails(function() socket:read(buffer, {}, {}, wrong) end, "bad argument #2 to 'read' (number")
    fails(function() socket:read(buffer, 1, {}, wrong) end, "bad argument #3 to 'read' (number")
    fails(function() socket:read(buffer, 1, 1.5, wrong) end, "no integer representation")
    fails(function() socket:read(buffer, 1, -1, wrong) end,
          "bad argument #4 to 'read' (wrong domain)")
    fails(function() socket:read(buffer) end, "calling 'read' on bad self (already in use)")
    coroutine.close(waiting)
    fails(function() socket:read(buffer, 1, 0) end, "unable to yield")
end)

both("read yields no values, and returns a count and whether it was cut", function(domain)
    local far <close>, address = bound(domain)
    local near <close> = assert(system.socket("datagram", domain))
    local buffer = memory.create(5)
    local results
    local task = coroutine.create(function()
        results = { table.pack(far:read(buffer)), table.pack(far:read(buffer)),
                    table.pack(far:read(buffer, 2, 3)) }
    end)
    same(table.pack(coroutine.resume(task)), { n = 1, true })
    tasks.spawn(function()
        for _, text in ipairs { "hello", "longer", "ab" } do
            equal(near:write(text, 1, -1, address), true)
        end
    end)
    tasks.run()
    same(results, { { n = 2, 5, false }, { n = 2, 5, true }, { n = 2, 2, false } })
    equal(buffer:tostring(), "labge", "the third went into the range")
end)

both("empty datagrams are data", function(domain)
    local far <close>, address = bound(domain)
    local near <close>, own = bound(domain)
    local from = system.address(domain)
    local results
    tasks.spawn(function() results = table.pack(far:read(memory.create(8), 1, -1, from)) end)
    tasks.spawn(function() equal(near:write("", 1, -1, address), true) end)
    tasks.run()
    same(results, { n = 2, 0, false })
    ok(from == own, "the sender of an empty one is told too")
    local came = reading(far, 3)
    tasks.spawn(function()
        equal(near:write("abc", 3, 2, address), true, "an empty range")
        equal(near:write({}, 1, -1, address), true, "an empty table")
        equal(near:write(memory.create(0), 1, -1, address), true, "an empty memory")
    end)
    tasks.run()
    same(came, { "", "", "" })
end)

both("the sender goes into the address object that is given, whatever it held", function(domain)
    local far <close>, address = bound(domain)
    local from = system.address(domain, domain == "ipv4" and "10.1.2.3" or "2001:db8::7", 7)
    for _ = 1, 3 do
        local near <close>, own = bound(domain)
        tasks.spawn(function() equal(far:read(memory.create(8), nil, nil, from), 1) end)
        tasks.spawn(function() near:write("x", nil, nil, address) end)
        tasks.run()
        ok(from == own)
        equal(from.type, domain)
    end
end)

both("what is no address is ignored in a read", function(domain)
    local far <close>, address = bound(domain)
    local near <close> = bound(domain)
    for _, ignored in ipairs { 0, "x", {}, false, io.stdout, near } do
        tasks.spawn(function() equal(far:read(memory.create(8), 1, -1, ignored), 1) end)
        tasks.spawn(function() near:write("x", 1, -1, address) end)
        tasks.run()
    end
end)

both("buffer and range count when the datagram is taken", function(domain)
    local far <close>, address = bound(domain)
    local near <close> = bound(domain)
    local buffer = net.resizable("....")
    local size, cut
    tasks.spawn(function() size, cut = far:read(buffer, 3, -2) end)
    tasks.rounds(2)
    buffer:resize(9, "")
    tasks.spawn(function() near:write("123456789", 1, -1, address) end)
    tasks.run()
    same({ size, cut }, { 6, true })
    equal(string.sub(buffer:tostring(), 3, 8), "123456")
    -- A range that has become empty takes nothing.
    local results
    tasks.spawn(function() results = table.pack(far:read(buffer)) end)
    tasks.rounds(2)
    buffer:resize(0)
    tasks.spawn(function() near:write("kept", 1, -1, address) end)
    tasks.run()
    same(results, { n = 3, false, "no buffer space available", 105 })
    local came = reading(far, 1)
    tasks.run()
    same(came, { "kept" })
end)

both("an empty range fails at once and takes nothing", function(domain)
    local socket <close> = bound(domain)
    local expected = { false, "no buffer space available", 105 }
    local task = coroutine.wrap(function()
        same({ socket:read(memory.create(0)) }, expected)
        same({ socket:read(memory.create(4), 3, 2) }, expected)
        return "not suspended"
    end)
    equal(task(), "not suspended")
end)

both("datagrams wait in the kernel until somebody reads, and in their order", function(domain)
    local far <close>, address = bound(domain)
    local near <close> = bound(domain)
    local expected = {}
    tasks.spawn(function()
        for index = 1, 40 do
            expected[index] = string.rep("x", index)
            assert(near:write(expected[index], 1, -1, address))
        end
    end)
    tasks.run()
    local came = reading(far, 40)
    tasks.run()
    same(came, expected)
end)

both("a reader that finds nothing waits on, and no round counts it", function(domain)
    local far <close>, address = bound(domain)
    local near <close> = bound(domain)
    local count = 0
    tasks.spawn(function()
        local buffer = memory.create(8)
        while count < 20 do
            assert(far:read(buffer))
            count = count + 1
        end
    end)
    for expected = 1, 20 do
        equal(system.run("ready"), true)
        equal(count, expected - 1)
        local sent = coroutine.create(function() near:write("x", 1, -1, address) end)
        assert(coroutine.resume(sent))
        while coroutine.status(sent) ~= "dead" or count < expected do
            system.run("step")
        end
        equal(count, expected)
    end
    tasks.run()
end)

both("two sockets that are never empty do not starve what else waits", function(domain)
    local near <close> = bound(domain)
    local stop = false
    local counts = { 0, 0 }
    local sockets = {}
    for index = 1, 2 do
        local socket, address = bound(domain)
        sockets[index] = socket
        tasks.spawn(function() -- two datagrams are always on their way from the socket to itself
            local buffer = memory.create(8)
            assert(socket:write("a", 1, -1, address))
            assert(socket:write("b", 1, -1, address))
            while not stop do
                assert(socket:read(buffer))
                assert(socket:write(buffer, 1, 1, address))
                counts[index] = counts[index] + 1
            end
        end)
    end
    local here, there = net.pair(domain)
    local late, other = bound(domain)
    local _ <close> = net.closing(here, there, late, sockets[1], sockets[2])
    local heard = {}
    tasks.spawn(function() heard.stream = there:read(memory.create(8)) end)
    tasks.spawn(function() heard.datagram = late:read(memory.create(8)) end)
    tasks.spawn(function()
        system.suspend(0.01)
        assert(here:write("x"))
        assert(near:write("x", 1, -1, other))
    end)
    tasks.spawn(function()
        repeat system.suspend(0.001) until heard.stream and heard.datagram
        stop = true
    end)
    tasks.run()
    ok(counts[1] > 0 and counts[2] > 0)
end)

both("reading an unbound socket is possible", function(domain)
    local socket <close> = assert(system.socket("datagram", domain))
    local results
    tasks.spawn(function() results = table.pack(socket:read(memory.create(4))) end)
    tasks.rounds(2)
    equal(results, nil)
    -- It is bound by a write of its own, and hears of it.
    local far <close>, address = bound(domain)
    tasks.spawn(function() socket:write("ask", 1, -1, address) end)
    tasks.spawn(function()
        local from = system.address(domain)
        far:read(memory.create(4), 1, -1, from)
        from.literal = net.loopback(domain).literal
        far:write("told", 1, -1, from)
    end)
    tasks.run()
    same(results, { n = 2, 4, false })
end)

-- Writing ----------------------------------------------------------------------------------------

both("write checks yielding, address, data and range in that order", function(domain)
    local socket <close>, address = bound(domain)
    local wrong = system.address(other(domain))
    fails(function() socket:write() end, "unable to yield")
    tasks.await(function()
        fails(function() socket:write() end,
              "bad argument #4 to 'write' (coutil:netaddress expected, got no value)")
        fails(function() socket:write(nil, 1, 1, "x") end,
              "coutil:netaddress expected, got string")
        fails(function() socket:write(nil, {}, {}, wrong) end,
              "bad argument #4 to 'write' (wrong domain)")
        fails(function() socket:write(nil, {}, {}, address) end,
              "bad argument #1 to 'write' (string or memory expected, got nil)")
        fails(function() socket:write("x", {}, {}, address) end,
              "bad argument #2 to 'write' (number expected")
        fails(function() socket:write("x", 1, {}, address) end,
              "bad argument #3 to 'write' (number expected")
        fails(function() socket:write({ "x", true }, 1, -1, address) end,
              "bad value #2 in data (string or memory expected, got boolean)")
    end)
end)

both("a datagram leaves during the call, and the call yields all the same", function(domain)
    local fd, far, address = net.fd_of(bound, domain)
    local _ <close> = far
    local near <close> = bound(domain)
    local results
    local task = coroutine.create(function()
        results = table.pack(near:write("now", 1, -1, address))
    end)
    same(table.pack(coroutine.resume(task)), { n = 1, true })
    ok(native.readable(fd, 0))
    equal(native.recv(fd), "now")
    equal(results, nil)
    tasks.rounds(1)
    same(results, { n = 1, true })
end)

both("all kinds of data make a datagram", function(domain)
    local far <close>, address = bound(domain)
    local near <close> = bound(domain)
    local came = reading(far, 7)
    tasks.spawn(function()
        assert(near:write("string", 2, -2, address))
        assert(near:write(12.5, 1, -1, address))
        assert(near:write(memory.create("fixed"), -3, nil, address))
        assert(near:write(net.resizable("resizable"), nil, 4, address))
        assert(near:write({ "a", 1, memory.create("bc"), "", net.resizable("d") }, 2, -2, address))
        assert(near:write("a\0b", 1, -1, address))
        local parts = {}
        for index = 1, 1500 do parts[index] = index % 10 end
        assert(near:write(parts, 1, -1, address))
    end)
    tasks.run()
    same(came, { "trin", "12.5", "xed", "resi", "1bc", "a\0b", string.rep("1234567890", 150) })
end)

both("the memory of a datagram may change as soon as write was called", function(domain)
    local far <close>, address = bound(domain)
    local near <close> = bound(domain)
    local bytes = net.resizable("before")
    local came = reading(far, 1)
    local to = near:getaddress()
    to.port = address.port
    tasks.spawn(function() near:write(bytes, 1, -1, to) end)
    bytes:resize(0)
    to.port = 1
    tasks.run()
    same(came, { "before" })
end)

both("the largest datagram arrives whole", function(domain)
    local far <close>, address = bound(domain)
    local near <close> = bound(domain)
    local largest = domain == "ipv4" and 65507 or 65527
    local text = net.text(largest)
    local came = reading(far, 1, 70000)
    tasks.spawn(function()
        equal(near:write(text, 1, -1, address), true)
        same({ near:write(text .. "x", 1, -1, address) }, { false, "message too long", 90 })
        same({ near:write(net.text(200000), 1, -1, address) }, { false, "message too long", 90 })
    end)
    tasks.run()
    ok(came[1] == text)
end)

both("writes of several coroutines go in the order of the calls", function(domain)
    local far <close>, address = bound(domain)
    local near <close> = bound(domain)
    local order = {}
    tasks.spawn_busy(function()
        for index = 1, 5 do
            tasks.spawn(function()
                assert(near:write(tostring(index), 1, -1, address))
                order[#order + 1] = index
            end)
        end
    end)
    local came = reading(far, 5)
    tasks.run()
    same(came, { "1", "2", "3", "4", "5" })
    same(order, { 1, 2, 3, 4, 5 })
end)

-- With a peer ------------------------------------------------------------------------------------

both("connect returns at once, from the main program too", function(domain)
    local far <close>, address = bound(domain)
    local near <close> = assert(system.socket("datagram", domain))
    same(table.pack(near:connect(address)), { n = 1, true })
    ok(near:getaddress("peer") == address)
    equal(near:getaddress().literal, net.loopback(domain).literal)
    same({ near:connect(address) }, { false, "socket is already connected", 106 })
    same(table.pack(near:connect(nil)), { n = 1, true })
    same({ near:getaddress("peer") }, { false, "socket is not connected", 107 })
    same({ near:connect(nil) }, { false, "socket is not connected", 107 })
    same({ near:connect() }, { false, "socket is not connected", 107 })
    same({ near:connect(far:getaddress()) }, { true })
    same({ near:connect() }, { true }, "the absent argument disconnects as well")
    fails(function() near:connect(system.address(other(domain))) end,
          "bad argument #1 to 'connect' (wrong domain)")
    fails(function() near:connect("x") end, "coutil:netaddress expected, got string")
    fails(function() near:connect(false) end, "coutil:netaddress expected, got boolean")
end)

both("a connected socket needs no address and ignores one", function(domain)
    local far <close>, address = bound(domain)
    local elsewhere <close>, ignored = bound(domain)
    local near <close> = assert(system.socket("datagram", domain))
    assert(near:connect(address))
    local came = reading(far, 4)
    tasks.spawn(function()
        assert(near:write("one"))
        assert(near:write("two", 1, -1, ignored))
        assert(near:write("three", 1, -1, system.address(other(domain))))
        assert(near:write("four", 1, -1, "address"))
    end)
    tasks.run()
    same(came, { "one", "two", "three", "four" })
    ok(elsewhere)
end)

both("a connected socket hears its peer only", function(domain)
    local far <close>, address = bound(domain)
    local stranger <close> = bound(domain)
    local near <close>, own = bound(domain)
    assert(near:connect(address))
    local from = system.address(domain)
    local buffer = memory.create(8)
    local size
    tasks.spawn(function() size = near:read(buffer, 1, -1, from) end)
    tasks.spawn(function() assert(stranger:write("stranger", 1, -1, own)) end)
    tasks.rounds(3)
    equal(size, nil)
    tasks.spawn(function() assert(far:write("peer", 1, -1, own)) end)
    tasks.run()
    equal(buffer:tostring(1, size), "peer")
    ok(from == address)
end)

both("disconnecting leaves the address that was bound, and everybody is heard", function(domain)
    local far <close>, address = bound(domain)
    local near <close>, own = bound(domain)
    for _ = 1, 2 do
        assert(near:connect(address))
        assert(near:connect())
        ok(near:getaddress() == own)
    end
    local came = reading(near, 1)
    tasks.spawn(function() assert(far:write("again", 1, -1, own)) end)
    tasks.run()
    same(came, { "again" })
    fails(function() tasks.await(function() near:write("x") end) end, "coutil:netaddress expected")
end)

both("connecting while somebody reads", function(domain)
    local far <close>, address = bound(domain)
    local near <close>, own = bound(domain)
    local came = reading(near, 2)
    tasks.rounds(2)
    assert(near:connect(address))
    tasks.spawn(function()
        assert(far:write("first", 1, -1, own))
        tasks.pause(4)
        assert(near:connect())
        assert(far:write("second", 1, -1, own))
    end)
    tasks.run()
    same(came, { "first", "second" })
end)

case("an ipv6 socket reaches ipv4 by mapped addresses", function()
    local far <close>, address = bound("ipv4")
    local near <close> = assert(system.socket("datagram", "ipv6"))
    local mapped = system.address("ipv6", "::ffff:127.0.0.1", address.port)
    local from4, from6 = system.address("ipv4"), system.address("ipv6")
    tasks.spawn(function()
        equal(far:read(memory.create(4), 1, -1, from4), 4)
        assert(far:write("pong", 1, -1, from4))
    end)
    tasks.spawn(function()
        assert(near:write("ping", 1, -1, mapped))
        equal(near:read(memory.create(4), 1, -1, from6), 4)
    end)
    tasks.run()
    ok(from6 == mapped)
end)

-- Between processes ------------------------------------------------------------------------------

both("datagrams travel between processes", function(domain)
    local far <close>, address = bound(domain)
    local chunk = child.prelude .. string.format([[
        local socket = assert(system.socket("datagram", %q))
        assert(socket:connect(system.address(%q, %q, %d)))
        local buffer = memory.create(100)
        tasks.spawn(function()
            for index = 1, 50 do
                assert(socket:write("request " .. index))
                local size = assert(socket:read(buffer))
                assert(buffer:tostring(1, size) == "answer " .. index)
            end
            assert(socket:write(""))
        end)
        tasks.run()
        print "done"
    ]], domain, domain, address.literal, address.port)
    local command, path = child.command(chunk)
    local pipe = assert(io.popen("(" .. command .. ") 2>&1", "r"))
    local count = 0
    tasks.spawn(function()
        local buffer, from = memory.create(100), system.address(domain)
        while true do
            local size = assert(far:read(buffer, 1, -1, from))
            if size == 0 then break end
            count = count + 1
            local number = string.match(buffer:tostring(1, size), "^request (%d+)$")
            assert(far:write("answer " .. number, 1, -1, from))
        end
    end)
    tasks.run(20)
    equal(pipe:read("a"), "done\n")
    pipe:close()
    os.remove(path)
    equal(count, 50)
end)

suite.finish()
