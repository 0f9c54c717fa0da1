-- Scenarios that are run until no request for memory fails in them: the n-th does, n = 1, 2, 3…

local suite = require "support.suite"
local system = require "coutil.system"
local native = require "native"

local equal, ok = suite.equal, suite.ok

local function collect()
    collectgarbage()
    collectgarbage()
end

-- What the engine keeps for waiting coroutines must be free again: nothing waits, nothing is held.
local function account()
    local counters = system.engine("counters")
    return string.format("%d waiting, %d going on, %d records, %d descriptors", counters.awaiting,
                         counters.goingon, counters.records, (select(2, native.descriptors())))
end

-- Runs the scenario again and again, each time with one more request that succeeds, until it ends
-- without meeting a failure. Coroutines it starts are dropped when it fails. Returns how often.
-- What comes before the failures can be given as `prepare`; otherwise the scenario runs once
-- without any, so that what is kept for ever is there.
return function(scenario, prepare)
    if not prepare then scenario() end
    system.run()
    collect()
    local before = account()
    local left = setmetatable({}, { __mode = "k" })
    for n = 1, 5000 do
        local started = {}
        local function start(body)
            local task = coroutine.create(body)
            started[#started + 1] = task
            left[task] = true
            local done, problem = coroutine.resume(task)
            if not done then error(problem, 0) end
        end
        if prepare then prepare(start) end
        native.failallocation(n)
        local done, problem = pcall(scenario, start)
        local failed = native.allocationfailed()
        if not failed then
            ok(done, problem)
            for _, task in ipairs(started) do coroutine.close(task) end
            return n
        end
        -- A failure may also end a coroutine of run, which is only a warning.
        ok(done or string.find(tostring(problem), "not enough memory", 1, true), problem)
        for _, task in ipairs(started) do
            if coroutine.status(task) == "suspended" then coroutine.close(task) end
        end
        started, start = nil, nil -- luacheck: ignore 311
        system.run()
        collect()
        equal(account(), before, "after failure " .. n)
        equal(next(left), nil, "anchored after failure " .. n)
        -- The next run works.
        local worked
        coroutine.wrap(function()
            worked = system.suspend() and system.suspend(0.0001)
        end)()
        equal(system.run(), false)
        equal(worked, true)
    end
    error("the scenario never ends")
end
