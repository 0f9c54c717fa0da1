-- Manual: Event Processing (behaviour 2.1 to 2.5 and 2.7): run in its modes, halt, isrunning, the
-- order of resumption, what becomes of errors. Races are made by counting rounds.

local suite = require("support.suite").strict()
local system = require "coutil.system"
local tasks = require "support.tasks"
local net = require "support.net"
local child = require "support.child"

local case, equal, same, ok, fails = suite.case, suite.equal, suite.same, suite.ok, suite.fails

local modes <const> = { "loop", "step", "ready" }

-- A table and a function that notes that someone was resumed.
local function log()
    local noted = {}
    return noted, function(what) noted[#noted + 1] = what end
end

-- run --------------------------------------------------------------------------------------------

case("run returns false at once in all modes when nothing waits", function()
    for _, mode in ipairs(modes) do
        equal(system.run(mode), false, mode)
    end
    equal(system.run(), false)
    equal(system.run(nil), false)
end)

case("run refuses an unknown mode with an argument error", function()
    fails(function() system.run("fast") end, "bad argument #1 to 'run' (invalid option 'fast')")
    fails(function() system.run({}) end, "bad argument #1 to 'run' (string expected, got table)")
end)

case("the mode is checked before already running", function()
    tasks.spawn(function()
        system.suspend()
        fails(function() system.run("fast") end, "invalid option 'fast'")
        fails(function() system.run() end, "already running")
        fails(function() system.run("ready") end, "already running")
    end)
    tasks.run()
end)

case("already running carries the position of the caller", function()
    tasks.spawn(function()
        system.suspend()
        local done, problem = pcall(function() system.run() end)
        equal(done, false)
        ok(string.find(problem, "^.-event_processing.lua:%d+: already running$"), problem)
        equal(select(2, pcall(system.run)), "already running")
    end)
    tasks.run()
end)

case("another coroutine is told already running too", function()
    tasks.spawn(function()
        system.suspend()
        local inner = coroutine.wrap(function() return pcall(system.run) end)
        same({ inner() }, { false, "already running" })
    end)
    tasks.run()
end)

case("run may be called from a coroutine, which is normal meanwhile", function()
    local status, runner
    tasks.spawn(function()
        system.suspend()
        status = coroutine.status(runner)
    end)
    runner = coroutine.create(function() return system.run() end)
    same({ coroutine.resume(runner) }, { true, false })
    equal(status, "normal")
end)

case("loop runs until nobody waits any more", function()
    local count = 0
    for _ = 1, 5 do
        tasks.spawn(function()
            for _ = 1, 7 do system.suspend() end
            count = count + 1
        end)
    end
    equal(system.run("loop"), false)
    equal(count, 5)
end)

case("step resumes every ready coroutine once", function()
    local counts = { 0, 0, 0 }
    for index = 1, 3 do
        tasks.spawn(function()
            while counts[index] < 3 do
                system.suspend()
                counts[index] = counts[index] + 1
            end
        end)
    end
    equal(system.run("step"), true)
    same(counts, { 1, 1, 1 })
    equal(system.run("step"), true)
    same(counts, { 2, 2, 2 })
    equal(system.run("step"), false)
    same(counts, { 3, 3, 3 })
end)

case("step resumes a coroutine that sleeps less than a millisecond once a round", function()
    local count = 0
    tasks.spawn(function()
        for _ = 1, 6 do
            system.suspend(0.0005)
            count = count + 1
        end
    end)
    for round = 1, 6 do
        equal(system.run("step"), round < 6)
        equal(count, round)
    end
end)

case("step blocks until somebody was resumed", function()
    local resumed = false
    tasks.spawn(function()
        system.suspend(0.03)
        resumed = true
    end)
    system.time("updated")
    equal(system.run("step"), false)
    equal(resumed, true)
end)

case("step returns true while others still wait", function()
    tasks.spawn(function() system.suspend(0.005) end)
    local long = tasks.spawn(function() system.suspend(100) end)
    equal(system.run("step"), true)
    coroutine.close(long)
    equal(system.run("step"), false)
end)

case("ready does not block", function()
    local resumed = false
    local task = tasks.spawn(function()
        system.suspend(100)
        resumed = true
    end)
    local start = system.nanosecs()
    equal(system.run("ready"), true)
    ok(system.nanosecs() - start < 10 * 1000000000)
    equal(resumed, false)
    coroutine.close(task)
end)

case("ready resumes who is ready, once", function()
    local count = 0
    tasks.spawn(function()
        system.suspend()
        count = count + 1
        system.suspend()
        count = count + 1
    end)
    equal(system.run("ready"), true)
    equal(count, 1)
    equal(system.run("ready"), false)
    equal(count, 2)
end)

-- D22.
case("step after the close of an object resumes somebody before it returns", function()
    local listener = net.listener()
    tasks.spawn(function() equal(listener:accept(), false) end)
    listener:close()
    local resumed = false
    tasks.spawn(function()
        system.suspend(0.02)
        resumed = true
    end)
    equal(system.run("step"), false)
    equal(resumed, true)
end)

case("step and ready return false in the round in which the last coroutine ends", function()
    for _, mode in ipairs { "step", "ready" } do
        tasks.spawn(function() system.suspend() end)
        equal(system.run(mode), false, mode)
    end
    local near, far = net.pair()
    local _ <close> = net.closing(near, far)
    tasks.spawn(function()
        local buffer = require("memory").create(16)
        equal(far:read(buffer), 1)
    end)
    system.run("ready")
    tasks.spawn(function() equal(near:write("x"), true) end)
    while system.run("step") do end
    equal(system.run("step"), false)
end)

case("open sockets and unread bytes do not keep run alive", function()
    local near, far = net.pair()
    local _ <close> = net.closing(near, far, (net.listener()))
    tasks.await(function() return near:write("unread") end)
    equal(system.run(), false)
end)

case("an abandoned write keeps run alive until it is done", function()
    local near, far = net.pair(nil, true)
    local _ <close> = net.closing(near, far)
    local writer = tasks.spawn(function() near:write(string.rep("x", net.plenty)) end)
    coroutine.resume(writer)
    equal(system.run("ready"), true)
    equal(system.engine("counters").goingon, 1)
    local size
    tasks.spawn(function() size = #net.read_all(far, net.plenty) end)
    tasks.run()
    equal(size, net.plenty)
end)

case("loop sleeps without using the processor", function()
    tasks.spawn(function() system.suspend(0.3) end)
    local used = os.clock()
    system.run()
    ok(os.clock() - used < 0.1, "processor time used while asleep")
end)

case("values of a plain yield are discarded, and the scheduler forgets the coroutine", function()
    local task = tasks.spawn(function()
        system.suspend()
        local got = coroutine.yield(1, 2, 3)
        equal(got, "again")
    end)
    equal(system.run(), false)
    equal(coroutine.status(task), "suspended")
    ok(coroutine.resume(task, "again"))
    equal(coroutine.status(task), "dead")
    tasks.check()
end)

case("what a coroutine returns to the scheduler is discarded", function()
    local task = coroutine.create(function()
        system.suspend()
        return 1, 2, 3
    end)
    ok(coroutine.resume(task))
    equal(system.run(), false)
    equal(coroutine.status(task), "dead")
end)

-- Errors -----------------------------------------------------------------------------------------

-- What the interpreter prints to standard error for a coroutine that raises the expression.
local function warning_of(expression, head)
    return child.expect((head or 'warn("@on")\n') .. [[
local system = require "coutil.system"
coroutine.wrap(function() system.suspend() error(]] .. expression .. [[, 0) end)()
coroutine.wrap(function() system.suspend() system.suspend() io.stderr:write("others go on\n") end)()
io.stderr:write(tostring(system.run()), "\n")
]])
end

case("an error in a coroutine becomes a warning, and the others go on", function()
    local rest = "others go on\nfalse\n"
    local head = "Lua warning: [coutil] system.run: "
    equal(warning_of('"oops"'), head .. "oops\n" .. rest)
    equal(warning_of("42"), head .. "42\n" .. rest)
    equal(warning_of("4.5"), head .. "4.5\n" .. rest)
    local other = head .. "(error object is not a string)\n" .. rest
    equal(warning_of("{}"), other)
    equal(warning_of("nil"), other)
    equal(warning_of('setmetatable({}, { __tostring = function() return "no" end })'), other)
    local long = string.rep("x", 5000)
    equal(warning_of('string.rep("x", 5000)'), head .. long .. "\n" .. rest)
end)

case("warnings are off unless turned on", function()
    equal(warning_of('"oops"', ""), "others go on\nfalse\n")
end)

case("the dead coroutine keeps its error", function()
    local task = coroutine.create(function()
        system.suspend()
        error("kept", 0)
    end)
    ok(coroutine.resume(task))
    equal(system.run(), false)
    equal(coroutine.status(task), "dead")
    same({ coroutine.close(task) }, { false, "kept" })
end)

-- D34: errors that escape must not leave the scheduler running for ever.
case("run works again after a coroutine overflowed its stack", function()
    local function deep() return 1 + deep() end
    local task = coroutine.create(function()
        system.suspend()
        deep()
    end)
    ok(coroutine.resume(task))
    equal(system.run(), false)
    equal(system.isrunning(), false)
    ok(string.find(select(2, coroutine.close(task)), "stack overflow", 1, true))
end)

case("run works again where there was no C stack left to resume from", function()
    local resumed = 0
    for _ = 1, 3 do
        tasks.spawn(function()
            system.suspend()
            resumed = resumed + 1
        end)
    end
    -- Each level of nesting uses some of Lua's C stack; at some depth run cannot resume anybody.
    local raised
    local function nest(depth)
        local done, problem = coroutine.resume(coroutine.create(function()
            if depth == 0 then return system.run() end
            return nest(depth - 1)
        end))
        if not done then raised = problem end
    end
    for depth = 185, 200 do nest(depth) end
    equal(system.isrunning(), false)
    equal(system.run(), false)
    equal(resumed, 3)
    ok(raised == nil or string.find(tostring(raised), "C stack overflow", 1, true), raised)
end)

-- halt and isrunning -----------------------------------------------------------------------------

case("halt outside of run raises not running", function()
    local done, problem = pcall(function() system.halt() end)
    equal(done, false)
    ok(string.find(problem, "^.-:%d+: not running$"), problem)
    equal(select(2, pcall(system.halt)), "not running")
end)

case("halt returns no value and ends run when the round is over", function()
    for _, mode in ipairs(modes) do
        local noted, note = log()
        local task = tasks.spawn(function()
            while true do
                system.suspend()
                note("other")
            end
        end)
        tasks.spawn(function()
            system.suspend()
            equal(select("#", system.halt()), 0)
            note("halted")
        end)
        equal(system.run(mode), true, mode)
        same(noted, { "halted", "other" })
        coroutine.close(task)
        tasks.check()
    end
end)

case("halt does not wait for what is not ready", function()
    local task = tasks.spawn(function() system.suspend(100) end)
    tasks.spawn(function()
        system.suspend(0.002)
        system.halt()
    end)
    equal(system.run(), true)
    coroutine.close(task)
    tasks.check()
end)

case("halt in the last coroutine makes run return false", function()
    tasks.spawn(function()
        system.suspend()
        system.halt()
    end)
    equal(system.run(), false)
end)

case("a halt is used up by the run that is executing", function()
    local count = 0
    tasks.spawn(function()
        system.suspend()
        system.halt()
        for _ = 1, 10 do
            system.suspend()
            count = count + 1
        end
    end)
    equal(system.run(), true)
    equal(count, 0)
    equal(system.run(), false)
    equal(count, 10)
end)

case("isrunning tells from everywhere whether run executes", function()
    equal(system.isrunning(), false)
    local seen = {}
    tasks.spawn(function()
        seen[1] = system.isrunning()
        system.suspend()
        seen[2] = system.isrunning()
        seen[3] = coroutine.wrap(system.isrunning)()
    end)
    system.run()
    same(seen, { false, true, true })
    equal(system.isrunning(), false)
    tasks.check()
end)

-- Order ------------------------------------------------------------------------------------------

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
    local client = assert(system.socket("stream", "ipv4"))
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
            local buffer = require("memory").create(16)
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

-- What else there is -----------------------------------------------------------------------------

case("printall prints something for each wait to standard error and returns nothing", function()
    local printed = child.expect [[
local system = require "coutil.system"
coroutine.wrap(system.suspend)(1)
print(select("#", system.printall()))
os.exit(0, false)
]]
    ok(string.find(printed, "suspend", 1, true), printed)
    ok(string.find(printed, "0\n", 1, true), printed)
end)

case("extra arguments are ignored", function()
    equal(system.run("ready", 1, {}), false)
    equal(system.isrunning(1), false)
end)

suite.finish()
