-- Manual: Network & IPC, domain share (behaviour 7.8, D4, D19, D37): stream sockets of all domains
-- and kinds travel with the bytes they were written with, in order, between sockets, processes and
-- programs that know nothing of us.

local suite = require("support.suite").strict()
local system = require "coutil.system"
local memory = require "memory"
local native = require "native"
local net = require "support.net"
local tasks = require "support.tasks"
local child = require "support.child"

local case, equal, same, ok, fails = suite.case, suite.equal, suite.same, suite.ok, suite.fails

local all_domains <const> = { "ipv4", "ipv6", "local", "share" }

-- What a class of sockets arrives as.
local arrives_as <const> = {
    ipv4 = { "coutil:tcpactive", "ipv4" }, ipv6 = { "coutil:tcpactive", "ipv6" },
    ["local"] = { "coutil:pipeactive", "local" }, share = { "coutil:pipeactive", "local" },
}

-- A case with a connected pair of domain share, closed after it; runs to its end.
local function sharing(name, body, small)
    case(name, function()
        local near, far, here, there = net.pair("share", small)
        local _ <close> = net.closing(near, far)
        body(near, far, here, there)
        tasks.run()
    end)
end

-- One read: the text, the socket that came along if any.
local function receive(stream, size)
    local buffer = memory.create(size or 65536)
    local count, object = stream:read(buffer)
    if not count then return nil, object end
    return buffer:tostring(1, count), object
end

-- The method of a passive socket for one that arrived as a stream (behaviour 4.1).
local function as_passive(arrived)
    local class = arrived:getdomain() == "local" and "local" or "ipv4"
    local model <close> = assert(system.socket("passive", class))
    debug.setmetatable(arrived, getmetatable(model))
    return arrived
end

-- What travels -----------------------------------------------------------------------------------

for _, domain in ipairs(all_domains) do
    sharing("a stream of domain " .. domain .. " arrives with its bytes", function(near, far)
        local left, right = net.pair(domain)
        local _ <close> = net.closing(left, right)
        tasks.await(function()
            same(table.pack(near:write("take it", nil, nil, right)), { n = 1, true })
            right:close()
            local text, came = receive(far)
            local _ <close> = came
            equal(text, "take it")
            equal(getmetatable(came).__name, arrives_as[domain][1])
            equal(came:getdomain(), arrives_as[domain][2])
            assert(left:write("to and"))
            equal(receive(came), "to and")
            assert(came:write(" fro"))
            equal(receive(left), " fro")
            if domain == "ipv4" or domain == "ipv6" then
                ok(came:getaddress("peer") == left:getaddress())
                equal(came:getaddress().type, domain)
                equal(came:setoption("nodelay", true), true)
            else
                equal(came:getaddress("peer"), left:getaddress())
            end
            assert(came:shutdown())
            same({ left:read(memory.create(1)) }, { false, "end of file", 4095 })
        end)
    end)

    sharing("a passive socket of domain " .. domain .. " arrives and can accept",
            function(near, far)
        local listener, address = net.listener(domain)
        local came
        tasks.await(function()
            assert(near:write("listen", 1, -1, listener))
            listener:close()
            came = select(2, receive(far))
        end)
        equal(getmetatable(came).__name, arrives_as[domain][1])
        local _ <close> = as_passive(came)
        fails(function() came:listen(1) end, "already listening")
        local made = {}
        tasks.spawn(function()
            for index = 1, 20 do made[index] = assert(came:accept()) end
        end)
        tasks.spawn(function()
            local accepted = {}
            for index = 1, 20 do
                accepted[index] = net.connect(address, domain)
                assert(accepted[index]:write(tostring(index)))
            end
            net.close(table.unpack(accepted))
        end)
        tasks.run()
        equal(made[1]:getdomain(), arrives_as[domain][2])
        equal(tasks.await(function() return net.read_all(made[20]) end), "20")
        net.close(table.unpack(made))
    end)

    sharing("a socket of domain " .. domain .. " that is only bound can listen where it arrives",
            function(near, far)
        local passive = assert(system.socket("passive", domain))
        assert(passive:bind(net.loopback(domain)))
        local address = passive:getaddress()
        local came
        tasks.await(function()
            assert(near:write("x", 1, -1, passive))
            passive:close()
            came = select(2, receive(far))
        end)
        local _ <close> = as_passive(came)
        same({ came:listen(4) }, { true })
        tasks.spawn(function() net.connect(address, domain):close() end)
        tasks.spawn(function() assert(came:accept()):close() end)
        tasks.run()
    end)

    sharing("an unconnected stream of domain " .. domain .. " can connect where it arrives",
            function(near, far)
        local listener, address = net.listener(domain)
        local stream = assert(system.socket("stream", domain))
        local _ <close> = net.closing(listener, stream)
        assert(stream:bind(net.loopback(domain)))
        tasks.await(function()
            assert(near:write("x", 1, -1, stream))
            stream:close()
            local came <close> = select(2, receive(far))
            same({ came:read(memory.create(1)) }, { false, "socket is not connected", 107 })
            same({ came:write("x") }, { false, "broken pipe", 32 })
            same({ came:connect(address) }, { true })
            local there <close> = assert(listener:accept())
            assert(there:write("hello"))
            equal(receive(came), "hello")
        end)
    end)
