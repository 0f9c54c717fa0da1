-- Manual: Event Processing (behaviour 2.1 to 2.4 and 2.7): run in its modes, halt, isrunning, what
-- becomes of errors. The order of resumption has a script of its own.

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
