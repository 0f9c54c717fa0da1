-- What goes wrong when sockets travel (behaviour 1.4, 1.6, 1.7, 7.8, D37): what cannot be passed,
-- who leaves or closes in between, and a receiver short of descriptors or memory. Nothing leaks,
-- nothing spins, and no byte is lost.

local suite = require("support.suite").strict()
local system = require "coutil.system"
local memory = require "memory"
local native = require "native"
local net = require "support.net"
local tasks = require "support.tasks"
local shortage = require "support.shortage"
local child = require "support.child"

local case, equal, same, ok, fails = suite.case, suite.equal, suite.same, suite.ok, suite.fails

local canceled <const> = { n = 3, false, "operation canceled", 125 }
local no_descriptor <const> = { false, "bad file descriptor", 9 }

-- A case with a connected pair of domain share, closed after it; runs to its end.
local function sharing(name, body, small)
    case(name, function()
        local near, far, here, there = net.pair("share", small)
        local _ <close> = net.closing(near, far)
        body(near, far, here, there)
        tasks.run()
    end)
end

local function receive(stream, size)
    local buffer = memory.create(size or 65536)
    local count, object = stream:read(buffer)
    if not count then return nil, object end
    return buffer:tostring(1, count), object
end

local function opened()
    return (select(2, native.descriptors()))
end

local function collect()
    collectgarbage()
    collectgarbage()
end

-- What cannot be passed --------------------------------------------------------------------------

sharing("objects that are no stream sockets are refused", function(near, _, _, there)
    local fd, datagram = net.fd_of(system.socket, "datagram", "ipv4")
    tasks.await(function()
        for _, object in ipairs {
            datagram, io.stdout, memory.create(1), net.resizable("x"), system.address("ipv4"),
        } do
            fails(function() near:write("x", 1, -1, object) end,
                  "bad argument #4 to 'write' (writable object expected)")
        end
    end)
    same({ native.recv(there) }, { nil, 11 })
    native.close(fd)
    if getmetatable(datagram) then debug.setmetatable(datagram, nil) end
end)

sharing("closed sockets, and those without a descriptor, are bad descriptors", function(near, _,
                                                                                    _, there)
    local closed = assert(system.socket("stream", "ipv4"))
    closed:close()
    local closed_listener = net.listener("local")
    closed_listener:close()
    local stream <close> = assert(system.socket("stream", "local"))
    local passive <close> = assert(system.socket("passive", "share"))
    for _, socket in ipairs { closed, closed_listener, stream, passive } do
        -- At once, without yielding.
        same({ coroutine.wrap(near.write)(near, "x", 1, -1, socket) }, no_descriptor)
        same({ coroutine.wrap(near.write)(near, { "x" }, 1, -1, socket) }, no_descriptor)
    end
    same({ native.recv(there) }, { nil, 11 })
end)

sharing("a write that passes a socket checks self, yielding, socket, data, i and j",
        function(near, far)
    local left, right = net.pair("local")
    local _ <close> = net.closing(left, right)
    fails(function() near:write(true, {}, {}, io.stdout) end, "unable to yield")
    tasks.await(function()
        fails(function() near:write(true, {}, {}, io.stdout) end, "writable object expected")
        fails(function() near:write(true, {}, {}, right) end,
              "bad argument #1 to 'write' (string or memory expected, got boolean)")
        fails(function() near:write({ true }, {}, {}, right) end,
              "bad value #1 in data (string or memory expected, got boolean)")
        fails(function() near:write("x", {}, {}, right) end, "#2 to 'write' (number expected")
        fails(function() near:write("x", 1, {}, right) end, "#3 to 'write' (number expected")
        fails(function() near:write({ "x" }, 1, {}, right) end, "#3 to 'write' (number expected")
        near:shutdown()
        same({ near:write("x", 1, -1, right) }, { false, "broken pipe", 32 })
        near:close()
        fails(function() near:write(true, {}, {}, io.stdout) end, "closed object")
        far:close()
    end)
end)

