-- Manual: Network & IPC, what TCP streams carry (behaviour 1.5, 1.7, 5, 7.6): read, write and
-- shutdown, their ranges, their checks, and who may use a stream at the same time.

local suite = require("support.suite").strict()
local system = require "coutil.system"
local memory = require "memory"
local native = require "native"
local net = require "support.net"
local tasks = require "support.tasks"

local case, equal, same, ok, fails = suite.case, suite.equal, suite.same, suite.ok, suite.fails

-- A case for each domain, with a connected pair that is closed after it.
local function pairwise(name, body)
    for _, domain in ipairs(net.domains) do
        case(name .. " (" .. domain .. ")", function()
            local near, far, here, there = net.pair(domain)
            local _ <close> = net.closing(near, far)
            body(near, far, here, there)
            tasks.run()
        end)
    end
end

local end_of_file <const> = { false, "end of file", 4095 }
local not_connected <const> = { false, "socket is not connected", 107 }
local broken_pipe <const> = { false, "broken pipe", 32 }
local no_room <const> = { false, "no buffer space available", 105 }

-- Reading ----------------------------------------------------------------------------------------

pairwise("read returns what is there and does not wait for more", function(near, far)
    tasks.spawn(function()
        local buffer = memory.create(100)
        same(table.pack(far:read(buffer)), { n = 1, 5 })
        equal(buffer:tostring(1, 5), "hello")
        same({ far:read(buffer, 99) }, { 2 })
        same({ far:read(buffer) }, { 3 })
        equal(buffer:tostring(1, 3), "rld")
    end)
    tasks.spawn(function()
        equal(near:write("hello"), true)
        tasks.pause(5)
        equal(near:write("world"), true)
    end)
end)