end

sharing("the sender keeps a socket that is as usable as before", function(near, far)
    local left, right = net.pair()
    local _ <close> = net.closing(left, right)
    tasks.await(function()
        assert(near:write("x", 1, 1, right))
        assert(right:write("one "))
        local came = select(2, receive(far))
        assert(came:write("two "))
        came:close()
        assert(right:write("three"))
        equal(net.read_all(left, 13), "one two three")
        assert(left:write("answer"))
        equal(receive(right), "answer")
    end)
end)

sharing("a stream of domain share can be sent over itself", function(near, far)
    tasks.await(function()
        assert(near:write("me", 1, -1, near))
        local text, came = receive(far)
        equal(text, "me")
        assert(near:write("you", 1, -1, far)) -- the end it arrives at
        local there
        text, there = receive(far)
        equal(text, "you")
        assert(came:write("from the copy"))
        equal(receive(far), "from the copy")
        assert(came:write("to the copy"))
        equal(receive(there), "to the copy")
        net.close(came, there)
    end)
end)

sharing("arrived descriptors are close-on-exec and as blocking as they were", function(near, far)
    local left, right, _, there = net.pair()
    local listener_fd, listener = net.fd_of(net.listener)
    local _ <close> = net.closing(left, right, listener)
    for _, socket in ipairs { right, listener } do
        tasks.await(function() return near:write("x", 1, -1, socket) end)
        local came
        local fd = net.fd_of(function()
            came = select(2, tasks.await(function() return receive(far) end))
        end)
        same({ native.flags(fd) },
             { true, select(2, native.flags(socket == right and there or listener_fd)) })
        came:close()
    end
end)

-- With the bytes ---------------------------------------------------------------------------------