sharing("a peer that is gone is a failure, and the socket stays", function(near, far)
    local left, right = net.pair("local")
    local _ <close> = net.closing(left, right)
    far:close()
    tasks.await(function()
        same({ near:write("x", 1, -1, right) }, { false, "broken pipe", 32 })
        assert(right:write("still here"))
        equal(receive(left), "still here")
    end)
end)

sharing("a read checks self, buffer, range, use and yielding in that order", function(_, far)
    local buffer = memory.create(4)
    fails(function() far:read() end, "bad argument #1 to 'read' (memory expected, got no value)")
    fails(function() far:read(buffer, {}) end, "#2 to 'read' (number expected, got table)")
    fails(function() far:read(buffer, 1, "x") end, "#3 to 'read' (number expected, got string)")
    fails(function() far:read(buffer) end, "unable to yield")
    local waiting = tasks.spawn(function() far:read(buffer) end)
    fails(function() far:read(buffer) end, "calling 'read' on bad self (already in use)")
    coroutine.close(waiting)
    far:close()
    fails(function() far:read() end, "calling 'read' on bad self (closed object)")
end)

-- Leaving and closing ----------------------------------------------------------------------------

sharing("a reader that leaves loses neither bytes nor socket", function(near, far)
    for _, leave in ipairs { coroutine.resume, coroutine.close } do
        for rounds = 0, 2 do
            for _, early in ipairs { true, false } do
                local left, right = net.pair("local")
                local reader = tasks.spawn(function() far:read(memory.create(8)) end)
                tasks.rounds(rounds)
                if early then
                    tasks.await(function()
                        -- In the very round in which the reader would be served.
                        tasks.spawn(function() assert(near:write("bytes", 1, -1, right)) end)
                        leave(reader)
                    end)
                else
                    leave(reader)
                    tasks.await(function() return near:write("bytes", 1, -1, right) end)
                end
                right:close()
                tasks.rounds(3)
                local text, came = tasks.await(function() return receive(far) end)
                equal(text, "bytes")
                net.close(left, came)
            end
        end
    end
end)

-- Two streams are ready in the same round; whoever is served first takes what is at the other.
sharing("a reader whose message somebody else took waits again", function(near, far, _, there)
    local near2, far2, _, there2 = net.pair("share")
    local left, right = net.pair("local")
    local ends = { { near, far, there }, { near2, far2, there2 } }
    local got, resumed = {}, 0
    for index = 1, 2 do
        tasks.spawn(function()
            got[index] = table.pack(receive(ends[index][2]))
            resumed = resumed + 1
            if resumed == 1 then
                local stolen = table.pack(native.receive(ends[3 - index][3]))
                equal(stolen.n, 2)
                native.close(stolen[2])
            end
        end)
    end
    tasks.rounds(2)
    for index = 1, 2 do
        tasks.spawn(function() assert(ends[index][1]:write("first", 1, -1, right)) end)
    end
    tasks.until_true(function() return resumed == 1 end)
    tasks.rounds(5)
    equal(resumed, 1)
    for index = 1, 2 do
        if got[index] == nil then
            tasks.spawn(function() assert(ends[index][1]:write("second", 1, -1, right)) end)
        end
    end
    tasks.run()
    ok(got[1][1] ~= got[2][1])
    net.close(near2, far2, left, right, got[1][2], got[2][2])
end)

for rounds = 0, 2 do
    sharing("close takes a passing write back, and its socket, after " .. rounds .. " rounds",
            function(near)
        local left, right = net.pair("local")
        local before = opened()
        local results = {}
        tasks.spawn(function() near:write(net.text(net.plenty)) end)
        for index = 1, 3 do
            tasks.spawn(function() results[index] = table.pack(near:write("x", 1, -1, right)) end)
        end
        equal(opened(), before + 3) -- a copy each, since right may be closed
        tasks.rounds(rounds)
        near:close()
        equal(opened(), before - 1)
        tasks.run()
        same(results, { canceled, canceled, canceled })
        net.close(left, right)
    end, true)
end

