-- What TCP connections fail with (behaviour 1.5, 7.6, defect D1): nobody listens, the peer resets
-- in every state, the peer is dead, the buffers are full. No spin, no signal, no leak.

local suite = require("support.suite").strict()
local system = require "coutil.system"
local memory = require "memory"
local native = require "native"
local net = require "support.net"
local tasks = require "support.tasks"
local child = require "support.child"

local case, equal, same, ok = suite.case, suite.equal, suite.same, suite.ok

local function both(name, body)
    for _, domain in ipairs(net.domains) do
        case(name .. " (" .. domain .. ")", function() body(domain) end)
    end
end

local refused <const> = { false, "connection refused", 111 }
local reset <const> = { false, "connection reset by peer", 104 }
local canceled <const> = { false, "operation canceled", 125 }
local not_connected <const> = { false, "socket is not connected", 107 }
local broken_pipe <const> = { false, "broken pipe", 32 }

-- A pair whose far end, when closed, resets the connection.
local function brittle(domain, small)
    local near, far, here, there = net.pair(domain, small)
    native.linger(there)
    return near, far, here, there
end

local function is_one_of(actual, ...)
    for _, expected in ipairs { ... } do
        if actual[2] == expected[2] and actual[3] == expected[3] and actual[1] == false then
            return
        end
    end
    error(string.format("unexpected %s %s %s", actual[1], actual[2], actual[3]), 2)
end

-- Refused ----------------------------------------------------------------------------------------

both("connection refused is told after yielding, and connecting again is allowed", function(domain)
    local nowhere = net.nowhere(domain)
    local listener <close>, address = net.listener(domain)
    local stream <close> = assert(system.socket("stream", domain))
    tasks.await(function()
        for _ = 1, 3 do
            local before = coroutine.running()
            same({ stream:connect(nowhere) }, refused)
            equal(coroutine.running(), before)
            same({ stream:write("x") }, broken_pipe)
            same({ stream:read(memory.create(1)) }, not_connected)
        end
        same({ stream:connect(address) }, { true })
        local there <close> = assert(listener:accept())
        assert(there:write("at last"))
        assert(there:shutdown())
        equal(net.read_all(stream), "at last")
    end)
end)

both("what waits for a connection that fails is told so", function(domain)
    local stream <close> = assert(system.socket("stream", domain))
    local nowhere = net.nowhere(domain)
    local answered = 0
    tasks.spawn(function() same({ stream:connect(nowhere) }, refused) end)
    for _ = 1, 2 do
        tasks.spawn(function()
            same({ stream:write("x") }, canceled)
            answered = answered + 1
        end)
    end
    tasks.spawn(function()
        equal(stream:read(memory.create(1)), false)
        answered = answered + 1
    end)
    tasks.spawn(function()
        equal(stream:shutdown(), false)
        answered = answered + 1
    end)
    tasks.run()
    equal(answered, 4)
end)

both("a failed connection that is tried again at once takes the old reader along", function(domain)
    local listener <close>, address = net.listener(domain)
    local stream <close> = assert(system.socket("stream", domain))
    local nowhere = net.nowhere(domain)
    local results
    tasks.spawn(function()
        same({ stream:connect(nowhere) }, refused)
        same({ stream:connect(address) }, { true })
        assert(stream:shutdown())
    end)
    tasks.spawn(function() results = table.pack(stream:read(memory.create(8))) end)
    tasks.spawn(function()
        local there <close> = assert(listener:accept())
        assert(there:write("x"))
        assert(there:shutdown())
    end)
    tasks.run()
    -- A failure or the bytes of the new connection, but an answer it has to be.
    ok(results[1] == 1 or results[1] == false)
    ok(listener)
end)

both("a caller may time its own connection out", function(domain)
    local nobody, full = net.unanswered(domain)
    local _ <close> = full
    local stuck <close> = assert(system.socket("stream", domain))
    local outcome
    local connecting = tasks.spawn(function() outcome = stuck:connect(nobody) end)
    tasks.spawn(function()
        system.suspend(0.02)
        equal(coroutine.status(connecting), "suspended")
        coroutine.resume(connecting, "timed out")
        stuck:close()
    end)
    tasks.run()
    equal(outcome, "timed out")
end)

both("an abandoned connect goes on and keeps run alive", function(domain)
    local listener <close>, address = net.listener(domain)
    local stream <close> = assert(system.socket("stream", domain))
    local task = tasks.spawn(function() equal(stream:connect(address), "left") end)
    coroutine.resume(task, "left")
    equal(system.engine("counters").goingon, 1)
    tasks.run()
    ok(stream:getaddress("peer") == address)
    ok(listener)
end)

-- Reset ------------------------------------------------------------------------------------------

both("a reset while reading", function(domain)
    local near, far = brittle(domain)
    local _ <close> = net.closing(near)
    tasks.spawn(function()
        same({ near:read(memory.create(1)) }, reset)
        -- The stream is dead for good.
        same({ near:read(memory.create(1)) }, not_connected)
        same({ near:write("x") }, broken_pipe)
        same({ near:shutdown() }, not_connected)
    end)
    tasks.rounds(2)
    far:close()
    tasks.run()
end)

both("a reset while writing", function(domain)
    local near, far = brittle(domain, true)
    local _ <close> = net.closing(near)
    tasks.spawn(function()
        is_one_of({ near:write(string.rep("x", net.plenty)) }, reset, broken_pipe)
    end)
    tasks.rounds(2)
    far:close()
    tasks.run()
end)

