-- Coroutines that are closed while they wait in a short write: nothing watches over such a wait, so
-- that the coroutine is gone is found out later. What the program and the peer see is the same as
-- if it had left: the bytes go out, whatever becomes of the socket.

local suite = require("support.suite").strict()
local system = require "coutil.system"
local memory = require "memory"
local native = require "native"
local net = require "support.net"
local tasks = require "support.tasks"

local case, equal, ok = suite.case, suite.equal, suite.ok

local function both(name, body)
    for _, domain in ipairs(net.domains) do
        case(name .. " (" .. domain .. ")", function() body(domain) end)
    end
end

local function collect()
    collectgarbage()
    collectgarbage()
end

both("a short write behind a long one goes on when both are closed and the socket is collected",
    function(domain)
        local text <const> = net.text(net.plenty)
        for _, make in ipairs { tostring, memory.create, net.resizable } do
            local near, far = net.pair(domain, true)
            -- The socket is full, and the kernel waits: with a string for the program's bytes.
            local first = make == tostring and text or net.resizable(text)
            local long = tasks.spawn(function() near:write(first) end)
            local short = tasks.spawn(function() near:write(make("the end")) end)
            tasks.rounds(2)
            coroutine.close(long)
            coroutine.close(short)
            near, long, short = nil, nil, nil
            collect()
            tasks.spawn(function() ok(net.read_all(far) == text .. "the end") end)
            tasks.run()
            ok(near == nil and long == nil and short == nil)
            far:close()
        end
    end)

both("a short write goes on though its coroutine is closed before submission", function(domain)
    for _, keeps in ipairs { true, false } do
        local near, far = net.pair(domain)
        tasks.spawn_busy(function()
            coroutine.close(tasks.spawn(function() near:write("one ") end))
            coroutine.close(tasks.spawn(function() near:write("two") end))
            if not keeps then
                near = nil
                collect()
            end
        end)
        tasks.run()
        equal(tasks.await(function() return net.read_all(far, 7) end), "one two")
        if near ~= nil then near:close() end
        far:close()
    end
end)

both("a socket may be collected between the end of a write and the turn of its closed coroutine",
    function(domain)
        local first, far_of_first = net.pair(domain)
        local second, far_of_second = net.pair(domain)
        local closed, collected = false, setmetatable({}, { __mode = "v" })
        local victim
        tasks.spawn_busy(function()
            -- Both are submitted, and done, in one turn: who writes first goes on first.
            tasks.spawn(function()
                first:write("first")
                coroutine.close(victim)
                closed, victim, second = true, nil, nil
                collect()
            end)
            victim = tasks.spawn(function() second:write("second") end)
            collected[1] = second
        end)
        tasks.run()
        ok(closed and collected[1] == nil)
        equal(tasks.await(function() return net.read_all(far_of_first, 5) end), "first")
        equal(tasks.await(function() return net.read_all(far_of_second) end), "second")
        net.close(first, far_of_first, far_of_second)
    end)

both("a coroutine that a host begins anew is not resumed for the write it was closed in",
    function(domain)
        local near, far = net.pair(domain)
        local steps = {}
        tasks.spawn_busy(function()
            local reused = tasks.spawn(function() near:write("bytes") end)
            local status = native.reuse(reused, function()
                steps[#steps + 1] = "begun"
                steps[#steps + 1] = coroutine.yield() or "resumed without a value"
            end)
            equal(status, "yield")
            tasks.pause(3)
            suite.same(steps, { "begun" })
            ok(coroutine.resume(reused, "resumed"))
        end)
        tasks.run()
        suite.same(steps, { "begun", "resumed" })
        equal(tasks.await(function() return net.read_all(far, 5) end), "bytes")
        net.close(near, far)
    end)

case("the same of a zero suspension", function()
    local steps = {}
    local reused = coroutine.create(function() system.suspend() end)
    ok(coroutine.resume(reused))
    local status = native.reuse(reused, function()
        steps[#steps + 1] = "begun"
        steps[#steps + 1] = coroutine.yield() or "resumed without a value"
    end)
    equal(status, "yield")
    tasks.run()
    suite.same(steps, { "begun" })
    ok(coroutine.resume(reused, "resumed"))
    suite.same(steps, { "begun", "resumed" })
end)

both("a write resumed by hand returns what it was given, and the bytes go out", function(domain)
    local near, far = net.pair(domain)
    local results
    tasks.spawn_busy(function()
        local writer = tasks.spawn(function() results = table.pack(near:write("bytes")) end)
        ok(coroutine.resume(writer, "by hand", 2))
    end)
    tasks.run()
    suite.same(results, { "by hand", 2, n = 2 })
    equal(tasks.await(function() return net.read_all(far, 5) end), "bytes")
    net.close(near, far)
end)

case("datagrams whose writers are closed are sent", function()
    local near = assert(system.socket("datagram", "ipv4"))
    local far = assert(system.socket("datagram", "ipv4"))
    assert(far:bind(net.loopback("ipv4", 0)))
    local to = far:getaddress()
    local got = {}
    tasks.spawn(function()
        local buffer = memory.create(16)
        for index = 1, 2 do got[index] = buffer:tostring(1, far:read(buffer)) end
    end)
    tasks.spawn(function()
        system.suspend()
        for _, text in ipairs { "one", "two" } do
            coroutine.close(tasks.spawn(function() near:write(text, nil, nil, to) end))
        end
    end)
    tasks.run()
    suite.same(got, { "one", "two" })
    net.close(near, far)
end)

suite.finish()