sharing("abandoned writes that pass sockets end with their stream", function(near)
    local left, right = net.pair("local")
    local before = opened()
    for _ = 1, 3 do
        local task = tasks.spawn(function() near:write(net.text(net.plenty), 1, -1, right) end)
        tasks.rounds(2)
        coroutine.resume(task)
    end
    equal(opened(), before + 2) -- the first has gone with the first byte
    near:close()
    equal(opened(), before - 1)
    equal(system.engine("counters").goingon, 0)
    net.close(left, right)
end, true)

case("abandoned writes of a collected stream pass their sockets, then it goes", function()
    for _, rounds in ipairs { 0, 2 } do
        local near, far = net.pair("share", true)
        local left, right = net.pair("local")
        local text = net.text(net.plenty)
        for _, data in ipairs { text, "second", memory.create("third") } do
            local task = tasks.spawn(function() near:write(data, 1, -1, right) end)
            tasks.rounds(rounds)
            coroutine.resume(task)
        end
        right:close()
        near = nil -- luacheck: ignore 311
        collect()
        local parts, came = {}, {}
        tasks.spawn(function()
            while true do
                local bytes, object = receive(far)
                if not bytes then break end
                parts[#parts + 1] = bytes
                came[#came + 1] = object
            end
        end)
        tasks.run()
        ok(table.concat(parts) == text .. "secondthird")
        equal(#came, 3)
        net.close(far, left, table.unpack(came))
    end
end)

sharing("closing a stream closes the sockets that nobody took", function(_, far, here)
    local left, right, _, fd = net.pair("local")
    assert(native.pass(here, "x", fd, fd, fd, fd))
    assert(native.pass(here, "y", fd, fd)) -- these stay in the kernel
    local before = opened()
    local _, first = tasks.await(function() return receive(far) end)
    equal(opened(), before + 4)
    far:close()
    equal(opened(), before)
    net.close(left, right, first)
end)

case("collecting a stream closes the sockets that nobody took", function()
    local near, far, here = net.pair("share")
    local left, right, _, fd = net.pair("local")
    assert(native.pass(here, "x", fd, fd, fd))
    local before = opened()
    local first = select(2, tasks.await(function() return receive(far) end))
    first:close()
    equal(opened(), before + 2)
    far = nil -- luacheck: ignore 311
    collect()
    equal(opened(), before - 1)
    net.close(near, left, right)
end)

case("sockets that arrived and were dropped are closed when they are collected", function()
    local near, far, here = net.pair("share")
    local left, right, _, fd = net.pair("ipv4")
    local before = opened()
    assert(native.pass(here, "x", fd, fd))
    tasks.await(function() receive(far) end)
    far:read()
    equal(opened(), before + 2)
    collect()
    equal(opened(), before)
    net.close(near, far, left, right)
end)

case("a state that closes with sockets on their way ends without a fault", function()
    for rounds = 0, 2 do
        equal(child.expect(child.prelude .. string.format([[
local near, far, here = net.pair("share", true)
local more, other = net.pair("share", true)
local left, right, _, fd = net.pair("ipv4")
native.pass(here, "x", fd, fd, fd)
coroutine.wrap(function() far:read(memory.create(8)) end)()
system.run("step")
coroutine.wrap(function() more:read(memory.create(8)) end)()
for _, text in ipairs { string.rep("x", net.plenty), "y", memory.create("z") } do
    coroutine.wrap(function() more:write(text, 1, -1, right) end)()
    coroutine.wrap(function() more:write({ text, text }, 1, -1, far) end)()
    local left_soon = coroutine.wrap(function() more:write(text, 1, -1, more) end)
    left_soon()
    left_soon()
end
for _ = 1, %d do system.run("ready") end
print "prepared"
]], rounds)), "prepared\n")
    end
end)

-- Finalizers -------------------------------------------------------------------------------------

-- A read makes the object for what may come before it takes anything; there a collection may run,
-- and with it any code of the program.
case("a finalizer may close the stream just when a read is served", function()
    local near, far = net.pair("share")
    local results, closed
    tasks.spawn(function() results = table.pack(far:read(memory.create(8))) end)
    tasks.rounds(2)
    tasks.spawn(function() near:write("x") end)
    collect()
    collectgarbage("stop")
    local pause, multiplier, step = 100, 1000, 24 -- a whole cycle in one step
    local mode = collectgarbage("incremental", pause, multiplier, step)
    setmetatable({}, { __gc = function()
        if results == nil then
            far:close()
            closed = true
        end
    end })
    collectgarbage("restart") -- whatever allocates next collects
    for _ = 1, 5 do system.run("ready") end
    collectgarbage("incremental", 200, 100, 13)
    collectgarbage(mode)
    ok(closed, "the collector did not run in the read")
    same(results, { n = 2, false, "closed" })
    near:close()
    tasks.run()
end)

-- Shortage ---------------------------------------------------------------------------------------

sharing("out of descriptors the bytes arrive all the same, and what follows too",
        function(_, far, here)
    local left, right, _, fd = net.pair("local")
    local _ <close> = net.closing(left, right)
    for _, count in ipairs { 1, 3 } do
        local passed = {}
        for index = 1, count do passed[index] = fd end
        assert(native.pass(here, "first", table.unpack(passed)))
        assert(native.send(here, "second"))
        local texts, objects = {}, {}
        shortage(function()
            for _ = 1, 2 do
                tasks.spawn(function()
                    local text, object = receive(far)
                    texts[#texts + 1] = text
                    objects[#objects + 1] = object
                end)
                tasks.run(5)
            end
        end)
        same(texts, { "first", "second" })
        same(objects, {})
    end
    -- With descriptors again, everything is as before.
    assert(native.pass(here, "third", fd))
    local text, object = tasks.await(function() return receive(far) end)
    equal(text, "third")
    object:close()
end)

sharing("as many sockets arrive as there are descriptors for", function(_, far, here)
    local left, right, _, fd = net.pair("local")
    local _ <close> = net.closing(left, right)
    assert(native.pass(here, "some", fd, fd, fd, fd))
    assert(native.send(here, "more"))
    local spare = { native.dup(0), native.dup(0) }
    local text, first
    shortage(function()
        native.close(spare[1])
        native.close(spare[2])
        text, first = tasks.await(function() return receive(far) end)
        equal(text, "some")
        local zero, second = far:read()
        equal(zero, 0)
        net.close(first, second)
        same({ tasks.await(function() return receive(far) end) }, { "more" })
    end)
end)

sharing("a write that has to wait needs a descriptor, and says so", function(near)
    local left, right = net.pair("local")
    local _ <close> = net.closing(left, right)
    tasks.spawn(function() near:write(net.text(net.plenty)) end)
    shortage(function()
        same({ coroutine.wrap(near.write)(near, "x", 1, -1, right) },
             { false, "too many open files", 24 })
    end)
    near:close()
end, true)

sharing("a write that need not wait needs no descriptor", function(near, far)
    local left, right = net.pair("local")
    local _ <close> = net.closing(left, right)
    shortage(function()
        tasks.await(function() equal(near:write("x", 1, -1, right), true) end)
    end)
    local text, came = tasks.await(function() return receive(far) end)
    equal(text, "x")
    came:close()
end)

-- Each allocation of a read that brings a socket fails once: an error, nothing lost, no leak.
sharing("a read that finds no memory has taken nothing", function(near, far)
    local left, right = net.pair("local")
    local _ <close> = net.closing(left, right)
    local refused = 0
    for request = 1, 40 do
        tasks.await(function() return near:write("bytes", 1, -1, right) end)
        local buffer = memory.create(8)
        local done, count, object
        local reader = coroutine.create(function()
            string.gsub("x", "x", function() pcall(pcall, pcall, pcall, type, 1) end)
            -- So deep a stack has room for all calls below.
            done, count, object = pcall(far.read, far, buffer)
        end)
        coroutine.resume(reader)
        native.failallocation(request)
        system.run("ready")
        system.run("ready")
        local failed = native.allocationfailed()
        tasks.run()
        if failed and not done then
            refused = refused + 1
            ok(string.find(count, "not enough memory", 1, true), count)
            count, object = tasks.await(function() return far:read(buffer) end)
        end
        equal(count, 5)
        object:close()
        collect()
    end
    ok(refused > 0)
end)

suite.finish()