sharing("sockets and bytes arrive in the order in which they were written", function(near, far)
    local sent, passed = {}, {}
    local expected = {}
    for index = 1, 200 do
        expected[index] = string.format("%03d", index)
        if index % 3 ~= 0 then sent[index], passed[index] = net.pair("local") end
    end
    tasks.spawn(function()
        for index, text in ipairs(expected) do
            if index % 3 == 0 then
                assert(near:write(text))
            else
                assert(near:write(text, 1, -1, passed[index]))
                assert(sent[index]:write(text))
                passed[index]:close()
            end
        end
        assert(near:shutdown())
    end)
    local got, came = {}, {}
    tasks.spawn(function()
        local buffer = memory.create(100)
        while true do
            local count, object = far:read(buffer)
            if not count then break end
            got[#got + 1] = buffer:tostring(1, count)
            -- It comes with the first byte of its write.
            if object then came[#came + 1] = { object, got[#got] } end
        end
    end)
    tasks.run()
    equal(table.concat(got), table.concat(expected))
    local next_one = 0
    for _, arrival in ipairs(came) do
        repeat next_one = next_one + 1 until sent[next_one]
        local text = string.format("%03d", next_one)
        equal(tasks.await(function() return net.read_all(arrival[1], 3) end), text)
        ok(string.find(arrival[2], text, 1, true), text .. " in " .. arrival[2])
        arrival[1]:close()
        sent[next_one]:close()
        sent[next_one] = nil
    end
    equal(next(sent), nil)
end)

sharing("the bytes after the first follow without the socket", function(near, far)
    local left, right = net.pair()
    local _ <close> = net.closing(left, right)
    tasks.await(function()
        assert(near:write("0123456789", 3, 8, right))
        local text, came = receive(far, 2)
        equal(text, "23")
        came:close()
        same({ receive(far) }, { "4567" })
    end)
end)

sharing("memories and tables carry sockets too", function(near, far)
    local left, right = net.pair()
    local _ <close> = net.closing(left, right)
    tasks.await(function()
        for _, data in ipairs {
            "01234", 1234567, memory.create("01234"), net.resizable("01234"),
            { "0", 12, memory.create("34") }, { "0", "", 12, net.resizable("3"), 4 },
        } do
            assert(near:write(data, 2, 4, right))
            local text, came = receive(far)
            equal(text, data == 1234567 and "234" or "123")
            came:close()
        end
        local many = {}
        for index = 1, 5000 do many[index] = index % 10 end
        assert(near:write(many, 1, -1, right))
        local text, came = receive(far)
        equal(text, table.concat(many))
        came:close()
    end)
end)

sharing("an empty range succeeds and carries nothing", function(near, far)
    local left, right = net.pair()
    local _ <close> = net.closing(left, right)
    tasks.await(function()
        same({ near:write("", 1, -1, right) }, { true })
        same({ near:write("abc", 3, 2, right) }, { true })
        same({ near:write({}, 1, -1, right) }, { true })
        assert(near:write("after"))
        same({ receive(far) }, { "after" })
    end)
end)

-- The buffers are full, so that the socket has to wait for its turn.
for _, start in ipairs { "spawn", "spawn_busy" } do
    sharing("a socket behind full buffers waits, and may be closed meanwhile (" .. start .. ")",
            function(near, far)
        local text = net.text(net.plenty)
        local left, right = net.pair()
        local done = {}
        tasks[start](function()
            tasks.spawn(function() done[1] = near:write(text) end)
            tasks.spawn(function() done[2] = near:write("with it", 1, -1, right) end)
            tasks.spawn(function() done[3] = near:write("after it") end)
            right:close()
        end)
        tasks.rounds(5)
        same(done, {})
        tasks.spawn(function()
            local buffer = memory.create(65536)
            local parts, came = {}, nil
            local size = 0
            while size < #text + 15 do
                local count, object = far:read(buffer)
                parts[#parts + 1] = buffer:tostring(1, count)
                size = size + count
                if object then
                    came = object
                    ok(size >= #text + 1)
                end
            end
            ok(table.concat(parts) == text .. "with it" .. "after it")
            assert(left:write("alive"))
            equal(receive(came), "alive")
            net.close(came, left)
        end)
        tasks.run()
        same(done, { true, true, true })
    end, true)
end

for size_name, size in pairs { small = 10, large = 3 * 1024 * 1024 } do
    sharing("an abandoned write still passes its socket (" .. size_name .. ")", function(near, far)
        local text = net.text(net.plenty)
        for _, leave in ipairs { coroutine.resume, coroutine.close } do
            for _, make in ipairs { tostring, memory.create, net.resizable } do
                for rounds = 0, 2 do
                    local left, right = net.pair()
                    tasks.spawn(function() equal(near:write(text), true) end)
                    local task = tasks.spawn(function()
                        near:write(make(net.text(size)), 1, -1, right)
                    end)
                    tasks.rounds(rounds)
                    leave(task)
                    right:close()
                    collectgarbage()
                    local parts, came = {}, nil
                    tasks.spawn(function()
                        local total = 0
                        repeat
                            local bytes, object = receive(far)
                            parts[#parts + 1] = bytes
                            total = total + #bytes
                            came = came or object
                        until total == #text + size
                    end)
                    tasks.run()
                    ok(table.concat(parts) == text .. net.text(size))
                    tasks.await(function() return left:write("alive") end)
                    equal(tasks.await(function() return receive(came) end), "alive")
                    net.close(left, came)
                end
            end
        end
    end, true)
end

-- Several in one message -------------------------------------------------------------------------

for _, count in ipairs { 2, 253 } do
    sharing(count .. " sockets in one message come one after the other", function(_, far, here)
        local ends, fds, lefts = {}, {}, {}
        for index = 1, count do
            local left, right, _, there = net.pair("local")
            lefts[index], ends[index], fds[index] = left, right, there
        end
        equal(native.pass(here, "together", table.unpack(fds)), 8)
        equal(native.send(here, "next"), 4)
        net.close(table.unpack(ends))
        local came = {}
        tasks.await(function()
            local text
            text, came[1] = receive(far)
            equal(text, "together")
        end)
        -- The others come at once, without yielding, without looking at the arguments.
        for index = 2, count do
            local zero
            if index % 2 == 0 then
                local buffer = memory.create("untouched")
                zero, came[index] = far:read(buffer)
                equal(buffer:tostring(), "untouched")
            else
                zero, came[index] = far:read()
            end
            equal(zero, 0)
        end
        fails(function() far:read(memory.create(1)) end, "unable to yield")
        tasks.await(function()
            same({ receive(far) }, { "next" })
            for index = 1, count do
                assert(lefts[index]:write(tostring(index)))
                equal(receive(came[index]), tostring(index))
            end
        end)
        net.close(table.unpack(came))
        net.close(table.unpack(lefts))
    end)
end

sharing("messages that wait in the kernel do not run together", function(_, far, here)
    local left, right, _, there = net.pair("local")
    local _ <close> = net.closing(left, right)
    for index = 1, 10 do
        assert(native.pass(here, "m" .. index, there, there))
        native.send(here, ";")
    end
    tasks.await(function()
        local bytes, sockets = {}, 0
        repeat
            local text, came = receive(far)
            bytes[#bytes + 1] = text
            if came then
                sockets = sockets + 1
                came:close()
            end
        until sockets == 20
        equal(receive(far), ";")
        equal(table.concat(bytes), "m1;m2;m3;m4;m5;m6;m7;m8;m9;m10")
    end)
end)

-- Programs that know nothing of us ---------------------------------------------------------------

sharing("what we send is an ordinary message", function(near, _, _, there)
    local left, right, _, fd = net.pair()
    local _ <close> = net.closing(left, right)
    tasks.await(function() return near:write("for you", 1, -1, right) end)
    local results = { native.receive(there) }
    equal(#results, 2)
    equal(results[1], "for you")
    native.send(results[2], "plain")
    equal(tasks.await(function() return receive(left) end), "plain")
    native.close(results[2])
    ok(fd)
end)

sharing("descriptors that are no stream sockets are closed, and the bytes arrive",
        function(_, far, here)
    local reading, writing = native.pipe()
    local datagram = native.socket("ip", "datagram")
    local local_datagram = native.socket("local", "datagram")
    local packets = native.socket("local", "packets")
    local refused = { reading, writing, datagram, local_datagram, packets, native.dup(0) }
    local _, opened = native.descriptors()
    tasks.await(function()
        for _, fd in ipairs(refused) do
            assert(native.pass(here, "bytes", fd))
            same({ receive(far) }, { "bytes" })
        end
        assert(native.pass(here, "all", table.unpack(refused)))
        assert(native.pass(here, "next", refused[1]))
        same({ receive(far) }, { "all" })
        same({ receive(far) }, { "next" })
    end)
    equal(select(2, native.descriptors()), opened)
    -- Only we have the writing end: had a copy been kept, this would not be the end of the pipe.
    native.close(writing)
    equal(native.readable(reading, 0), true)
    for index, fd in ipairs(refused) do if index ~= 2 then native.close(fd) end end
end)

sharing("stream sockets between others are found", function(_, far, here)
    local left, right, _, there = net.pair()
    local reading, writing = native.pipe()
    assert(native.pass(here, "x", reading, there, writing, there, reading))
    native.close(reading)
    native.close(writing)
    right:close()
    tasks.await(function()
        local text, first = receive(far)
        equal(text, "x")
        local zero, second = far:read()
        equal(zero, 0)
        assert(left:write("ab"))
        equal(receive(first, 1), "a")
        equal(receive(second, 1), "b")
        assert(native.send(here, "y"))
        same({ receive(far) }, { "y" })
        net.close(first, second, left)
    end)
end)

-- A program that listens expects that accept waits, and its flag is not ours to change. We must
-- not wait in it, whoever else accepts.
for _, domain in ipairs { "ip", "local" } do
    sharing("a blocking listener of another program never blocks us (" .. domain .. ")",
            function(_, far, here)
        local fd, address
        if domain == "ip" then
            local listener
            fd, listener, address = net.fd_of(net.listener, "ipv4")
            fd = native.dup(fd)
            listener:close()
            native.blocking(fd)
        else
            fd = native.socket("local", "stream")
            address = net.abstract()
            equal(native.bind(fd, address, 16), 0)
        end
        assert(native.pass(here, "x", fd))
        local came = select(2, tasks.await(function() return receive(far) end))
        local _ <close> = as_passive(came)
        equal(select(2, native.flags(fd)), false)
        local streams = {}
        tasks.spawn(function()
            for index = 1, 5 do streams[index] = assert(came:accept()) end
        end)
        tasks.rounds(2)
        equal(#streams, 0)
        local clients = {}
        for index = 1, 3 do clients[index] = net.connect(address, "local") end
        tasks.until_true(function() return #streams == 3 end)
        tasks.rounds(3) -- it waits for the fourth, and we go on
        -- The other program takes one that our acceptor was told of.
        local thief
        tasks.spawn(function()
            clients[4] = net.connect(address, "local")
        end)
        if native.readable(fd, 0) then thief = native.accept(fd) end
        tasks.rounds(3)
        tasks.spawn(function()
            for index = 5, 6 do clients[index] = net.connect(address, "local") end
        end)
        tasks.until_true(function() return #streams == 5 end)
        tasks.run()
        equal(select(2, native.flags(fd)), false)
        native.close(fd)
        if thief then native.close(thief) end
        net.close(table.unpack(streams))
        for index = 1, 6 do clients[index]:close() end
    end)
end

-- Between processes ------------------------------------------------------------------------------

local peer <const> = child.prelude .. [[
local stream = assert(system.socket("stream", "share"))
coroutine.wrap(function()
    assert(stream:connect(os.getenv("PEER_PATH")))
    local buffer = memory.create(100)
    for index = 1, 50 do
        local count, socket = stream:read(buffer)
        assert(count and socket, index)
        local text = buffer:tostring(1, count)
        assert(socket:write("child " .. text))
        assert(stream:write(text, 1, -1, socket)) -- and back
        socket:close()
    end
    stream:close()
end)()
assert(system.run() == false)
print "well"
]]

case("sockets travel between processes, to and fro", function()
    local path = net.path()
    local passive <close> = assert(system.socket("passive", "share"))
    assert(passive:bind(path))
    assert(passive:listen(1))
    local command, script = child.command(peer, { environment = { PEER_PATH = path } })
    local pairs_of = {}
    for index = 1, 50 do pairs_of[index] = { net.pair(all_domains[index % 4 + 1]) } end
    local pipe = assert(io.popen("(" .. command .. ") 2>&1", "r"))
    tasks.await(function()
        local stream <close> = assert(passive:accept())
        for index = 1, 50 do
            local left, right = pairs_of[index][1], pairs_of[index][2]
            assert(stream:write(tostring(index), 1, -1, right))
            right:close()
            equal(net.read_all(left, #("child " .. index)), "child " .. index)
            local text, back = receive(stream)
            equal(text, tostring(index))
            assert(back:write("once more"))
            equal(net.read_all(left, 9), "once more")
            net.close(left, back)
        end
    end)
    equal(pipe:read("a"), "well\n")
    pipe:close()
    os.remove(script)
end)

-- Between states of one process ------------------------------------------------------------------

-- Takes sockets at the path until the stream ends, and answers on each what came with it.
local taker <const> = [[
local coroutine, string = require "coroutine", require "string"
local assert = require("_G").assert
local system, memory = require "coutil.system", require "memory"
local path <const> = ...
local taken = 0
coroutine.wrap(function()
    local stream <close> = assert(system.socket("stream", "share"))
    assert(stream:connect(path))
    local buffer <const> = memory.create(100)
    while true do
        local count, arrived = stream:read(buffer)
        if not count then break end
        assert(arrived:write("state " .. buffer:tostring(1, count)))
        arrived:close()
        taken = taken + 1
    end
end)()
system.run()
return taken
]]

case("sockets travel to another state of the process, which answers on them", function()
    local coroutines = require "coutil.coroutine"
    local passive <close> = assert(system.socket("passive", "share"))
    local path = net.path()
    assert(passive:bind(path))
    assert(passive:listen(1))
    local state <close> = assert(coroutines.load(taker))
    local pairs_of = {}
    for index = 1, 5 do pairs_of[index] = { net.pair(all_domains[index % 4 + 1]) } end
    local taken
    tasks.spawn(function() taken = { system.resume(state, path) } end)
    tasks.await(function()
        local stream <close> = assert(passive:accept())
        for index, ends in ipairs(pairs_of) do
            local left, right = ends[1], ends[2]
            assert(stream:write(tostring(index), 1, -1, right))
            right:close()
            equal(net.read_all(left, 7), "state " .. index)
            left:close()
        end
    end)
    tasks.until_true(function() return taken end)
    same(taken, { true, 5 })
end)

-- Other objects in argument 5 --------------------------------------------------------------------

sharing("values that are no objects are ignored", function(near, far)
    tasks.await(function()
        for _, value in ipairs { 1, "x", {}, print, true } do
            same({ near:write("y", 1, -1, value) }, { true })
            same({ receive(far) }, { "y" })
        end
        same({ near:write({ "y" }, 1, -1, {}) }, { true })
        same({ receive(far) }, { "y" })
    end)
end)

sharing("on streams of other domains argument 5 is ignored", function()
    local left, right = net.pair("local")
    local _ <close> = net.closing(left, right)
    tasks.await(function()
        assert(left:write("x", 1, -1, right))
        assert(left:write("y", 1, -1, io.stdout))
        equal(net.read_all(right, 2), "xy")
    end)
end)

sharing("a local stream does not take descriptors that come", function()
    local left, right, here = net.pair("local")
    local _ <close> = net.closing(left, right)
    local _, opened = native.descriptors()
    tasks.await(function()
        assert(native.pass(here, "one", here))
        assert(native.send(here, "two"))
        equal(net.read_all(right, 6), "onetwo")
        assert(native.send(here, "three"))
        equal(net.read_all(right, 5), "three")
    end)
    equal(select(2, native.descriptors()), opened)
end)

suite.finish()
