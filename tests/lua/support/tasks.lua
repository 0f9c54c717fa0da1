-- Coroutines whose errors are heard of, and runs that end. The scheduler turns an error of a
-- coroutine into a warning, which nobody would notice here; so tasks keep theirs until run.

local system = require "coutil.system"

local tasks = {}

local problems = {}

local function keep(problem)
    problems[#problems + 1] = debug.traceback(tostring(problem), 2)
end

-- Starts the function in a coroutine of its own, and returns that.
function tasks.spawn(body, ...)
    local task = coroutine.create(function(...)
        xpcall(body, keep, ...)
    end)
    assert(coroutine.resume(task, ...))
    return task
end

-- Raises what a task has raised since the last time, if anything.
function tasks.check()
    local first = problems[1]
    problems = {}
    if first ~= nil then
        error(first, 0)
    end
end

local function waiting()
    local counters = system.engine("counters")
    return counters.awaiting + counters.goingon
end

-- Runs the scheduler until nothing is left to wait for. What takes longer than `seconds` (10) ends
-- the whole script: there is no way to go on from there.
function tasks.run(seconds)
    local limit = system.nanosecs() + (seconds or 10) * 1000000000
    local late = false
    -- It ticks, since the end of an abandoned operation resumes nobody and ends no step.
    local guard = coroutine.create(function()
        repeat
            system.suspend(0.01)
            if #problems > 0 then
                limit = math.min(limit, system.nanosecs() + 1000000000)
            end
            late = system.nanosecs() > limit
        until late
    end)
    assert(coroutine.resume(guard))
    while not late and waiting() > 1 do
        system.run("step")
    end
    if late then
        io.stderr:write(table.concat(problems, "\n"), "\n")
        io.stderr:write(debug.traceback("not over in time; what waits:"), "\n")
        system.printall()
        os.exit(1, false)
    end
    coroutine.close(guard)
    tasks.check()
end

-- Runs `count` rounds that do not block.
function tasks.rounds(count)
    for _ = 1, count do
        system.run("ready")
    end
    tasks.check()
end

-- Runs rounds until the condition holds; fails when it does not within some seconds.
function tasks.until_true(condition)
    local limit = system.nanosecs() + 10 * 1000000000
    while not condition() do
        assert(system.nanosecs() < limit, "the condition does not come true")
        system.run("ready")
        tasks.check()
    end
end

-- Runs the function as a task to its end, and returns what it returned.
function tasks.await(body, ...)
    local results
    tasks.spawn(function(...)
        results = table.pack(body(...))
    end, ...)
    tasks.run()
    assert(results, "the task has not ended")
    return table.unpack(results, 1, results.n)
end

-- The results of a call with their number, so that no value and nil differ.
tasks.results = table.pack

-- Lets the calling task see `count` rounds pass.
function tasks.pause(count)
    for _ = 1, count or 1 do
        system.suspend()
    end
end

-- Starts the function as a task in a busy round: so many coroutines are served before it that its
-- writes are not sent on the spot but together, with the next entry into the kernel.
function tasks.spawn_busy(body, ...)
    tasks.spawn(function(...)
        system.suspend()
        body(...)
    end, ...)
    for _ = 1, 4 do
        coroutine.wrap(system.suspend)() -- whoever suspends later comes first
    end
end

return tasks
