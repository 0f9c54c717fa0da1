-- Places in the lines of events, whose coroutines were closed, resumed by hand, or put to other use
-- by a host: they count no more, whoever looks, and do not stay (behaviour 14.1). And what lines
-- cost in time, which cannot be seen by counting instructions of Lua.

local suite = require "support.suite"
local waiters = require "support.waiters"
local child = require "support.child"
local native = require "native"
local event = require "coutil.event"

local case, equal, ok, same = suite.case, suite.equal, suite.ok, suite.same
local start, expect_waiting = waiters.start, waiters.expect_waiting
local expect_results = waiters.expect_results

-- The ways to wait for an event, if need be with another one that is never emitted.
local ways <const> = {
    event.await,
    function(e) return event.awaitany(e) end,
    function(e) return event.awaitany({}, e) end,
    function(e) return event.awaitall(e) end,
    function(e) return event.awaitall(e, "never") end,
}

local function collect()
    collectgarbage()
    collectgarbage()
end

-- --- closed coroutines -----------------------------------------------------------------------

case("whoever stands behind any number of closed ones is seen and reached", function()
    for _, wait in ipairs(ways) do
        for _, emit in ipairs { event.emitone, event.emitall } do
            local e, closed = {}, {}
            for index = 1, 1000 do closed[index] = start(wait, e) end
            local last = start(event.await, e)
            for _, waiter in ipairs(closed) do coroutine.close(waiter.thread) end
            equal(event.pending(e), true)
            equal(emit(e, "reached"), true)
            expect_results(last, e, "reached")
            equal(event.pending(e), false)
            equal(event.pending "never", false)
            equal(emit(e), false)
        end
    end
end)

case("an emission finds nobody where all were closed, one by one", function()
    for _, wait in ipairs(ways) do
        local e, all = {}, {}
        for index = 1, 10 do all[index] = start(wait, e) end
        for index = 1, 10 do
            equal(event.pending(e), true)
            coroutine.close(all[11 - index].thread)
        end
        equal(event.emitall(e), false)
        equal(event.pending(e), false)
    end
end)

case("a coroutine that an error ended, after it was resumed by hand, is not in line", function()
    local e = {}
    local waiter = start(function()
        event.await(e)
        error "lost"
    end)
    coroutine.resume(waiter.thread)
    equal(event.pending(e), false)
    equal(event.emitone(e), false)
end)

-- The most KiB in use while the function is called this often.
local function peak(times, body)
    collect()
    local most = 0
    local before <const> = collectgarbage "count"
    for index = 1, times do
        body(index)
        if index % 100 == 0 then most = math.max(most, collectgarbage "count" - before) end
    end
    return most
end

-- A closed coroutine that stays takes nearly a KiB: 100 000 would be ten times the bound.
local bound <const> = 8000

local function close_a_waiter(e)
    local thread = coroutine.create(event.await)
    coroutine.resume(thread, e)
    coroutine.close(thread)
end

case("100 000 coroutines closed while they wait for a string take bounded memory", function()
    local used = peak(100000, function() close_a_waiter "closing" end)
    ok(used < bound, used .. " KiB")
    equal(event.pending "closing", false)
end)

case("so they do where somebody stays in line, before and behind them", function()
    local front = start(event.await, "closing")
    local back
    local used = peak(100000, function(index)
        if index == 50000 then back = start(event.await, "closing") end
        close_a_waiter "closing"
    end)
    ok(used < bound, used .. " KiB")
    equal(event.emitall("closing", 1), true)
    expect_results(front, "closing", 1)
    expect_results(back, "closing", 1)
end)

case("so they do with as many events, which are never emitted", function()
    local used = peak(100000, function(index) close_a_waiter(index + 0.5) end)
    ok(used < bound, used .. " KiB")
end)

case("so they do in waits for several", function()
    for _, wait in ipairs { event.awaitany, event.awaitall } do
        local used = peak(30000, function(index)
            local thread = coroutine.create(wait)
            coroutine.resume(thread, "closing", index + 0.5, "other")
            coroutine.close(thread)
        end)
        ok(used < bound, used .. " KiB")
    end
end)

case("so they do in generational mode", function()
    local before <const> = collectgarbage "generational"
    local used = peak(100000, function(index)
        close_a_waiter(index % 2 == 0 and "closing" or index + 0.5)
    end)
    collectgarbage(before)
    ok(used < bound, used .. " KiB")
end)

case("100 000 waits that are resumed by hand leave nothing, with and without others", function()
    for _, others in ipairs { false, true } do
        local stays = others and start(event.await, "by hand")
        local thread = coroutine.create(function()
            while true do event.await "by hand" end
        end)
        coroutine.resume(thread)
        local used = peak(100000, function() coroutine.resume(thread) end)
        ok(used < 100, used .. " KiB")
        coroutine.close(thread)
        equal(event.emitall("by hand"), others)
        if others then expect_results(stays, "by hand") end
    end
end)

