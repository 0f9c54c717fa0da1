-- Queued events: emissions are kept until somebody consumes them (behaviour 14.2).

local suite = require "support.suite"
local waiters = require "support.waiters"
local event = require "coutil.event"
local queued = require "coutil.queued"

local case, equal, same = suite.case, suite.equal, suite.same
local start, expect_waiting = waiters.start, waiters.expect_waiting
local expect_results = waiters.expect_results

local emitters <const> = { "emitone", "emitall" }

case("the module has the documented fields and no others", function()
    local names = {}
    for name in pairs(queued) do names[#names + 1] = name end
    table.sort(names)
    same(names, {
        "await", "awaitall", "awaitany", "emitall", "emitone", "isqueued", "pending", "queued",
        "version",
    })
    equal(queued.version, "1.0 alpha")
    equal(queued.pending, event.pending)
    equal(queued.isqueued, queued.queued)
end)

case("an emission is kept where nobody waits, and await consumes it without yielding", function()
    for _, name in ipairs(emitters) do
        local e = {}
        equal(queued.isqueued(e), false)
        same(table.pack(queued[name](e, 1, 2)), { n = 1, false })
        equal(queued.isqueued(e), true)
        equal(event.pending(e), false)
        same(table.pack(queued.await(e)), { n = 3, e, 1, 2 }) -- in the main program
        equal(queued.isqueued(e), false)
    end
end)

case("kept arguments come back with their exact number", function()
    local e = {}
    local emissions <const> = {
        table.pack(), table.pack(nil), table.pack(nil, nil), table.pack(1, nil),
        table.pack(nil, 2, nil, nil), table.pack(false), table.pack(nil, nil, nil, 4, nil),
    }
    for _, name in ipairs(emitters) do
        for _, values in ipairs(emissions) do
            queued[name](e, table.unpack(values, 1, values.n))
        end
        for index, values in ipairs(emissions) do
            local await <const> = index % 2 == 0 and queued.await or queued.awaitany
            local expected = table.pack(e, table.unpack(values, 1, values.n))
            same(table.pack(await(e)), expected)
        end
        equal(queued.isqueued(e), false)
    end
end)

case("each emission is consumed once, in the order of emission", function()
    local e, other = {}, {}
    for index = 1, 3 do queued.emitone(e, index) end
    queued.emitall(other, "other")
    same({ queued.await(e) }, { e, 1 })
    queued.emitall(e, 4)
    for index = 2, 4 do same({ queued.await(e) }, { e, index }) end
    same({ queued.await(other) }, { other, "other" })
    local waiter = start(queued.await, e)
    expect_waiting(waiter)
    queued.emitone(e, 5)
    expect_results(waiter, e, 5)
    equal(queued.isqueued(e), false)
end)

case("where somebody waits, nothing is kept", function()
    local e = {}
    local first, second = start(queued.await, e), start(event.await, e)
    same(table.pack(queued.emitone(e, 1, nil)), { n = 1, true })
    expect_results(first, e, 1, nil)
    expect_waiting(second)
    same(table.pack(queued.emitall(e, 2)), { n = 1, true })
    expect_results(second, e, 2)
    equal(queued.isqueued(e), false)
end)

case("the lines are those of coutil.event", function()
    local e = {}
    local waiter = start(queued.await, e)
    equal(event.pending(e), true)
    equal(event.emitone(e, "plain"), true)
    expect_results(waiter, e, "plain")
    waiter = start(event.await, e)
    equal(queued.emitone(e, "queued"), true)
    expect_results(waiter, e, "queued")
    event.emitone(e, "not kept")
    equal(queued.isqueued(e), false)
end)

case("a kept emission does not reach event.await", function()
    local e = {}
    queued.emitone(e, "kept")
    local waiter = start(event.await, e)
    expect_waiting(waiter)
    equal(queued.emitone(e, "now"), true)
    expect_results(waiter, e, "now")
    same({ queued.await(e) }, { e, "kept" })
end)

case("emissions on nil are ignored", function()
    same(table.pack(queued.emitone(nil, 1)), { n = 1, false })
    same(table.pack(queued.emitall(nil, 1)), { n = 1, false })
    same(table.pack(queued.emitall()), { n = 1, false })
    same(table.pack(queued.isqueued(nil)), { n = 1, false })
    same(table.pack(queued.isqueued(0 / 0)), { n = 1, false })
end)

case("awaitany consumes the leftmost that was kept, and waits where nothing was", function()
    local a, b, c = {}, {}, {}
    queued.emitone(c, "c")
    queued.emitone(b, "b", nil)
    same(table.pack(queued.awaitany(nil, a, b, c)), { n = 3, b, "b", nil })
    same(table.pack(queued.awaitany(a, b, c)), { n = 2, c, "c" })
    local waiter = start(queued.awaitany, a, nil, b, c)
    expect_waiting(waiter)
    queued.emitall(b, nil)
    expect_results(waiter, b, nil)
    equal(queued.pending(a), false)
    equal(queued.isqueued(b), false)
end)

case("awaitall consumes one for each event, waits for the rest and returns true", function()
    local a, b, c = {}, {}, {}
    queued.emitone(a, 1)
    queued.emitone(a, 2)
    queued.emitone(c, 3)
    local waiter = start(queued.awaitall, a, nil, b, a, c)
    expect_waiting(waiter)
    equal(queued.pending(a), false)
    equal(queued.pending(b), true)
    equal(queued.isqueued(c), false)
    queued.emitone(b)
    expect_results(waiter, true)
    same({ queued.await(a) }, { a, 2 })
    equal(queued.isqueued(a), false)
end)

case("awaitall returns at once if everything was kept, or nothing is asked for", function()
    local a, b = {}, {}
    queued.emitone(a)
    queued.emitone(b)
    expect_results(start(queued.awaitall, a, b), true)
    expect_results(start(queued.awaitall), true)
    expect_results(start(queued.awaitall, nil), true)
end)

case("an explicit resume gives its values, and what was consumed is gone", function()
    local a, b = {}, {}
    queued.emitone(a)
    local waiter = start(queued.awaitall, a, b)
    coroutine.resume(waiter.thread, nil, "by hand", nil)
    expect_results(waiter, nil, "by hand", nil)
    equal(queued.isqueued(a), false)
    equal(queued.pending(b), false)
    waiter = start(queued.await, b)
    coroutine.resume(waiter.thread)
    expect_results(waiter)
    equal(queued.emitone(b, "kept"), false)
    same({ queued.await(b) }, { b, "kept" })
end)

case("a closed coroutine is not waiting: the emission is kept", function()
    local e = {}
    local waiter = start(queued.await, e)
    coroutine.close(waiter.thread)
    equal(queued.emitone(e, "kept"), false)
    same({ queued.await(e) }, { e, "kept" })
end)

case("without anything kept, the functions raise as those of coutil.event", function()
    for _, name in ipairs { "await", "awaitany" } do
        waiters.expect_unable(queued[name], "e")
        waiters.expect_unable(queued[name])
        suite.fails(function() start(queued[name], 0 / 0) end, "index is NaN")
    end
    suite.fails(function() start(queued.await) end, "index is nil")
    local message = suite.fails(function()
        start(function() queued.awaitany(nil) end)
    end, "non-nil value expected")
    suite.ok(string.find(message, "^%S*queued%.lua:%d+: "), message)
end)

case("awaitall raises where nobody can yield, and consumes nothing", function()
    queued.emitone("e", 1)
    waiters.expect_unable(queued.awaitall, "e")
    waiters.expect_unable(queued.awaitall)
    suite.fails(function() start(queued.awaitall, "e", 0 / 0) end, "index is NaN")
    same({ waiters.unyieldable(queued.await, "e") }, { true, "e", 1 })
    queued.emitone("e", 2)
    same({ waiters.unyieldable(queued.awaitany, "f", "e") }, { true, "e", 2 })
end)

suite.finish()
