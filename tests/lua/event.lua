-- Events: what await, awaitany, awaitall, emitone, emitall and pending return and raise, and who is
-- resumed in which order (behaviour 14.1). Lines, garbage and depth are in event_lines.lua.

local suite = require "support.suite"
local waiters = require "support.waiters"
local event = require "coutil.event"

local case, equal, ok, same = suite.case, suite.equal, suite.ok, suite.same
local start, expect_waiting = waiters.start, waiters.expect_waiting
local expect_results = waiters.expect_results

local function fields(module)
    local names = {}
    for name, value in pairs(module) do
        names[#names + 1] = name .. ":" .. type(value)
    end
    table.sort(names)
    return table.concat(names, " ")
end

case("the module has the documented fields and no others", function()
    equal(fields(event), "await:function awaitall:function awaitany:function emitall:function "
        .. "emitone:function pending:function version:string")
    equal(event.version, "1.0 alpha")
    equal(getmetatable(event), nil)
end)

-- --- one event -------------------------------------------------------------------------------

case("await returns the event and what the emission gave, in their exact number", function()
    local e = {}
    for _, emit in ipairs { event.emitone, event.emitall } do
        local waiter = start(event.await, e)
        expect_waiting(waiter)
        equal(emit(e), true)
        expect_results(waiter, e)

        waiter = start(event.await, e)
        equal(emit(e, nil), true)
        expect_results(waiter, e, nil)

        waiter = start(event.await, e)
        equal(emit(e, nil, 2, nil, nil), true)
        expect_results(waiter, e, nil, 2, nil, nil)

        local many = {}
        for index = 1, 300 do many[index] = index end
        waiter = start(event.await, e)
        equal(emit(e, table.unpack(many)), true)
        expect_results(waiter, e, table.unpack(many))
    end
end)

case("any value but nil and NaN is an event", function()
    local values = {
        true, false, 1, 1.5, math.huge, "", "name", {}, print, function() end,
        coroutine.create(print), io.stdout,
    }
    for _, e in ipairs(values) do
        local waiter = start(event.await, e)
        equal(event.pending(e), true)
        equal(event.emitone(e, "x"), true)
        expect_results(waiter, e, "x")
        equal(event.pending(e), false)
    end
end)

case("events are equal as keys are: numbers by value, strings by content, tables raw", function()
    local waiter = start(event.await, 1)
    equal(event.pending(1.0), true)
    event.emitone(1.0, "x")
    expect_results(waiter, 1.0, "x") -- the emitter's value, a float

    waiter = start(event.await, "a" .. #"xx")
    event.emitone("a2")
    expect_results(waiter, "a2")

    local alike = { __eq = function() return true end }
    local a, b = setmetatable({}, alike), setmetatable({}, alike)
    waiter = start(event.await, a)
    equal(event.pending(b), false)
    equal(event.emitone(b), false)
    expect_waiting(waiter)
    equal(event.emitone(a), true)
end)

case("await(nil) and await(NaN) raise, and leave nothing behind", function()
    for _, name in ipairs { "await", "awaitany", "awaitall" } do
        if name == "await" then
            suite.fails(function() start(event.await, nil) end, "index is nil")
            suite.fails(function() start(event.await) end, "index is nil")
        end
        suite.fails(function() start(event[name], 0 / 0) end, "index is NaN")
    end
    local e = {}
    suite.fails(function() start(event.awaitany, e, 0 / 0) end, "index is NaN")
    suite.fails(function() start(event.awaitall, e, 0 / 0) end, "index is NaN")
    equal(event.pending(e), false)
end)

case("emissions on nil and NaN, and where nobody waits, return false", function()
    for _, e in ipairs { "nobody", 0 / 0, {} } do
        equal(event.emitone(e, 1), false)
        equal(event.emitall(e, 1), false)
        equal(event.pending(e), false)
    end
    same(table.pack(event.emitone(nil)), { n = 1, false })
    same(table.pack(event.emitall(nil)), { n = 1, false })
    same(table.pack(event.pending(nil)), { n = 1, false })
    same(table.pack(event.emitone()), { n = 1, false })
end)

case("an event is not kept for who comes later", function()
    local e = {}
    event.emitall(e, "too early")
    local waiter = start(event.await, e)
    expect_waiting(waiter)
    event.emitall(e, "in time")
    expect_results(waiter, e, "in time")
end)

case("emitone resumes the one who has waited longest, emitall all in their order", function()
    local e, order = {}, {}
    for index = 1, 6 do
        start(function()
            event.await(e)
            order[#order + 1] = index
        end)
    end
    equal(event.emitone(e), true)
    same(order, { 1 })
    equal(event.emitone(e), true)
    same(order, { 1, 2 })
    equal(event.emitall(e), true)
    same(order, { 1, 2, 3, 4, 5, 6 })
    equal(event.pending(e), false)
    equal(event.emitall(e), false)
end)

case("an emission returns after those it resumed have stopped", function()
    local e, done = {}, false
    local waiter = start(function()
        event.await(e)
        done = true
        coroutine.yield("discarded", "values")
    end)
    same(table.pack(event.emitone(e)), { n = 1, true })
    equal(done, true)
    expect_waiting(waiter)
end)

case("errors and results of those resumed are nobody's, and do not end an emission", function()
    local e = {}
    local first = start(function() event.await(e) error "lost" end)
    local second = start(function() event.await(e) return "lost" end)
    local third = start(event.await, e)
    same(table.pack(event.emitall(e)), { n = 1, true })
    equal(coroutine.status(first.thread), "dead")
    expect_results(second, "lost")
    expect_results(third, e)
end)

case("one who waits again during an emission is not resumed twice by it", function()
    local e, count = {}, 0
    local function again()
        while true do
            event.await(e)
            count = count + 1
        end
    end
    start(again)
    start(again)
    equal(event.emitall(e), true)
    equal(count, 2)
    equal(event.emitone(e), true)
    equal(count, 3)
    equal(event.emitall(e), true)
    equal(count, 5)
end)

case("one who begins to wait during an emission is not resumed by it", function()
    local e, newcomer = {}, nil
    start(function()
        event.await(e)
        newcomer = start(event.await, e)
    end)
    local old = start(event.await, e)
    equal(event.emitall(e, 1), true)
    expect_results(old, e, 1)
    expect_waiting(newcomer)
    equal(event.pending(e), true)
    event.emitall(e, 2)
    expect_results(newcomer, e, 2)
end)

case("who leaves during an emission is not resumed by it", function()
    local e, resumed, closed, last = {}, nil, nil, nil
    start(function()
        event.await(e)
        assert(coroutine.resume(resumed.thread, "by hand"))
        assert(coroutine.close(closed.thread))
        assert(coroutine.resume(last.thread, "by hand")) -- the end of the line, too
    end)
    resumed = start(event.await, e)
    closed = start(event.await, e)
    local stays = start(event.await, e)
    last = start(event.await, e)
    equal(event.emitall(e, "emitted"), true)
    expect_results(resumed, "by hand")
    equal(closed.results, nil)
    equal(coroutine.status(closed.thread), "dead")
    expect_results(stays, e, "emitted")
    expect_results(last, "by hand")
end)

case("the end of the line leaving does not let an emission run on to newcomers", function()
    local e, last, newcomer = {}, nil, nil
    start(function()
        event.await(e)
        newcomer = start(event.await, e)
        assert(coroutine.resume(last.thread, "by hand"))
    end)
    last = start(event.await, e)
    event.emitall(e, "emitted")
    expect_results(last, "by hand")
    expect_waiting(newcomer)
    event.emitone(e)
end)

case("an emission within an emission of the same event takes those still in line", function()
    local e, inner = {}, nil
    start(function()
        event.await(e)
        inner = event.emitall(e, "inner")
    end)
    local second = start(function()
        local _, given = event.await(e)
        equal(given, "inner")
        return event.await(e) -- begins within both
    end)
    equal(event.emitall(e, "outer"), true)
    equal(inner, true)
    expect_waiting(second)
    event.emitall(e, "next")
    expect_results(second, e, "next")
end)

case("an emission within an emission of another event is an emission like any other", function()
    local a, b, order = {}, {}, {}
    start(function()
        event.await(a)
        order[#order + 1] = "a"
        event.emitall(b)
        order[#order + 1] = "a ends"
    end)
    start(function()
        event.await(b)
        order[#order + 1] = "b"
    end)
    event.emitall(a)
    same(order, { "a", "b", "a ends" })
end)

case("await works across pcall, metamethods, iterators and to-be-closed variables", function()
    local e = {}
    local object = setmetatable({}, {
        __index = function() return event.await(e) end,
        __close = function() event.await(e) end,
    })
    local waiter = start(function()
        local done, _, x = pcall(event.await, e)
        local y = object.name
        local count = 0
        for _ in event.await, e do
            count = count + 1
            if count == 2 then break end
        end
        do local _ <close> = object end
        return done, x, y, count
    end)
    for _ = 1, 5 do
        expect_waiting(waiter)
        equal(event.emitone(e, 7), true)
    end
    expect_results(waiter, true, 7, e, 2)
end)

-- --- explicit resume and closing -------------------------------------------------------------

case("an explicit resume gives its values, exactly, and ends each kind of wait", function()
    local a, b = {}, {}
    local waits = {
        function() return event.await(a) end,
        function() return event.awaitany(a, b) end,
        function() return event.awaitall(a, b) end,
    }
    local given = {
        table.pack(), table.pack(nil), table.pack(a), table.pack(1, nil, nil),
        table.pack(true), table.pack(setmetatable({}, { __eq = function() return true end }), 1),
    }
    for _, wait in ipairs(waits) do
        for _, values in ipairs(given) do
            local waiter = start(wait)
            equal(event.pending(a), true)
            assert(coroutine.resume(waiter.thread, table.unpack(values, 1, values.n)))
            expect_results(waiter, table.unpack(values, 1, values.n))
            equal(event.pending(a), false)
            equal(event.pending(b), false)
            equal(event.emitall(a), false)
        end
    end
end)

case("a coroutine that was resumed explicitly may wait anew at once", function()
    local e = {}
    local waiter = start(function()
        equal(event.await(e), "by hand")
        return event.await(e)
    end)
    local other = start(event.await, e)
    assert(coroutine.resume(waiter.thread, "by hand"))
    expect_waiting(waiter)
    event.emitone(e, 1) -- the other is first in line now
    expect_results(other, e, 1)
    expect_waiting(waiter)
    event.emitone(e, 2)
    expect_results(waiter, e, 2)
end)

case("a closed coroutine waits no more, in no line", function()
    local a, b = {}, {}
    for _, wait in ipairs {
        function() return event.await(a) end,
        function() return event.awaitany(a, b) end,
        function() return event.awaitall(a, b) end,
    } do
        local waiter = start(wait)
        equal(coroutine.close(waiter.thread), true)
        equal(event.pending(a), false)
        equal(event.pending(b), false)
        equal(event.emitall(a), false)
        equal(event.emitone(b), false)
    end
end)

case("closing the first, one in the middle and the last leaves the others in order", function()
    local e, order, all = {}, {}, {}
    for index = 1, 7 do
        all[index] = start(function()
            event.await(e)
            order[#order + 1] = index
        end)
    end
    for _, index in ipairs { 4, 1, 7 } do coroutine.close(all[index].thread) end
    event.emitall(e)
    same(order, { 2, 3, 5, 6 })
end)

case("wrapped coroutines wait and are emitted to like others", function()
    local e, results = {}, nil
    coroutine.wrap(function() results = table.pack(event.await(e)) end)()
    event.emitone(e, 1, nil)
    same(results, table.pack(e, 1, nil))
end)

-- --- any of several --------------------------------------------------------------------------

case("awaitany returns the event that was emitted first, and waits for no other", function()
    local a, b, c = {}, "b", 3
    local waiter = start(event.awaitany, a, nil, b, c, nil)
    equal(event.pending(a), true)
    equal(event.pending(b), true)
    equal(event.pending(c), true)
    equal(event.emitone(b, nil, 5, nil), true)
    expect_results(waiter, b, nil, 5, nil)
    for _, e in ipairs { a, b, c } do
        equal(event.pending(e), false)
        equal(event.emitall(e), false)
    end
end)

case("awaitany returns the emitter's value", function()
    local waiter = start(event.awaitany, 7, "x")
    event.emitone(7.0)
    expect_results(waiter, 7.0)
end)

case("an event named twice counts once", function()
    local e = {}
    local woken = 0
    local waiter = start(function()
        event.awaitany(e, 1, e, 1.0)
        woken = woken + 1
        event.awaitall(e, e, nil, e)
        woken = woken + 1
    end)
    event.emitall(e)
    equal(woken, 1)
    equal(event.pending(1), false)
    event.emitall(e)
    equal(woken, 2)
    ok(waiter.results)
    equal(event.pending(e), false)
end)

case("events that awaitany has left are not resumed later in the same emission", function()
    local a, b = {}, {}
    local any
    start(function()
        event.await(a)
        event.emitone(b, "through b") -- the other waits for both
    end)
    any = start(event.awaitany, a, b)
    event.emitall(a, "through a")
    expect_results(any, b, "through b")
end)

case("awaitany without an event raises", function()
    for _, arguments in ipairs { table.pack(), table.pack(nil), table.pack(nil, nil) } do
        local done, problem
        start(function()
            done, problem = pcall(event.awaitany, table.unpack(arguments, 1, arguments.n))
        end)
        equal(done, false)
        equal(problem, "non-nil value expected")
    end
    local message = suite.fails(function()
        start(function() event.awaitany(nil) end)
    end, "non-nil value expected")
    ok(string.find(message, "^%S*event%.lua:%d+: "), message)
end)

-- --- all of several --------------------------------------------------------------------------

case("awaitall returns true after each event was emitted, in whatever order", function()
    local a, b, c = {}, {}, {}
    for _, order in ipairs { { a, b, c }, { c, b, a }, { b, a, c } } do
        local waiter = start(event.awaitall, a, nil, b, c)
        for index, e in ipairs(order) do
            expect_waiting(waiter)
            equal(event.emitone(e, "dropped"), true)
            equal(event.pending(e), false, "emission " .. index)
            equal(event.emitone(e), false)
        end
        expect_results(waiter, true)
    end
end)

case("awaitall without events returns true at once", function()
    expect_results(start(event.awaitall), true)
    expect_results(start(event.awaitall, nil, nil), true)
end)

case("a wait for all takes one emission like anybody else in line", function()
    local a, b = {}, {}
    local all = start(event.awaitall, a, b)
    local one = start(event.await, a)
    equal(event.emitone(a), true)
    expect_waiting(all)
    expect_waiting(one)
    equal(event.emitone(a), true)
    expect_results(one, a)
    equal(event.emitone(b), true)
    expect_results(all, true)
end)

case("an explicit resume abandons all that awaitall still lacks", function()
    local a, b, c = {}, {}, {}
    local waiter = start(event.awaitall, a, b, c)
    event.emitone(b)
    assert(coroutine.resume(waiter.thread, nil, "enough"))
    expect_results(waiter, nil, "enough")
    for _, e in ipairs { a, b, c } do equal(event.pending(e), false) end
end)

-- --- where nobody can yield ------------------------------------------------------------------

case("await functions raise where the running coroutine cannot yield, before all else", function()
    for _, name in ipairs { "await", "awaitany", "awaitall" } do
        waiters.expect_unable(event[name], "e")
        waiters.expect_unable(event[name], nil)
        waiters.expect_unable(event[name], 0 / 0)
        waiters.expect_unable(event[name])
    end
    equal(event.pending("e"), false)
end)

case("events are emitted from anywhere", function()
    local e = {}
    local waiter = start(event.await, e)
    same({ waiters.unyieldable(event.emitone, e, 1) }, { true, true })
    expect_results(waiter, e, 1)

    waiter = start(event.await, e)
    setmetatable({}, { __gc = function() event.emitall(e, 2) end })
    collectgarbage()
    expect_results(waiter, e, 2)
end)

suite.finish()