-- The sweeper is found as a debugger would: it is in the table of upvalues that is in the registry.
local function sweeper_of_lines()
    local _, hub = debug.getupvalue(event.await, 2)
    return debug.getuservalue(hub, 1)
end

case("what sweeps after closed coroutines comes back if it could not run", function()
    for _, wait in ipairs { event.await, event.awaitany } do
        local weak <const> = sweeper_of_lines()
        if weak[1] then debug.setmetatable(weak[1], nil) end -- as if it had not been called
        collect()
        equal(weak[1], nil)
        local seen = setmetatable({}, { __mode = "k" })
        local stays = start(event.await, "swept")
        for _ = 1, 10000 do
            local waiter = start(wait, "swept")
            seen[waiter.thread] = true
            coroutine.close(waiter.thread)
        end
        collect()
        equal(next(seen), nil)
        event.emitone "swept"
        expect_results(stays, "swept")
    end
end)

-- --- coroutines of a host ----------------------------------------------------------------------

case("a coroutine that a host uses for something else is not in line", function()
    for _, wait in ipairs(ways) do
        local e = {}
        local others <const> = {
            { coroutine.yield, e },
            { function(...) return ... end, e },
            { function() error "lost" end },
            { native.stand },
            { native.stand, e, e, 1, e },
            { native.stand, e, io.stdout, 1, {} },
            { event.await, {} },
            { event.awaitany, {}, "never" },
        }
        for _, other in ipairs(others) do
            local waiter = start(wait, e)
            local status = native.reuse(waiter.thread, table.unpack(other))
            equal(event.pending(e), false)
            equal(event.emitall(e, "emitted"), false)
            equal(coroutine.status(waiter.thread) == "suspended", status == "yield")
            equal(waiter.results, nil)
        end
        event.emitall "never"
    end
end)