pairwise("read puts bytes into the range and nowhere else", function(near, far)
    local ranges = {
        { 1, -1, 1, 10 }, { 3, 5, 3, 5 }, { -3, nil, 8, 10 }, { 0, 2, 1, 2 }, { nil, -8, 1, 3 },
        { 4, 100, 4, 10 }, { -100, 1, 1, 1 }, { 10, 10, 10, 10 }, { nil, nil, 1, 10 },
    }
    for _, range in ipairs(ranges) do
        local i, j, first, last = range[1], range[2], range[3], range[4]
        tasks.spawn(function()
            local buffer = memory.create(string.rep(".", 10))
            assert(near:write("0123456789"))
            local size = last - first + 1
            equal(far:read(buffer, i, j), size)
            equal(buffer:tostring(), string.rep(".", first - 1) ..
                  string.sub("0123456789", 1, size) .. string.rep(".", 10 - last))
            if size < 10 then equal(#net.read_all(far, 10 - size), 10 - size) end
        end)
        tasks.run()
    end
end)

pairwise("read into an empty range fails and consumes nothing", function(near, far)
    tasks.await(function() return near:write("kept") end)
    tasks.await(function()
        local buffer = memory.create(10)
        for _, range in ipairs { { 2, 1 }, { 11 }, { 1, 0 }, { -1, 3 } } do
            same({ far:read(buffer, range[1], range[2]) }, no_room)
        end
        same({ far:read(memory.create(0)) }, no_room)
        same({ far:read(memory.create()) }, no_room)
        equal(far:read(buffer), 4)
        equal(buffer:tostring(1, 4), "kept")
    end)
end)

pairwise("the range is looked up when bytes are taken, not at the call", function(near, far)
    local buffer = memory.create()
    buffer:resize(4)
    local done
    tasks.spawn(function()
        equal(far:read(buffer, -2), 2)
        done = true
    end)
    system.run("ready")
    buffer:resize(100)
    buffer:fill(".")
    tasks.await(function() return near:write("abc") end)
    ok(done)
    equal(buffer:tostring(97), "..ab")
    equal(net.read_all(far, 0), "")
    tasks.await(function() equal(far:read(buffer), 1) end)
end)

pairwise("a memory that lost its bytes while read waited is an empty range", function(near, far)
    local buffer = memory.create()
    buffer:resize(4)
    tasks.spawn(function() same({ far:read(buffer) }, no_room) end)
    system.run("ready")
    buffer:resize(0)
    tasks.await(function() return near:write("abc") end)
    tasks.await(function() equal(far:read(memory.create(8)), 3) end)
end)

pairwise("the end of the stream is reported again and again", function(near, far)
    tasks.await(function() return near:write("last") end)
    near:close()
    tasks.await(function()
        local buffer = memory.create(10)
        equal(far:read(buffer), 4)
        for _ = 1, 5 do same({ far:read(buffer) }, end_of_file) end
    end)
end)

pairwise("read checks self, buffer, range, use and yielding in that order", function(_, far)
    local buffer = memory.create(4)
    fails(function() far:read() end, "bad argument #1 to 'read' (memory expected, got no value)")
    fails(function() far:read("text") end, "memory expected, got string")
    fails(function() far:read(buffer, {}) end, "#2 to 'read' (number expected, got table)")
    fails(function() far:read(buffer, 1, "x") end, "#3 to 'read' (number expected, got string)")
    fails(function() far:read(buffer, 1.5) end, "number has no integer representation")
    fails(function() far:read(buffer) end, "unable to yield")
    local waiting = tasks.spawn(function() far:read(buffer) end)
    fails(function() far:read("text") end, "memory expected, got string")
    fails(function() far:read(buffer) end, "calling 'read' on bad self (already in use)")
    coroutine.close(waiting)
    fails(function() far:read(buffer) end, "unable to yield")
end)

-- Writing ----------------------------------------------------------------------------------------

pairwise("write sends strings, numbers and memories, and returns true", function(near, far)
    tasks.spawn(function()
        local fixed = memory.create("fixed,")
        for _, data in ipairs { "text,", 42, -1.5, fixed, net.resizable("sized,") } do
            same(table.pack(near:write(data)), { n = 1, true })
        end
        assert(near:shutdown())
    end)
    tasks.spawn(function() equal(net.read_all(far), "text,42-1.5fixed,sized,") end)
end)

pairwise("write sends the range", function(near, far)
    tasks.spawn(function()
        local data = { "0123456789", memory.create("0123456789"), net.resizable("0123456789") }
        for _, bytes in ipairs(data) do
            equal(near:write(bytes, 3, 5), true)
            equal(near:write(bytes, -2), true)
            equal(near:write(bytes, nil, -9), true)
            equal(near:write(bytes, 0, 100), true)
        end
        assert(near:shutdown())
    end)
    tasks.spawn(function()
        equal(net.read_all(far), string.rep("2348901" .. "0123456789", 3))
    end)
end)

pairwise("write of an empty range succeeds and sends nothing", function(near, far)
    tasks.spawn(function()
        for _, range in ipairs { { 2, 1 }, { 11 }, { 1, 0 } } do
            equal(near:write("0123456789", range[1], range[2]), true)
        end
        equal(near:write(""), true)
        equal(near:write(memory.create()), true)
        assert(near:shutdown())
    end)
    tasks.spawn(function() equal(net.read_all(far), "") end)
end)

pairwise("write checks self, yielding, data and range in that order", function(near)
    fails(function() near:write() end, "unable to yield")
    tasks.await(function()
        fails(function() near:write() end, "string or memory expected, got no value")
        fails(function() near:write(true) end,
              "bad argument #1 to 'write' (string or memory expected, got boolean)")
        fails(function() near:write("x", {}) end, "#2 to 'write' (number expected, got table)")
        fails(function() near:write("x", 1, {}) end, "#3 to 'write' (number expected, got table)")
    end)
end)

pairwise("a small write has reached the kernel before run is called", function(near, _, _, there)
    local task = tasks.spawn(function() equal(near:write("at once"), true) end)
    ok(native.readable(there, 5000))
    equal(native.recv(there), "at once")
    equal(coroutine.status(task), "suspended")
end)

pairwise("writes of several coroutines are sent whole and in the order of the calls",
         function(near, far)
    local expected = {}
    local done = 0
    for index = 1, 20 do
        local text = string.rep(string.char(64 + index), index % 3 == 0 and 300000 or 10)
        expected[index] = text
        tasks.spawn(function()
            equal(near:write(text), true)
            done = done + 1
            equal(done, index)
        end)
    end
    expected = table.concat(expected)
    tasks.spawn(function()
        ok(net.read_all(far, #expected) == expected)
    end)
end)

pairwise("a write ends only when all its bytes were taken", function(near, far)
    local finished = false
    local text = net.text(16 * 1024 * 1024)
    tasks.spawn(function()
        equal(near:write(text), true)
        finished = true
    end)
    tasks.rounds(20)
    equal(finished, false)
    tasks.spawn(function() ok(net.read_all(far, #text) == text) end)
    tasks.run()
    equal(finished, true)
end)

pairwise("reading and writing one stream at the same time do not disturb each other",
         function(near, far)
    local text = net.text(3 * 1024 * 1024)
    for _, ends in ipairs { { near, far }, { far, near } } do
        tasks.spawn(function() equal(ends[1]:write(text), true) end)
        tasks.spawn(function() ok(net.read_all(ends[2], #text) == text) end)
    end
end)

-- Shutting down ----------------------------------------------------------------------------------

pairwise("shutdown ends the writing side after earlier writes", function(near, far)
    local text = net.text(4 * 1024 * 1024)
    local order = {}
    tasks.spawn(function()
        equal(near:write(text), true)
        order[#order + 1] = "write"
    end)
    tasks.spawn(function()
        same(table.pack(near:shutdown()), { n = 1, true })
        order[#order + 1] = "shutdown"
    end)
    tasks.spawn(function() ok(net.read_all(far) == text) end)
    tasks.run()
    same(order, { "write", "shutdown" })
end)

pairwise("after shutdown writing is a broken pipe and reading goes on", function(near, far)
    tasks.spawn(function()
        equal(near:shutdown(), true)
        same({ near:write("x") }, broken_pipe)
        same({ near:shutdown() }, not_connected)
        equal(net.read_all(near), "still there")
    end)
    tasks.spawn(function()
        same({ far:read(memory.create(1)) }, end_of_file)
        equal(far:write("still there"), true)
        equal(far:shutdown(), true)
    end)
end)

pairwise("a write after shutdown was called fails at once, without yielding", function(near)
    tasks.spawn(function() equal(near:shutdown(), true) end)
    local direct = coroutine.wrap(function() return near:write("x") end)
    same({ direct() }, broken_pipe)
    direct = coroutine.wrap(function() return near:shutdown() end)
    same({ direct() }, not_connected)
end)

pairwise("shutdown needs a yieldable caller", function(near)
    fails(function() near:shutdown() end, "unable to yield")
end)

-- Not connected ----------------------------------------------------------------------------------

case("a stream that was never connected fails at once, without yielding", function()
    for _, domain in ipairs(net.domains) do
        local stream <close> = assert(system.socket("stream", domain))
        local function direct(method, ...)
            return coroutine.wrap(stream[method])(stream, ...)
        end
        same({ direct("read", memory.create(1)) }, not_connected)
        same({ direct("write", "x") }, broken_pipe)
        same({ direct("shutdown") }, not_connected)
        fails(function() direct("write", true) end, "string or memory expected")
    end
end)

case("read, write and shutdown called while connecting are done once connected", function()
    for _, domain in ipairs(net.domains) do
        local listener <close>, address = net.listener(domain)
        local stream = assert(system.socket("stream", domain))
        local _ <close> = net.closing(stream)
        tasks.spawn(function() equal(stream:connect(address), true) end)
        tasks.spawn(function() equal(stream:write("early "), true) end)
        tasks.spawn(function() equal(stream:write("bytes"), true) end)
        tasks.spawn(function() equal(stream:shutdown(), true) end)
        tasks.spawn(function() equal(net.read_all(stream), "answer") end)
        tasks.spawn(function()
            local there <close> = assert(listener:accept())
            equal(net.read_all(there), "early bytes")
            assert(there:write("answer"))
        end)
        tasks.run()
    end
end)

-- Exclusivity ------------------------------------------------------------------------------------

pairwise("a second reader is refused and the first goes on", function(near, far)
    local buffer = memory.create(8)
    tasks.spawn(function() equal(far:read(buffer), 1) end)
    tasks.spawn(function()
        fails(function() far:read(buffer) end, "already in use")
        local other = coroutine.wrap(function() return pcall(far.read, far, buffer) end)
        same({ other() }, { false, "bad argument #1 to '?' (already in use)" })
        assert(near:write("x"))
    end)
end)

pairwise("the stream is free for others as soon as read has returned", function(near, far)
    local buffer = memory.create(1)
    tasks.spawn(function()
        equal(far:read(buffer), 1)
        tasks.spawn(function() equal(far:read(buffer), 1) end)
    end)
    tasks.await(function() return near:write("xy") end)
end)

-- Closing while in use ---------------------------------------------------------------------------

pairwise("close resumes the reader inside the call, with false and closed", function(_, far)
    local order = {}
    tasks.spawn(function()
        local results = table.pack(far:read(memory.create(1)))
        order[#order + 1] = "reader"
        same(results, { n = 2, false, "closed" })
        fails(function() far:read(memory.create(1)) end, "closed object")
    end)
    equal(far:close(), true)
    order[#order + 1] = "closed"
    same(order, { "reader", "closed" })
end)

pairwise("close ends pending writes with operation canceled in a later round", function(near)
    local results = {}
    for index = 1, 3 do
        tasks.spawn(function()
            results[index] = table.pack(near:write(string.rep("x", 16 * 1024 * 1024)))
        end)
    end
    tasks.spawn(function() results[4] = table.pack(near:shutdown()) end)
    tasks.rounds(3)
    equal(next(results), nil)
    near:close()
    equal(next(results), nil)
    tasks.run()
    for index = 1, 4 do
        same(results[index], { n = 3, false, "operation canceled", 125 })
    end
end)

suite.finish()