both("a reset while several writes and a shutdown are lined up", function(domain)
    local near, far = brittle(domain, true)
    local _ <close> = net.closing(near)
    local count = 0
    for _ = 1, 3 do
        tasks.spawn(function()
            is_one_of({ near:write(string.rep("x", net.plenty)) }, reset, broken_pipe, canceled)
            count = count + 1
        end)
    end
    tasks.spawn(function()
        is_one_of({ near:shutdown() }, reset, broken_pipe, canceled, not_connected)
        count = count + 1
    end)
    tasks.rounds(2)
    far:close()
    tasks.run()
    equal(count, 4)
end)

both("a reset while reading and writing", function(domain)
    local near, far = brittle(domain, true)
    local _ <close> = net.closing(near)
    tasks.spawn(function()
        is_one_of({ near:write(string.rep("x", net.plenty)) }, reset, broken_pipe)
    end)
    tasks.spawn(function()
        local results = { near:read(memory.create(1)) }
        -- Which of the two hears of it first takes the error; the other sees the end of it.
        is_one_of(results, reset, { false, "end of file", 4095 })
    end)
    tasks.rounds(2)
    far:close()
    tasks.run()
end)

both("a reset while idle is told to the next call", function(domain)
    local near, far = brittle(domain)
    local _ <close> = net.closing(near)
    far:close()
    tasks.await(function() is_one_of({ near:write("x") }, reset, broken_pipe) end)
    tasks.await(function() is_one_of({ near:write("x") }, reset, broken_pipe) end)
end)

both("a reset after half-close", function(domain)
    local near, far = brittle(domain)
    local _ <close> = net.closing(near)
    tasks.await(function() return near:shutdown() end)
    tasks.spawn(function()
        is_one_of({ near:read(memory.create(1)) }, reset, { false, "end of file", 4095 })
    end)
    tasks.rounds(2)
    far:close()
    tasks.run()
end)

both("a reset while an abandoned write goes on", function(domain)
    local near, far = brittle(domain, true)
    local _ <close> = net.closing(near)
    local task = tasks.spawn(function() near:write(string.rep("x", net.plenty)) end)
    tasks.rounds(2)
    coroutine.resume(task)
    equal(system.engine("counters").goingon, 1)
    far:close()
    tasks.run()
end)

both("a reset of a connection that was accepted and not used yet", function(domain)
    local near, far, here = net.pair(domain)
    native.linger(here)
    near:close()
    tasks.await(function() is_one_of({ far:read(memory.create(1)) }, reset) end)
    far:close()
end)

both("bytes that came before a reset may be lost, but the end is a clear failure", function(domain)
    local near, far = brittle(domain)
    local _ <close> = net.closing(near)
    tasks.await(function() return far:write("before") end)
    far:close()
    tasks.await(function()
        local buffer = memory.create(100)
        local results
        repeat results = { near:read(buffer) } until not results[1]
        is_one_of(results, reset)
    end)
end)

-- A dead peer ------------------------------------------------------------------------------------

-- D1.
both("writing to a dead peer is a broken pipe and never a signal", function(domain)
    equal(native.sigpipe(), "default")
    for _, busy in ipairs { false, true } do
        local near, far = net.pair(domain)
        local _ <close> = net.closing(near)
        far:close()
        local start = busy and tasks.spawn_busy or tasks.spawn
        start(function()
            local results
            repeat results = { near:write("x") } until not results[1]
            is_one_of(results, broken_pipe, reset)
            is_one_of({ near:write("x") }, broken_pipe, reset)
        end)
        tasks.run()
    end
    equal(native.sigpipe(), "default")
end)

case("children get the default action for SIGPIPE", function()
    local output = child.expect(child.prelude .. [[
local near, far = net.pair()
far:close()
tasks.await(function() repeat until not near:write("x") end)
print(native.sigpipe())
]])
    equal(output, "default\n")
end)

-- Full buffers -----------------------------------------------------------------------------------

both("a full buffer makes the writer wait without using the processor", function(domain)
    local near, far = net.pair(domain, true)
    local writer = tasks.spawn(function() near:write(string.rep("x", net.plenty)) end)
    tasks.rounds(3)
    local used = os.clock()
    tasks.spawn(function() system.suspend(0.2) end)
    repeat system.run("step") until system.engine("counters").awaiting == 1
    ok(os.clock() - used < 0.1, "processor time used while the buffer is full")
    equal(coroutine.status(writer), "suspended")
    far:close()
    near:close()
    tasks.run()
end)

both("an idle stream whose peer has ended uses no processor time", function(domain)
    local near, far = net.pair(domain)
    local _ <close> = net.closing(near)
    tasks.await(function() return far:shutdown() end)
    tasks.await(function() return near:read(memory.create(1)) end)
    local writer = tasks.spawn(function() near:write(string.rep("x", 64 * 1024 * 1024)) end)
    tasks.rounds(3)
    local used = os.clock()
    tasks.spawn(function() system.suspend(0.2) end)
    repeat system.run("step") until system.engine("counters").awaiting == 1
    ok(os.clock() - used < 0.1, "processor time used while nothing happens")
    equal(coroutine.status(writer), "suspended")
    near:close()
    far:close()
    tasks.run()
end)

suite.finish()
