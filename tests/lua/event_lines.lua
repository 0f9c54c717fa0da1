-- The lines of those who wait for events, where they are long or deep: what they cost, what they
-- keep from being collected, and what happens when emissions nest deeper than C does (behaviour
-- 1.2.6 and 14.1). That the modules load where only `require` is global is here, too.

local suite = require "support.suite"
local waiters = require "support.waiters"
local event = require "coutil.event"
local mutex = require "coutil.mutex"
local promise = require "coutil.promise"
local queued = require "coutil.queued"

local case, equal, ok = suite.case, suite.equal, suite.ok
local start, expect_waiting = waiters.start, waiters.expect_waiting
local expect_results = waiters.expect_results

-- --- finalizers --------------------------------------------------------------------------------

-- This comes first: after the long lines below the collector would have nothing to do for a while.
case("finalizers that emit never meet a coroutine about to wait", function()
    local e <const> = "event of finalizers"
    local missed, met, tried, stop = 0, 0, 0, false
    local again <const> = {}
    local function make()
        setmetatable({}, again)
    end
    function again.__gc()
        if stop then return end
        local before <const> = met
        if event.pending(e) then
            tried = tried + 1
            event.emitall(e)
            if met == before then missed = missed + 1 end
        end
    end
    -- The collector goes to work after very little, so that any allocation may run finalizers.
    local before <const> = collectgarbage("generational", 1, 1)
    for _, wait in ipairs { event.await, event.awaitany, event.awaitall } do
        for length = 1, 3000 do
            make()
            local garbage = string.rep("x", length) -- the phase of the collector differs each time
            local waiter = start(function()
                wait(e)
                met = met + 1
            end)
            garbage = garbage .. length
            coroutine.close(waiter.thread)
            equal(#garbage > length, true)
        end
    end
    collectgarbage("generational", 20, 100)
    collectgarbage(before)
    stop = true
    ok(tried > 100, tried)
    equal(missed, 0)
end)

-- --- cost ------------------------------------------------------------------------------------

-- How many instructions the function takes, in thousands, with those of the coroutines that it
-- makes with the function it is given.
local function thousands(body)
    local count = 0
    local function tick() count = count + 1 end
    debug.sethook(tick, "", 1000)
    body(function(f, ...)
        local thread = coroutine.create(f)
        debug.sethook(thread, tick, "", 1000)
        assert(coroutine.resume(thread, ...))
        return thread
    end)
    debug.sethook()
    return count
end

-- Expects that ten times the amount takes about ten times the instructions. The hook sees them in
-- thousands only, so a coroutine that lives for fewer must not be what matters.
local function expect_linear(body, most)
    local few = thousands(function(spawn) body(most // 10, spawn) end)
    local many = thousands(function(spawn) body(most, spawn) end)
    ok(few >= 50, "the measurement has a grain of " .. few)
    ok(many < few * 11 and many > few * 9, string.format("%d, then %d thousand", few, many))
end

case("a line of 100 000 is emitted in time proportional to its length", function()
    expect_linear(function(count)
        local e, resumed = {}, 0
        local function wait()
            event.await(e)
            resumed = resumed + 1
        end
        for _ = 1, count do coroutine.wrap(wait)() end
        equal(event.emitall(e), true)
        equal(resumed, count)
    end, 100000)
end)

case("emitting one by one costs the same at any length", function()
    expect_linear(function(count)
        local e, resumed = {}, 0
        local function wait()
            event.await(e)
            resumed = resumed + 1
        end
        for _ = 1, count do coroutine.wrap(wait)() end
        for _ = 1, count do event.emitone(e) end
        equal(resumed, count)
        equal(event.pending(e), false)
    end, 100000)
end)

case("100 000 kept emissions are consumed in time proportional to their number", function()
    expect_linear(function(count)
        local e = {}
        for index = 1, count do queued.emitone(e, index) end
        for index = 1, count do
            local _, value = queued.await(e)
            assert(value == index)
        end
        equal(queued.isqueued(e), false)
    end, 100000)
end)

case("leaving a line takes the same time at its front, middle and end", function()
    -- Whoever leaves does so in its own coroutine, where the hook must count: each leaves often.
    local turns <const> = 100
    for _, step in ipairs { 1, -1, 7 } do -- 7 shares no factor with the counts
        expect_linear(function(count, spawn)
            local e, threads = {}, {}
            local function wait()
                for _ = 1, turns do event.await(e) end
            end
            for index = 1, count do threads[index] = spawn(wait) end
            local place = step < 0 and count - 1 or 0
            for _ = 1, turns do
                for _ = 1, count do
                    coroutine.resume(threads[place + 1])
                    place = (place + step) % count
                end
            end
            equal(event.pending(e), false)
        end, 1000)
    end
end)

-- --- garbage ---------------------------------------------------------------------------------

local function collect()
    collectgarbage()
    collectgarbage()
end

-- Starts a wait for what `create` makes, and expects the coroutine and the event to be collected,
-- though not while the event is there.
local function expect_collected(create, wait)
    local seen = setmetatable({}, { __mode = "k" })
    local e = create()
    do
        local thread = coroutine.create(wait)
        assert(coroutine.resume(thread, e))
        seen[thread] = true
        if type(e) ~= "string" then seen[e] = true end
    end
    collect()
    local count = 0
    for _ in pairs(seen) do count = count + 1 end
    equal(count, 2, "what is alive while the event is")
    equal(event.pending(e), true)
    e = nil -- luacheck: ignore
    collect()
    equal(next(seen), nil, "what is alive without the event")
end

local creators <const> = {
    table = function() return {} end,
    ["function"] = function() local x = {} return function() return x end end,
    thread = function() return coroutine.create(function() end) end,
    userdata = function() return assert(io.open("/dev/null")) end,
}

case("an event nobody refers to is collected with those who wait for it", function()
    for _, create in pairs(creators) do
        expect_collected(create, event.await)
        expect_collected(create, event.awaitany)
        expect_collected(create, event.awaitall)
        expect_collected(create, queued.await)
        expect_collected(create, function(e) event.awaitany({}, e) end)
        expect_collected(create, function(e) event.awaitall(e, {}) end)
    end
    expect_collected(promise.create, function(p) p() end)
    expect_collected(promise.create, function(p) promise.awaitall(p) end)
end)

case("a wait for several events lives as long as one of them", function()
    local kept = {}
    local seen = setmetatable({}, { __mode = "k" })
    local waiter = start(function()
        local other = {}
        seen[other] = true
        return event.awaitany(other, kept)
    end)
    collect()
    ok(next(seen), "the other event, through the coroutine")
    event.emitone(kept)
    expect_results(waiter, kept)
    waiter = nil -- luacheck: ignore
    collect()
    equal(next(seen), nil)
end)

case("waiting for a string keeps the coroutine until the emission", function()
    for _, e in ipairs { "a string", 42, true } do
        local seen = setmetatable({}, { __mode = "k" })
        local resumed = false
        do
            local thread = coroutine.create(function()
                event.await(e)
                resumed = true
            end)
            coroutine.resume(thread)
            seen[thread] = true
        end
        collect()
        ok(next(seen))
        event.emitone(e)
        equal(resumed, true)
        collect()
        equal(next(seen), nil)
    end
end)

case("coroutines that leave are not kept by those who stay in line", function()
    local e = {}
    local seen = setmetatable({}, { __mode = "k" })
    local stays = start(event.await, e)
    for index = 1, 20 do
        local thread = coroutine.create(event.await)
        coroutine.resume(thread, e)
        seen[thread] = true
        if index % 2 == 0 then coroutine.resume(thread) else coroutine.close(thread) end
    end
    collect()
    equal(next(seen), nil)
    event.emitone(e)
    expect_results(stays, e)
end)

case("kept emissions are collected with their event, and consumed ones at once", function()
    local seen = setmetatable({}, { __mode = "k" })
    local function emit(e)
        local value = {}
        seen[value] = true
        queued.emitone(e, value, e)
    end
    local e = {}
    emit(e)
    emit(e)
    collect()
    local count = 0
    for _ in pairs(seen) do count = count + 1 end
    equal(count, 2)
    queued.await(e)
    collect()
    count = 0
    for _ in pairs(seen) do count = count + 1 end
    equal(count, 1)
    e = nil -- luacheck: ignore
    collect()
    equal(next(seen), nil)
end)

case("the owner of a lock lives as long as what it locked", function()
    local seen = setmetatable({}, { __mode = "k" })
    local e = {}
    do
        local thread = coroutine.create(mutex.lock)
        assert(coroutine.resume(thread, e))
        seen[thread] = true
    end
    collect()
    ok(next(seen))
    equal(mutex.islocked(e), true)
    e = nil -- luacheck: ignore
    collect()
    equal(next(seen), nil)
end)

case("events used once leave nothing", function()
    local function use(index)
        local e = index + 0.5 -- a string would grow the table of all strings
        local waiter = start(event.awaitany, e, index)
        queued.emitone(e)
        equal(waiter.results.n, 1)
        queued.emitone(e)
        queued.await(e)
        mutex.lock(e)
        mutex.unlock(e)
    end
    for index = 1, 1000 do use(index) end
    collect()
    local before = collectgarbage "count"
    for index = 1001, 21000 do use(index) end
    collect()
    local grown = collectgarbage "count" - before
    ok(grown < 100, grown .. " KiB more") -- one table each would be over a MiB
end)

-- --- depth -----------------------------------------------------------------------------------

case("a chain of emissions of any length reaches its end", function()
    local length <const> = 5000
    for _, emit in ipairs { event.emitone, event.emitall } do
        local events, reached = {}, 0
        for index = 1, length + 1 do events[index] = {} end
        for index = 1, length do
            coroutine.wrap(function()
                local e, a, b = event.await(events[index])
                assert(e == events[index] and a == nil and b == index)
                reached = reached + 1
                emit(events[index + 1], nil, index + 1)
            end)()
        end
        local last = start(event.await, events[length + 1])
        equal(emit(events[1], nil, 1), true)
        equal(reached, length)
        expect_results(last, events[length + 1], nil, length + 1)
    end
end)

case("a chain of promises of any length is fulfilled", function()
    local first, fulfill = promise.create()
    local claim = first
    for _ = 1, 3000 do
        local before, next_fulfill = claim, nil
        claim, next_fulfill = promise.create()
        coroutine.wrap(function() next_fulfill(before() + 1) end)()
    end
    equal(fulfill(0), true)
    equal(claim(), 3000)
end)

case("a lock goes through any number of hands that keep it for no time", function()
    local e, held = {}, 0
    mutex.lock(e)
    for _ = 1, 3000 do
        coroutine.wrap(function()
            mutex.lock(e)
            held = held + 1
            mutex.unlock(e)
        end)()
    end
    equal(mutex.unlock(e), true)
    equal(held, 3000)
    equal(mutex.islocked(e), false)
end)

-- Runs the function so many resumptions deep that emissions there are owed, and returns once the
-- outermost emission has. Errors on the way are raised.
local function deep_down(body)
    local links <const> = 150
    local ended, problem = 0, nil
    for index = 1, links do
        coroutine.wrap(function()
            event.await("link " .. index)
            local done, raised
            if index == links then
                done, raised = pcall(body)
            else
                done, raised = pcall(event.emitone, "link " .. index + 1)
            end
            ended, problem = ended + 1, problem or not done and raised
        end)()
    end
    equal(event.emitone "link 1", true)
    equal(problem, false)
    equal(ended, links)
end

case("far down, whoever an emission reached is not reached by the next one", function()
    local e, f = {}, {}
    local first, second, any, all = nil, nil, nil, nil
    deep_down(function()
        first, second = start(event.await, e), start(event.await, e)
        equal(event.emitone(e, 1), true)
        equal(event.emitone(e, 2), true)
        equal(event.pending(e), false)
        expect_waiting(first) -- it is owed
        any = start(event.awaitany, e, f)
        event.emitone(e, 3)
        equal(event.pending(f), false)
        all = start(event.awaitall, e, f)
        event.emitall(e)
        event.emitall(f)
    end)
    expect_results(first, e, 1)
    expect_results(second, e, 2)
    expect_results(any, e, 3)
    expect_results(all, true)
end)

case("far down, who leaves before it is resumed hears nothing of the emission", function()
    local e = {}
    for _, wait in ipairs {
        function() return event.await(e) end,
        function() return event.awaitany(e, {}) end,
        function() return event.awaitall(e) end,
    } do
        local resumed, closed, again
        deep_down(function()
            resumed, closed, again = start(wait), start(wait), start(function()
                equal(wait(), "by hand")
                return event.await(e)
            end)
            event.emitall(e, "emitted")
            assert(coroutine.resume(resumed.thread, "by hand"))
            assert(coroutine.close(closed.thread))
            assert(coroutine.resume(again.thread, "by hand"))
        end)
        expect_results(resumed, "by hand")
        equal(closed.results, nil)
        expect_waiting(again)
        event.emitall(e, "later")
        expect_results(again, e, "later")
    end
end)

case("far down, who leaves before it is resumed does not take others out of line", function()
    local e, f = {}, {}
    for _, wait in ipairs {
        function() return event.await(e) end,
        function() return event.awaitany(e, f) end,
        function() return event.awaitall(e) end,
    } do
        local leaves, stays
        deep_down(function()
            leaves, stays = start(wait), start(event.await, e)
            equal(event.emitone(e), true)
            assert(coroutine.resume(leaves.thread, "by hand"))
            equal(event.pending(e), true)
        end)
        expect_results(leaves, "by hand")
        expect_waiting(stays)
        equal(event.pending(f), false)
        equal(event.emitone(e, "later"), true)
        expect_results(stays, e, "later")
    end
end)

-- Calls the function from the given number of coroutines, one within the other. Returns what it
-- returns, or nothing where C has no room for so many.
local function nested(level, body)
    local results = { n = 0 }
    local function nest(left)
        if left == 0 then
            results = table.pack(body())
        else
            coroutine.resume(coroutine.create(nest), left - 1)
        end
    end
    nest(level)
    return table.unpack(results, 1, results.n)
end

case("where C has no room for a coroutine an emission raises, and the next makes up", function()
    local e <const> = {}
    local level = 150
    local problem, waiter
    repeat -- one of the last levels has room to go on with a coroutine, but not for one more
        waiter = start(event.await, e)
        local emitter = coroutine.create(function()
            coroutine.yield()
            event.emitone(e, "late", nil)
        end)
        coroutine.resume(emitter)
        local done
        done, problem = nested(level, function() return coroutine.resume(emitter) end)
        ok(done ~= nil, "a level that can resume")
        level = level + 1
    until not done
    ok(string.find(problem, "C stack overflow"), problem)
    expect_waiting(waiter)
    equal(event.pending(e), false)
    local other = start(event.await, e)
    event.emitone(e, "next")
    expect_results(other, e, "next")
    expect_results(waiter, e, "late", nil)
end)

-- --- loading ---------------------------------------------------------------------------------

case("those in Lua load where nothing but require is global, and set no global", function()
    local names <const> = { "queued", "mutex", "promise", "spawn" }
    for _, name in ipairs(names) do
        local path = assert(package.searchpath("coutil." .. name, package.path))
        local environment = { require = require }
        local module = assert(loadfile(path, "t", environment))("coutil." .. name, path)
        equal(type(module), "table")
        environment.require = nil
        equal(next(environment), nil)
        for key, value in pairs(require("coutil." .. name)) do
            equal(type(module[key]), type(value))
        end
    end
end)

case("loaded twice, the functions for events still have the same lines", function()
    local path = assert(package.searchpath("coutil", package.cpath))
    local again = assert(package.loadlib(path, "luaopen_coutil_event"))()
    ok(again ~= event)
    for key, value in pairs(event) do equal(type(again[key]), type(value)) end
    local e = {}
    local waiter = start(event.await, e)
    equal(again.pending(e), true)
    equal(again.emitone(e, 1), true)
    expect_results(waiter, e, 1)
    waiter = start(again.awaitany, e, 1)
    equal(event.emitall(e), true)
    expect_results(waiter, e)
    equal(again.pending(1), false)
end)

suite.finish()
