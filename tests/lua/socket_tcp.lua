-- Manual: Network & IPC, TCP sockets as objects (behaviour 4, 7.1 to 7.5, 7.9): classes, addresses,
-- binding, listening, accepting, connecting, options, closing.

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

local function methods_of(object)
    local names = {}
    for name in pairs(getmetatable(object).__index) do names[#names + 1] = name end
    table.sort(names)
    return table.concat(names, " ")
end

-- Creation and classes ---------------------------------------------------------------------------

case("socket checks the type first, then the domain", function()
    local head = "bad argument #%d to 'socket' (%s)"
    fails(function() system.socket("tcp", "ip") end, head:format(1, "invalid option 'tcp'"))
    fails(function() system.socket("stream", "ip") end, head:format(2, "invalid option 'ip'"))
    fails(function() system.socket() end, head:format(1, "string expected, got no value"))
    fails(function() system.socket("stream") end, head:format(2, "string expected, got no value"))
    fails(function() system.socket({}, {}) end, head:format(1, "string expected, got table"))
end)

both("sockets have the class of their kind", function(domain)
    local expected = {
        stream = { "coutil:tcpactive",
                   "bind close connect getaddress getdomain getoption read setoption "
                   .. "shutdown write" },
        passive = { "coutil:tcppassive",
                    "accept bind close getaddress getdomain getoption listen setoption" },
    }
    for kind, class in pairs(expected) do
        local socket <close> = assert(system.socket(kind, domain))
        local metatable = getmetatable(socket)
        equal(metatable.__name, class[1])
        equal(methods_of(socket), class[2])
        equal(metatable.__metatable, nil)
        equal(type(metatable.__gc), "function")
        equal(type(metatable.__close), "function")
        ok(string.find(tostring(socket), "^" .. class[1] .. ": 0x"), tostring(socket))
        local other <close> = assert(system.socket(kind, domain))
        ok(socket ~= other)
        equal(getmetatable(other), metatable)
    end
end)

both("the descriptor is made at once, close-on-exec and blocking", function(domain)
    for _, kind in ipairs { "stream", "passive" } do
        local fd, socket = net.fd_of(system.socket, kind, domain)
        local _ <close> = socket
        same({ native.flags(fd) }, { true, false })
    end
end)

both("accepted and connected streams are close-on-exec and blocking", function(domain)
    local near, far, here, there = net.pair(domain)
    local _ <close> = net.closing(near, far)
    same({ native.flags(here) }, { true, false })
    same({ native.flags(there) }, { true, false })
end)

both("getdomain tells the domain, on closed sockets too", function(domain)
    for _, kind in ipairs { "stream", "passive" } do
        local socket = assert(system.socket(kind, domain))
        equal(socket:getdomain(), domain)
        socket:close()
        equal(socket:getdomain(), domain)
    end
end)

case("methods refuse what is no socket of their class", function()
    local stream = assert(system.socket("stream", "ipv4"))
    local passive = assert(system.socket("passive", "ipv4"))
    local _ <close> = net.closing(stream, passive)
    for name, method in pairs(getmetatable(stream).__index) do
        for _, wrong in ipairs { passive, io.stdout, {}, 1 } do
            local text = "coutil:tcpactive expected, got "
            fails(function() method(wrong) end, "bad argument #1 to")
            fails(function() method(wrong) end, text)
        end
        fails(function() method() end, "coutil:tcpactive expected, got no value")
        ok(name)
    end
    for _, method in pairs(getmetatable(passive).__index) do
        fails(function() method(stream) end, "coutil:tcppassive expected, got coutil:tcpactive")
    end
    fails(function() stream.read(passive) end,
          "bad argument #1 to 'read' (coutil:tcpactive expected, got coutil:tcppassive)")
end)

-- Closing ----------------------------------------------------------------------------------------

both("close returns true; then every method but getdomain raises closed object", function(domain)
    for _, kind in ipairs { "stream", "passive" } do
        local socket = assert(system.socket(kind, domain))
        same(table.pack(socket:close()), { n = 1, true })
        for name, method in pairs(getmetatable(socket).__index) do
            if name ~= "getdomain" then
                fails(function() method(socket) end, "(closed object)")
            end
        end
        fails(function() socket:close() end, "calling 'close' on bad self (closed object)")
        equal(select("#", getmetatable(socket).__close(socket)), 0)
        equal(select("#", getmetatable(socket).__gc(socket)), 0)
    end
end)

both("leaving the scope of a to-be-closed socket closes it", function(domain)
    local kept
    do
        local socket <close> = assert(system.socket("stream", domain))
        kept = socket
    end
    fails(function() kept:getaddress() end, "closed object")
    do
        local socket <close> = assert(system.socket("passive", domain))
        socket:close()
    end
end)

-- Addresses --------------------------------------------------------------------------------------

both("unbound sockets have the wildcard address with port zero, and no peer", function(domain)
    for _, kind in ipairs { "stream", "passive" } do
        local socket <close> = assert(system.socket(kind, domain))
        ok(socket:getaddress() == system.address(domain))
        ok(socket:getaddress("self") == system.address(domain))
        ok(socket:getaddress(nil, nil) == system.address(domain))
        same({ socket:getaddress("peer") }, { false, "socket is not connected", 107 })
    end
end)

both("getaddress fills the address object it is given, and ignores other values", function(domain)
    local socket <close> = assert(system.socket("stream", domain))
    assert(socket:bind(net.loopback(domain)))
    local into = system.address(domain)
    ok(rawequal(socket:getaddress("self", into), into))
    ok(into.port > 0)
    for _, other in ipairs { 1, "x", {}, io.stdout, false } do
        ok(socket:getaddress("self", other) == into)
    end
    local wrong = system.address(domain == "ipv4" and "ipv6" or "ipv4")
    fails(function() socket:getaddress("self", wrong) end,
          "bad argument #2 to 'getaddress' (wrong domain)")
    fails(function() socket:getaddress("mine") end,
          "bad argument #1 to 'getaddress' (invalid option 'mine')")
end)

both("both ends of a connection know each other's address", function(domain)
    local near, far = net.pair(domain)
    local _ <close> = net.closing(near, far)
    ok(near:getaddress("self") == far:getaddress("peer"))
    ok(near:getaddress("peer") == far:getaddress("self"))
    equal(near:getaddress("peer").literal, domain == "ipv4" and "127.0.0.1" or "::1")
end)

-- bind -------------------------------------------------------------------------------------------

both("bind takes an address of the domain and returns true", function(domain)
    for _, kind in ipairs { "stream", "passive" } do
        local socket <close> = assert(system.socket(kind, domain))
        local wrong = system.address(domain == "ipv4" and "ipv6" or "ipv4")
        fails(function() socket:bind(wrong) end, "bad argument #1 to 'bind' (wrong domain)")
        fails(function() socket:bind("127.0.0.1:0") end, "coutil:netaddress expected, got string")
        fails(function() socket:bind() end, "coutil:netaddress expected, got no value")
        same({ socket:bind(net.loopback(domain)) }, { true })
        ok(socket:getaddress().port > 0)
        same({ socket:bind(net.loopback(domain)) }, { false, "invalid argument", 22 })
    end
end)

both("bind fails at once for an address that is not ours", function(domain)
    local socket <close> = assert(system.socket("stream", domain))
    local foreign = system.address(domain, domain == "ipv4" and "192.0.2.1" or "2001:db8::1", 0)
    same({ socket:bind(foreign) }, { false, "address not available", 99 })
end)

both("a port that is taken is reported by the call after bind", function(domain)
    local taken <close>, address = net.listener(domain)
    ok(taken)
    local expected = { false, "address already in use", 98 }
    do
        local socket <close> = assert(system.socket("passive", domain))
        same({ socket:bind(address) }, { true })
        same({ socket:listen(1) }, expected)
    end
    do
        local socket <close> = assert(system.socket("passive", domain))
        same({ socket:bind(address) }, { true })
        same({ socket:getaddress() }, expected)
    end
    do
        local socket <close> = assert(system.socket("stream", domain))
        same({ socket:bind(address) }, { true })
        local yielded = false
        local results
        tasks.spawn(function()
            results = { socket:connect(address) }
            ok(yielded)
        end)
        yielded = true
        tasks.run()
        same(results, expected)
    end
end)

case("ipv6 sockets are dual stack, and streams reuse addresses", function()
    local fd, socket = net.fd_of(system.socket, "passive", "ipv6")
    local _ <close> = socket
    assert(socket:bind(system.address("ipv6")))
    equal(native.option(fd, "v6only"), 0)
    equal(native.option(fd, "reuseaddr"), 1)
    assert(socket:listen(4))
    local port = socket:getaddress().port
    tasks.spawn(function()
        local stream <close> = assert(socket:accept())
        equal(stream:getdomain(), "ipv6")
        equal(stream:getaddress("peer").literal, "::ffff:127.0.0.1")
    end)
    tasks.spawn(function()
        net.connect(system.address("ipv4", "127.0.0.1", port)):close()
    end)
    tasks.run()
end)

both("client streams may be bound", function(domain)
    local listener <close>, address = net.listener(domain)
    local stream <close> = assert(system.socket("stream", domain))
    assert(stream:bind(net.loopback(domain)))
    local bound = stream:getaddress()
    tasks.spawn(function() assert(stream:connect(address)) end)
    tasks.spawn(function()
        local there <close> = assert(listener:accept())
        ok(there:getaddress("peer") == bound)
    end)
    tasks.run()
end)

-- listen and accept ------------------------------------------------------------------------------

both("listen checks type, state and range in that order", function(domain)
    local socket <close> = assert(system.socket("passive", domain))
    fails(function() socket:listen() end, "bad argument #1 to 'listen' (number expected")
    for _, backlog in ipairs { -1, 2147483648, math.mininteger } do
        fails(function() socket:listen(backlog) end, "bad argument #1 to 'listen' (out of range)")
    end
    same({ socket:listen(0) }, { true })
    ok(socket:getaddress().port > 0, "an unbound socket listens on a port of the system's choice")
    fails(function() socket:listen(-1) end, "calling 'listen' on bad self (already listening)")
    fails(function() socket:listen("x") end, "number expected")
    same({ socket:bind(net.loopback(domain)) }, { false, "invalid argument", 22 })
end)

both("listen accepts the largest backlog", function(domain)
    local socket <close> = assert(system.socket("passive", domain))
    same({ socket:listen(2147483647) }, { true })
end)

both("accept checks listening, in use and yielding in that order", function(domain)
    local socket <close> = assert(system.socket("passive", domain))
    fails(function() socket:accept() end, "calling 'accept' on bad self (not listening)")
    assert(socket:listen(1))
    fails(function() socket:accept() end, "unable to yield")
    local waiting = tasks.spawn(function() socket:accept() end)
    fails(function() socket:accept() end, "calling 'accept' on bad self (already in use)")
    local other = coroutine.wrap(function() return pcall(socket.accept, socket) end)
    same({ other() }, { false, "bad argument #1 to '?' (already in use)" })
    coroutine.close(waiting)
end)

both("accept returns connected streams in the order they came", function(domain)
    local listener <close>, address = net.listener(domain)
    local clients, ports = {}, {}
    for index = 1, 4 do
        clients[index] = net.connect(address)
        ports[index] = clients[index]:getaddress().port
    end
    tasks.spawn(function()
        for index = 1, 4 do
            local stream <close> = assert(listener:accept())
            equal(getmetatable(stream).__name, "coutil:tcpactive")
            equal(stream:getdomain(), domain)
            equal(stream:getaddress("peer").port, ports[index])
        end
    end)
    tasks.run()
    for _, client in ipairs(clients) do client:close() end
end)

both("a connection that ended while it was pending is accepted or skipped", function(domain)
    local listener <close>, address = net.listener(domain)
    for _ = 1, 3 do
        local fd, client = net.fd_of(net.connect, address)
        native.linger(fd)
        client:close()
    end
    local last <close> = net.connect(address)
    local port = last:getaddress().port
    tasks.spawn(function()
        for _ = 1, 4 do
            local stream <close> = assert(listener:accept())
            local peer = stream:getaddress("peer")
            if peer and peer.port == port then return end
        end
        error("the living connection was not accepted")
    end)
    tasks.run()
end)

-- connect ----------------------------------------------------------------------------------------

both("connect checks self, yielding and the address in that order", function(domain)
    local stream = assert(system.socket("stream", domain))
    fails(function() stream:connect() end, "unable to yield")
    tasks.await(function()
        local wrong = system.address(domain == "ipv4" and "ipv6" or "ipv4")
        fails(function() stream:connect(wrong) end, "bad argument #1 to 'connect' (wrong domain)")
        fails(function() stream:connect() end, "coutil:netaddress expected, got no value")
        fails(function() stream:connect("127.0.0.1:80") end, "coutil:netaddress expected")
    end)
    stream:close()
    fails(function() stream:connect() end, "closed object")
end)

both("connect returns true after yielding", function(domain)
    local listener <close>, address = net.listener(domain)
    local stream <close> = assert(system.socket("stream", domain))
    local task = coroutine.create(function() return select("#", stream:connect(address)) end)
    same(table.pack(coroutine.resume(task)), { n = 1, true })
    equal(coroutine.status(task), "suspended")
    tasks.run()
    equal(coroutine.status(task), "dead")
    ok(listener)
end)

both("a second connect tells that one is on its way, or done", function(domain)
    local listener <close>, address = net.listener(domain)
    local stream <close> = assert(system.socket("stream", domain))
    tasks.spawn(function() equal(stream:connect(address), true) end)
    tasks.spawn(function()
        same({ stream:connect(address) }, { false, "connection already in progress", 114 })
    end)
    tasks.run()
    same({ tasks.await(function() return stream:connect(address) end) },
         { false, "socket is already connected", 106 })
    ok(listener)
end)

-- Options ----------------------------------------------------------------------------------------

both("nodelay is turned on and off by truthiness", function(domain)
    local fd, stream = net.fd_of(system.socket, "stream", domain)
    local _ <close> = stream
    for _, entry in ipairs { { true, 1 }, { false, 0 }, { 0, 1 }, { n = 2 }, { "", 1 } } do
        same({ stream:setoption("nodelay", entry[1]) }, { true })
        equal(native.option(fd, "nodelay") ~= 0, entry[2] == 1)
    end
    fails(function() stream:setoption("nodelay") end,
          "bad argument #2 to 'setoption' (value expected)")
end)

both("keepalive takes seconds, and nil or false turn it off", function(domain)
    local fd, stream = net.fd_of(system.socket, "stream", domain)
    local _ <close> = stream
    same({ stream:setoption("keepalive", 7) }, { true })
    equal(native.option(fd, "keepalive"), 1)
    equal(native.option(fd, "keepidle"), 7)
    equal(native.option(fd, "keepintvl"), 1)
    equal(native.option(fd, "keepcnt"), 10)
    for _, off in ipairs { { false }, {} } do
        assert(stream:setoption("keepalive", 7))
        same({ stream:setoption("keepalive", off[1]) }, { true })
        equal(native.option(fd, "keepalive"), 0)
    end
    fails(function() stream:setoption("keepalive", true) end, "number expected, got boolean")
    for _, seconds in ipairs { 0, -1, math.mininteger } do
        fails(function() stream:setoption("keepalive", seconds) end,
              "bad argument #2 to 'setoption' (invalid argument)")
    end
    fails(function() stream:setoption("keepalive") end, "value expected")
    fails(function() stream:setoption("keepalive", 1.5) end, "no integer representation")
end)

both("unknown options are invalid", function(domain)
    local stream <close> = assert(system.socket("stream", domain))
    fails(function() stream:setoption("broadcast", true) end,
          "bad argument #1 to 'setoption' (invalid option 'broadcast')")
    fails(function() stream:setoption() end, "string expected, got no value")
    local passive <close> = assert(system.socket("passive", domain))
    fails(function() passive:setoption("broadcast", true) end,
          "bad argument #1 to 'setoption' (invalid option 'broadcast')")
end)

both("options persist across connect", function(domain)
    local listener <close>, address = net.listener(domain)
    local fd, stream = net.fd_of(system.socket, "stream", domain)
    local _ <close> = stream
    assert(stream:setoption("nodelay", true))
    assert(stream:setoption("keepalive", 9))
    assert(tasks.await(function() return stream:connect(address) end))
    ok(native.option(fd, "nodelay") ~= 0)
    equal(native.option(fd, "keepidle"), 9)
    ok(listener)
end)

-- A published program does this (behaviour 4.1).
both("a stream given the metatable of passive sockets listens and accepts", function(domain)
    local passive <close> = assert(system.socket("passive", domain))
    local turned = assert(system.socket("stream", domain))
    assert(turned:bind(net.loopback(domain)))
    debug.setmetatable(turned, getmetatable(passive))
    local _ <close> = turned
    assert(turned:listen(3))
    local address = turned:getaddress()
    tasks.spawn(function()
        local stream <close> = assert(turned:accept())
        equal(getmetatable(stream).__name, "coutil:tcpactive")
        assert(stream:write("hello"))
    end)
    tasks.spawn(function()
        local stream <close> = net.connect(address)
        equal(net.read_all(stream), "hello")
    end)
    tasks.run()
end)

suite.finish()
