-- Signals: what can be asked for, who gets a delivery and how often, and how a wait is left.
-- What becomes of the process meanwhile is in signals_process.lua and signals_ends.lua.

local suite = require("support.suite").strict()
local system = require "coutil.system"
local memory = require "memory"
local net = require "support.net"
local signals = require "support.signals"
local tasks = require "support.tasks"

local case, equal, same, ok, fails = suite.case, suite.equal, suite.same, suite.ok, suite.fails
local collect, emit, is_caught = signals.collect, signals.emit, signals.is_caught
local signal_case, both_ways = signals.case, signals.both_ways
local pid <const> = signals.pid

-- What is asked for ------------------------------------------------------------------------------

signal_case("every signal of the manual can be awaited and is told by its name", function()
    for name, number in pairs(signals.numbers) do
        local got = collect(name, 2)
        ok(is_caught(name), name)
        emit(name)
        equal(system.emitsig(pid, number), true)
        tasks.run()
        same(got, { name, name })
    end
end)

signal_case("what is returned is the string that was passed", function()
    local got = collect("userdef1\0more", 1)
    emit("userdef1\0other")
    tasks.run()
    same(got, { "userdef1\0more" })
end)

signal_case("awaitsig refuses what cannot be awaited", function()
    tasks.await(function()
        for _, name in ipairs { "x", "", "STOP", "TERMINATE", "SIGINT", "9", "Interrupt" } do
            fails(function() system.awaitsig(name) end,
                "bad argument #1 to 'awaitsig' (invalid signal '" .. name .. "')")
        end
        fails(function() system.awaitsig(9) end, "#1 to 'awaitsig' (invalid signal '9')")
        fails(function() system.awaitsig(2.0) end, "#1 to 'awaitsig' (invalid signal '2.0')")
        fails(function() system.awaitsig() end, "#1 to 'awaitsig' (string expected, got no value)")
        fails(function() system.awaitsig({}) end, "#1 to 'awaitsig' (string expected, got table)")
    end)
end)

case("awaitsig asks whether it can yield before it looks at the signal", function()
    fails(function() system.awaitsig("x") end, "unable to yield")
    fails(function() system.awaitsig() end, "unable to yield")
end)

case("emitsig takes names and integers, nothing that only looks like them", function()
    fails(function() system.emitsig(pid, "x") end, "#2 to 'emitsig' (invalid signal 'x')")
    fails(function() system.emitsig(pid, 9.0) end, "#2 to 'emitsig' (invalid signal '9.0')")
    fails(function() system.emitsig(pid, "9") end, "#2 to 'emitsig' (invalid signal '9')")
    fails(function() system.emitsig(pid, {}) end, "#2 to 'emitsig' (string expected, got table)")
    fails(function() system.emitsig(pid) end, "#2 to 'emitsig' (string expected, got no value)")
    fails(function() system.emitsig("x", "x") end, "#1 to 'emitsig' (number expected, got string)")
    fails(function() system.emitsig(1.5, 0) end,
        "#1 to 'emitsig' (number has no integer representation)")
end)

case("emitsig says whether the process is there and the signal is one", function()
    equal(system.emitsig(pid, 0), true)
    equal(system.emitsig(tostring(pid), 0), true)
    same({ system.emitsig(pid, 1000) }, { false, "invalid argument", 22 })
    same({ system.emitsig(pid, -1) }, { false, "invalid argument", 22 })
    same({ system.emitsig(pid, 1 << 40) }, { false, "invalid argument", 22 })
    same({ system.emitsig(0x7FFFFFFF, 0) }, { false, "no such process", 3 })
    -- Cut to 32 bits these would be the own process group, and the own process.
    same({ system.emitsig(1 << 32, 0) }, { false, "no such process", 3 })
    same({ system.emitsig(1 << 32 | pid, 0) }, { false, "no such process", 3 })
end)

-- Who gets it, how often --------------------------------------------------------------------------

both_ways("every coroutine that waits gets a delivery", "userdef1", function()
    local got <const> = {}
    for at = 1, 5 do got[at] = collect("userdef1", 1) end
    emit("userdef1")
    tasks.run()
    for at = 1, 5 do same(got[at], { "userdef1" }) end
end)