case("one that a host has wait for the same event again stands at its new place only", function()
    for _, wait in ipairs(ways) do
        for _, again in ipairs { event.await, event.awaitany, event.awaitall } do
            local e, order = {}, {}
            local reused = start(wait, e)
            local other = start(function()
                event.await(e)
                order[#order + 1] = "other"
            end)
            native.reuse(reused.thread, function()
                again(e)
                order[#order + 1] = "reused"
            end)
            equal(event.emitone(e), true)
            same(order, { "other" })
            equal(event.pending(e), true)
            equal(event.emitone(e), true)
            same(order, { "other", "reused" })
            equal(event.emitone(e), false)
            equal(coroutine.status(other.thread), "dead")
        end
    end
end)

case("nor is it resumed twice by one emission, alone in line or not", function()
    for _, alone in ipairs { true, false } do
        local e, count = {}, 0
        local reused = start(event.await, e)
        local other = not alone and start(event.await, e)
        native.reuse(reused.thread, function()
            while true do
                event.await(e)
                count = count + 1
            end
        end)
        equal(event.emitall(e), true)
        equal(count, 1)
        if other then expect_results(other, e) end
        coroutine.close(reused.thread)
    end
end)

-- --- lines that are used again -----------------------------------------------------------------

case("an emission does not reach those who wait for another event in the line it left", function()
    for _, wait in ipairs(ways) do
        local e, f, newcomers = {}, {}, {}
        start(function()
            event.await(e)
            for index = 1, 5 do newcomers[index] = start(wait, f) end
        end)
        equal(event.emitall(e), true)
        for _, newcomer in ipairs(newcomers) do expect_waiting(newcomer) end
        equal(event.pending(e), false)
        equal(event.pending(f), true)
        for _, newcomer in ipairs(newcomers) do coroutine.close(newcomer.thread) end
    end
end)

case("more events than lines are kept for reuse are told apart", function()
    for _ = 1, 3 do
        local all = {}
        for index = 1, 500 do all[index] = start(event.await, -index) end
        for index = 500, 1, -1 do
            equal(event.emitall(-index, index), true)
            expect_results(all[index], -index, index)
        end
    end
end)

case("a wait for thousands of events takes part in each line, once", function()
    local events, twice = {}, {}
    for index = 1, 5000 do
        events[index] = index % 2 == 0 and {} or "event " .. index
        twice[index], twice[10001 - index] = events[index], events[index]
    end
    local any = start(event.awaitany, table.unpack(twice))
    local all = start(event.awaitall, table.unpack(twice))
    equal(event.emitone(events[4000], "any"), true)
    expect_results(any, events[4000], "any")
    expect_waiting(all)
    for _, e in ipairs(events) do equal(event.emitone(e), true) end
    expect_results(all, true)
    for _, e in ipairs(events) do equal(event.pending(e), false) end
end)

-- --- values ------------------------------------------------------------------------------------

case("an emission of more values than there is room for raises, and takes nobody", function()
    local function deep(wait, e, left)
        if left == 0 then return (select("#", wait(e))) end
        return (deep(wait, e, left - 1)) -- no tail call: each takes stack
    end
    for _, wait in ipairs { event.await, event.awaitany } do
        local e = {}
        local many <const> = table.pack(e)
        many[400000] = 1
        local waiter = start(deep, wait, e, 200000)
        local behind = start(event.await, e)
        suite.fails(function()
            event.emitall(table.unpack(many, 1, 400000))
        end, "too many values to resume with")
        expect_waiting(waiter)
        expect_waiting(behind)
        equal(event.emitall(e, "fewer"), true)
        expect_results(waiter, 2)
        expect_results(behind, e, "fewer")
    end
end)

case("the number of values does not matter to those with room", function()
    for count = 1, 40 do
        local e = {}
        local values <const> = table.pack(e)
        for index = 2, count do values[index] = index end
        local all = {}
        for index, wait in ipairs { event.await, event.awaitany, event.awaitall } do
            all[index] = start(wait, e)
        end
        equal(event.emitall(table.unpack(values, 1, count)), true)
        expect_results(all[1], table.unpack(values, 1, count))
        expect_results(all[2], table.unpack(values, 1, count))
        expect_results(all[3], true)
        for _, wait in ipairs(ways) do
            local waiter = start(wait, e)
            assert(coroutine.resume(waiter.thread, table.unpack(values, 1, count)))
            expect_results(waiter, table.unpack(values, 1, count))
            equal(event.pending(e), false)
        end
    end
end)

-- --- time --------------------------------------------------------------------------------------

-- Expects that ten times the amount takes about ten times the time of the processor: where it grows
-- with the square it takes a hundred times. Large amounts miss caches more often.
local function expect_linear(body, most)
    local function fastest(count)
        local least = math.huge
        for _ = 1, 3 do
            collect()
            least = math.min(least, body(count))
        end
        return least
    end
    local few, many = fastest(most // 10), fastest(most)
    ok(many < few * 60, string.format("%.2f ms, then %.2f", few * 1e3, many * 1e3))
end

-- A line of this many, and their coroutines in order.
local function line_of(count, e)
    local threads = {}
    for index = 1, count do
        threads[index] = coroutine.create(event.await)
        coroutine.resume(threads[index], e)
    end
    return threads
end

local function timed(body, ...)
    local begin <const> = os.clock()
    body(...)
    return os.clock() - begin
end

case("waking many takes time in proportion to their number, at once or one by one", function()
    expect_linear(function(count)
        local e <const> = {}
        local _ <const> = line_of(count, e)
        return timed(event.emitall, e)
    end, 50000)
    expect_linear(function(count)
        local e <const> = {}
        local _ <const> = line_of(count, e)
        return timed(function() while event.emitone(e) do ok(true) end end)
    end, 50000)
end)

case("so does leaving, by hand and by being closed, from either end", function()
    for _, leave in ipairs { coroutine.resume, coroutine.close } do
        for _, step in ipairs { 1, -1 } do
            expect_linear(function(count)
                local e <const> = {}
                local threads <const> = line_of(count, e)
                return timed(function()
                    for index = step > 0 and 1 or count, step > 0 and count or 1, step do
                        leave(threads[index])
                        if index % 2 == 0 then event.pending(e) end
                    end
                    equal(event.pending(e), false)
                end)
            end, 30000)
        end
    end
end)

case("so does waiting again and again behind one who stays", function()
    for _, leave in ipairs { coroutine.resume, coroutine.close } do
        expect_linear(function(count)
            local stays <const> = start(event.await, "stays")
            local spent = timed(function()
                for _ = 1, count do
                    local thread = coroutine.create(event.await)
                    coroutine.resume(thread, "stays")
                    leave(thread)
                    event.pending "stays"
                end
            end)
            event.emitall "stays"
            expect_results(stays, "stays")
            return spent
        end, 50000)
    end
end)

-- --- ends --------------------------------------------------------------------------------------

case("a state is closed with coroutines that wait, and finalizers that emit", function()
    local output = child.expect [[
local event = require "coutil.event"
local e, f = {}, {}
for _, wait in ipairs { event.await, event.awaitany, event.awaitall } do
    for _ = 1, 200 do
        coroutine.wrap(wait)(e, f)
        coroutine.wrap(wait)("string", e)
        coroutine.close(coroutine.create(wait), e)
    end
end
local resumed = 0
coroutine.wrap(function() event.await(e) resumed = resumed + 1 end)()
setmetatable({}, { __gc = function()
    event.emitall(e)
    event.emitall "string"
    coroutine.wrap(event.await)(e)
    print(resumed, event.pending(e), event.pending "string")
end })
keep = getmetatable
]]
    equal(output, "1\ttrue\tfalse\n")
end)

suite.finish()
