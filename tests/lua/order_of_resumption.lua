-- Manual: Event Processing, the order in which coroutines are resumed (behaviour 2.5), which
-- programs depend on: timers, zero suspensions, the phases of a round.

local suite = require("support.suite").strict()
local system = require "coutil.system"
local memory = require "memory"
local tasks = require "support.tasks"
local net = require "support.net"

local case, equal, same, ok = suite.case, suite.equal, suite.same, suite.ok

-- A table and a function that notes that someone was resumed.
local function log()
    local noted = {}
    return noted, function(what) noted[#noted + 1] = what end
end

case("zero suspensions run last come first served, and then keep that order", function()
    local noted, note = log()
    for index = 1, 3 do
        tasks.spawn(function()
            for _ = 1, 3 do
                system.suspend()
                note(index)
            end
        end)
    end
    system.run()
    same(noted, { 3, 2, 1, 3, 2, 1, 3, 2, 1 })
end)

case("coroutines that come during a round run first in the next one, not in this one", function()
    local noted, note = log()
    for index = 1, 2 do
        tasks.spawn(function()
            system.suspend()
            note(index)
            if index == 2 then
                tasks.spawn(function()
                    system.suspend()
                    note("new")
                end)
            end
            system.suspend()
            note(index)
        end)
    end
    equal(system.run("ready"), true)
    same(noted, { 2, 1 })
    equal(system.run("ready"), false)
    same(noted, { 2, 1, "new", 2, 1 })
end)

case("timers run by deadline, ties in the order of the calls", function()
    local noted, note = log()
    for index, delay in ipairs { 0.012, 0.004, 0.008, 0.004, 0.0040001, 0.012, 0.0049 } do
        tasks.spawn(function()
            system.suspend(delay)
            note(index)
        end)
    end
    tasks.run()
    same(noted, { 2, 4, 5, 7, 3, 1, 6 })
end)

case("a thousand timers run in the order of their deadlines", function()
    local noted, note = log()
    local random = 12345
    local expected = {}
    for index = 1, 1000 do
        random = (random * 1103515245 + 12345) % 2147483648
        local delay = 1 + random // 65536 % 40
        expected[index] = { delay, index }
        tasks.spawn(function()
            system.suspend(delay / 1000)
            note(index)
        end)
    end
    table.sort(expected, function(a, b)
        return a[1] < b[1] or (a[1] == b[1] and a[2] < b[2])
    end)
    tasks.run()
    equal(#noted, 1000)
    for place, entry in ipairs(expected) do
        equal(noted[place], entry[2], place)
    end
end)

case("a round serves timers, then writes, then zero suspensions, then events", function()
    local listener <close>, address = net.listener()
    local near, far = net.pair()
    local _ <close> = net.closing(near, far)
    local client = assert(system.socket("stream", net.default))
    local noted, note = log()
    -- The zero suspension is registered first and the others after it, so that only the phases
    -- can bring them into their order; the connection is made ready by the system beforehand.
    tasks.spawn(function()
        local stream <close> = assert(listener:accept())
        note("event")
        ok(stream)
    end)
    system.run("ready")
    tasks.spawn(function() ok(client:connect(address)) end)
    tasks.spawn(function()
        system.suspend()
        note("zero")
    end)
    tasks.spawn(function()
        ok(near:write("x"))
        note("write")
    end)
    tasks.spawn(function()
        system.suspend(0.0001)
        note("timer")
    end)
    system.run("ready")
    tasks.run()
    same(noted, { "timer", "write", "zero", "event" })
    client:close()
end)

case("a write issued while an event is handled reports before the next zero suspensions", function()
    for _, busy in ipairs { false, true } do
        local near, far = net.pair()
        local _ <close> = net.closing(near, far)
        local noted, note = log()
        local spinning = true
        tasks.spawn(function()
            while spinning do
                system.suspend()
                note("zero")
            end
        end)
        for _ = 1, busy and 4 or 0 do
            tasks.spawn(function()
                while spinning do system.suspend() end
            end)
        end
        tasks.spawn(function()
            local buffer = memory.create(16)
            equal(far:read(buffer), 1)
            note("event")
            ok(far:write("answer"))
            note("written")
            spinning = false
        end)
        system.run("ready")
        tasks.spawn(function() ok(near:write("x")) end)
        tasks.run()
        local place
        for index, what in ipairs(noted) do
            if what == "event" then place = index end
        end
        equal(noted[place + 1], "written")
    end
end)

case("operation canceled results of closed objects come last in a round", function()
    local near, far = net.pair(nil, true)
    local noted, note = log()
    tasks.spawn(function()
        local done, problem = near:write(string.rep("x", net.plenty))
        equal(done, false)
        equal(problem, "operation canceled")
        note("canceled")
    end)
    system.run("ready")
    near:close()
    tasks.spawn(function()
        system.suspend()
        note("zero")
    end)
    tasks.run()
    same(noted, { "zero", "canceled" })
    far:close()
end)

case("a pending zero suspension keeps the round from blocking", function()
    local long = tasks.spawn(function() system.suspend(100) end)
    local rounds = 0
    tasks.spawn(function()
        for _ = 1, 100 do
            system.suspend()
            rounds = rounds + 1
        end
        system.halt()
    end)
    local start = system.nanosecs()
    equal(system.run(), true)
    equal(rounds, 100)
    ok(system.nanosecs() - start < 10 * 1000000000)
    coroutine.close(long)
end)

case("an acceptor that waits again may be served several times in one step", function()
    local listener <close>, address = net.listener()
    local clients = {}
    for index = 1, 5 do
        clients[index] = net.connect(address)
    end
    local accepted = 0
    tasks.spawn(function()
        while accepted < 5 do
            assert(listener:accept()):close()
            accepted = accepted + 1
        end
    end)
    local steps = 0
    while system.run("step") do steps = steps + 1 end
    equal(accepted, 5)
    ok(steps <= 1, "more than one step for five pending connections")
    for _, client in ipairs(clients) do client:close() end
end)

suite.finish()