both_ways("three signals in a row satisfy three waits in a row", "userdef1", function()
    local got = collect("userdef1", 4)
    emit("userdef1", 3)
    tasks.rounds(8)
    same(got, { "userdef1", "userdef1", "userdef1" })
    emit("userdef1")
    tasks.run()
    equal(#got, 4)
end)

both_ways("each of several coroutines gets each of three deliveries", "userdef2", function()
    local first, second = collect("userdef2", 3), collect("userdef2", 3)
    emit("userdef2", 3)
    tasks.run()
    equal(#first, 3)
    equal(#second, 3)
end)

both_ways("a delivery between resume and the next wait is not lost", "userdef1", function()
    local got = 0
    tasks.spawn(function()
        system.awaitsig("userdef1")
        emit("userdef1", 2)
        system.awaitsig("userdef1")
        got = got + 1
        emit("userdef1")
        system.awaitsig("userdef1")
        system.awaitsig("userdef1")
        got = got + 1
    end)
    emit("userdef1")
    tasks.run()
    equal(got, 2)
end)

both_ways("who comes later gets only what comes later", "userdef1", function()
    local early = collect("userdef1", 1)
    emit("userdef1")
    local late = collect("userdef1", 1)
    tasks.rounds(4)
    same(early, { "userdef1" })
    same(late, {})
    emit("userdef1")
    tasks.run()
    same(late, { "userdef1" })
end)

both_ways("a round resumes each coroutine once, whatever was counted", "userdef1",
    function()
        local got = collect("userdef1", 3)
        emit("userdef1", 3)
        for at = 1, 3 do
            system.run("step")
            equal(#got, at)
        end
        tasks.check()
    end)

both_ways("signals are told apart", "userdef1", function()
    local first, second = collect("userdef1", 1), collect("userdef2", 1)
    emit("userdef2")
    tasks.rounds(4)
    same(first, {})
    same(second, { "userdef2" })
    emit("userdef1")
    tasks.run()
    same(first, { "userdef1" })
end)

both_ways("a coroutine can wait for one signal after another", "userdef1", function()
    local got <const> = {}
    tasks.spawn(function()
        for at, name in ipairs { "userdef1", "userdef2", "userdef1" } do
            got[at] = system.awaitsig(name)
            system.suspend()
        end
    end)
    for _, name in ipairs { "userdef1", "userdef2", "userdef1" } do
        emit(name)
        tasks.rounds(6)
    end
    same(got, { "userdef1", "userdef2", "userdef1" })
end)

signal_case("a signal of another process ends the sleep of run", function()
    local got = collect("hangup", 1)
    os.execute("(sleep 0.1; kill -HUP " .. pid .. ") >/dev/null 2>&1 &")
    tasks.run()
    same(got, { "hangup" })
end)

signal_case("a coroutine that nobody else knows of is resumed", function()
    local got
    coroutine.wrap(function() got = system.awaitsig("userdef1") end)()
    collectgarbage()
    collectgarbage()
    emit("userdef1")
    tasks.run()
    equal(got, "userdef1")
end)

-- Leaving -----------------------------------------------------------------------------------------

both_ways("an explicit resume ends the wait and takes the handler away", "userdef1", function()
    local results
    local task <const> = tasks.spawn(function()
        results = tasks.results(system.awaitsig("userdef1"))
    end)
    coroutine.resume(task, 1, nil, nil)
    equal(results.n, 3)
    equal(results[1], 1)
    equal(is_caught("userdef1"), false)
    equal(system.run(), false)
end)

both_ways("an explicit resume wins over a delivery that is on its way", "userdef1", function()
    local results
    local task <const> = tasks.spawn(function()
        results = tasks.results(system.awaitsig("userdef1"))
    end)
    local other = collect("userdef1", 1)
    emit("userdef1")
    coroutine.resume(task)
    equal(results.n, 0)
    tasks.run()
    same(other, { "userdef1" })
end)

both_ways("an explicit resume by who was resumed first wins as well", "userdef1", function()
    local got, task = 0, nil
    for _ = 1, 2 do
        tasks.spawn(function()
            local name <const> = system.awaitsig("userdef1")
            if task ~= nil then
                coroutine.resume(task, "explicit")
            end
            got = got + (name and 1 or 0)
        end)
    end
    local results
    task = tasks.spawn(function() results = system.awaitsig("userdef1") end)
    emit("userdef1")
    tasks.run()
    equal(results, "explicit")
    equal(got, 2)
end)

both_ways("who was resumed explicitly can wait anew at once", "userdef1", function()
    local results <const> = {}
    local task <const> = tasks.spawn(function()
        results[1] = system.awaitsig("userdef1")
        results[2] = system.awaitsig("userdef1")
    end)
    coroutine.resume(task, "explicit")
    emit("userdef1")
    tasks.run()
    same(results, { "explicit", "userdef1" })
end)

both_ways("a coroutine can be closed while it waits", "userdef1", function()
    local got, task = collect("userdef1", 1)
    equal(coroutine.close(task), true)
    same(got, {})
    equal(is_caught("userdef1"), false)
    equal(system.run(), false)
end)

both_ways("a coroutine can be closed when its delivery is on its way", "userdef1", function()
    local got, task = collect("userdef1", 1)
    local other, other_task = collect("userdef1", 2)
    emit("userdef1")
    coroutine.close(task)
    tasks.rounds(3)
    same(got, {})
    equal(#other, 1)
    coroutine.close(other_task)
    equal(is_caught("userdef1"), false)
end)

both_ways("a run that is over goes on with what was counted meanwhile", "userdef1", function()
    local got = collect("userdef1", 2)
    coroutine.wrap(function()
        system.suspend()
        system.halt()
    end)()
    equal(system.run(), true)
    emit("userdef1", 2)
    same(got, {})
    tasks.run()
    equal(#got, 2)
end)

both_ways("signals come while coroutines keep the loop busy", "userdef1", function()
    local got = collect("userdef1", 1)
    local near, far = net.pair()
    local _ <close> = net.closing(near, far)
    tasks.spawn(function()
        for _ = 1, 50 do system.suspend() end
    end)
    tasks.spawn(function()
        local buffer <const> = memory.create(8)
        for at = 1, 20 do
            assert(near:write("x"))
            assert(far:read(buffer))
            if at == 10 then emit("userdef1") end
        end
    end)
    tasks.run()
    equal(#got, 1)
end)

suite.finish()
