-- Promises: claiming, fulfilling, and waiting for several (behaviour 14.4).

local suite = require "support.suite"
local waiters = require "support.waiters"
local event = require "coutil.event"
local promise = require "coutil.promise"

local case, equal, ok, same = suite.case, suite.equal, suite.ok, suite.same
local start, expect_waiting = waiters.start, waiters.expect_waiting
local expect_results = waiters.expect_results

-- A promise that is fulfilled with these values.
local function fulfilled(...)
    local p, fulfill = promise.create()
    fulfill(...)
    return p
end

case("the module has the documented fields and no others", function()
    local names = {}
    for name in pairs(promise) do names[#names + 1] = name end
    table.sort(names)
    same(names, { "awaitall", "awaitany", "create", "onlypending", "pickready", "version" })
    equal(promise.version, "1.0 alpha")
end)

case("create returns two functions", function()
    local created = table.pack(promise.create())
    equal(created.n, 2)
    equal(type(created[1]), "function")
    equal(type(created[2]), "function")
end)

case("a promise asked with a true value tells whether it is fulfilled", function()
    local p, fulfill = promise.create()
    same(table.pack(p(true)), { n = 1, false })
    same(table.pack(p("x", 1)), { n = 1, false })
    fulfill()
    same(table.pack(p(true)), { n = 1, true })
    same(table.pack(p(0)), { n = 1, true })
    same(table.pack(p(false)), { n = 0 })
    same(table.pack(p(nil)), { n = 0 })
end)

case("those who claim a promise get its results, with their exact number", function()
    for _, values in ipairs {
        table.pack(), table.pack(nil), table.pack(1, nil, 3, nil), table.pack(nil, nil),
    } do
        local p, fulfill = promise.create()
        local first, second = start(p), start(p, false)
        expect_waiting(first)
        same(table.pack(fulfill(table.unpack(values, 1, values.n))), { n = 1, true })
        expect_results(first, table.unpack(values, 1, values.n))
        expect_results(second, table.unpack(values, 1, values.n))
        same(table.pack(p()), values) -- now in the main program, too
        same(table.pack(waiters.unyieldable(p)),
            table.pack(true, table.unpack(values, 1, values.n)))
    end
end)

case("the first result may be a promise, even this one", function()
    local p, fulfill = promise.create()
    local waiter = start(p)
    fulfill(p, 1)
    expect_results(waiter, p, 1)
    same(table.pack(p()), table.pack(p, 1))
end)

case("fulfilling again replaces the results, emits nothing and returns false", function()
    local p, fulfill = promise.create()
    equal(fulfill(1, 2), true)
    local waiter = start(event.await, p)
    same(table.pack(fulfill("other", nil)), { n = 1, false })
    expect_waiting(waiter)
    same(table.pack(p()), { n = 2, "other", nil })
    equal(fulfill(), false)
    same(table.pack(p()), { n = 0 })
    equal(p(true), true)
    event.emitone(p)
end)

case("results are stored before those who wait are resumed", function()
    local p, fulfill = promise.create()
    local ready, again, value
    start(function()
        event.await(p)
        ready, value = p(true), p()
        again = fulfill("second")
    end)
    local other = start(p)
    equal(fulfill("first"), true)
    same({ ready, value, again }, { true, "first", false })
    expect_results(other, "first") -- what was emitted
    equal(p(), "second")
end)

case("an emission on the promise resumes claims without fulfilling it", function()
    local p, fulfill = promise.create()
    local waiter = start(p)
    equal(event.emitone(p, 1, nil), true)
    expect_results(waiter, 1, nil)
    equal(p(true), false)
    waiter = start(p)
    expect_waiting(waiter)
    fulfill(2)
    expect_results(waiter, 2)
end)

case("an explicit resume gives its values; a promise itself in front is dropped", function()
    local p, fulfill = promise.create()
    for _, values in ipairs { table.pack(), table.pack(nil), table.pack(1, p, nil) } do
        local waiter = start(p)
        coroutine.resume(waiter.thread, table.unpack(values, 1, values.n))
        expect_results(waiter, table.unpack(values, 1, values.n))
    end
    local waiter = start(p)
    coroutine.resume(waiter.thread, p, 1, nil)
    expect_results(waiter, 1, nil)
    equal(event.pending(p), false)
    equal(fulfill(), true)
end)

case("an unfulfilled promise raises where nobody can yield", function()
    local p = promise.create()
    waiters.expect_unable(p)
    waiters.expect_unable(p, false)
    equal(event.pending(p), false)
end)

case("the event of a promise gives its results to plain waits", function()
    local p, fulfill = promise.create()
    local waiter = start(event.await, p)
    fulfill(1, nil)
    expect_results(waiter, p, 1, nil)
end)

case("onlypending returns the unfulfilled ones, up to the first nil", function()
    local a, b, c = promise.create(), promise.create(), promise.create()
    local done <const> = fulfilled()
    same(table.pack(promise.onlypending(a, done, b, c)), { n = 3, a, b, c })
    same(table.pack(promise.onlypending(done, a, nil, b)), { n = 1, a })
    same(table.pack(promise.onlypending(done, done)), { n = 0 })
    same(table.pack(promise.onlypending()), { n = 0 })
    same(table.pack(promise.onlypending(nil, a)), { n = 0 })
end)

case("pickready returns the first that is fulfilled, up to the first nil", function()
    local a, done, other <const> = promise.create(), fulfilled(), fulfilled()
    same(table.pack(promise.pickready(a, done, other)), { n = 1, done })
    same(table.pack(promise.pickready(a, a)), { n = 0 })
    same(table.pack(promise.pickready(a, nil, done)), { n = 0 })
    same(table.pack(promise.pickready()), { n = 0 })
end)

case("awaitall returns true when all are fulfilled", function()
    local a, fulfill_a = promise.create()
    local b, fulfill_b = promise.create()
    local waiter = start(promise.awaitall, a, fulfilled(), b, a)
    expect_waiting(waiter)
    fulfill_b(1)
    expect_waiting(waiter)
    fulfill_a(2)
    expect_results(waiter, true)
    expect_results(start(promise.awaitall, a, b), true)
    expect_results(start(promise.awaitall), true)
end)

case("an explicit resume of awaitall gives its values", function()
    local a, b = promise.create(), promise.create()
    local waiter = start(promise.awaitall, a, b)
    coroutine.resume(waiter.thread, nil, "enough")
    expect_results(waiter, nil, "enough")
    equal(event.pending(a), false)
    equal(event.pending(b), false)
end)

case("awaitall raises where nobody can yield, even if all are fulfilled", function()
    waiters.expect_unable(promise.awaitall, fulfilled())
    waiters.expect_unable(promise.awaitall, (promise.create()))
    waiters.expect_unable(promise.awaitall)
end)

case("awaitany returns a fulfilled promise alone and at once, from anywhere", function()
    local a, done = promise.create(), fulfilled(1, 2)
    same(table.pack(promise.awaitany(a, done)), { n = 1, done })
    same(table.pack(waiters.unyieldable(promise.awaitany, a, done)), { n = 2, true, done })
    expect_results(start(promise.awaitany, a, done), done)
    equal(event.pending(a), false)
end)

case("awaitany otherwise returns the promise and its results", function()
    local a <const> = promise.create()
    local b <const>, fulfill <const> = promise.create()
    local waiter = start(promise.awaitany, a, b)
    expect_waiting(waiter)
    fulfill(1, nil)
    expect_results(waiter, b, 1, nil)
    equal(event.pending(a), false)
end)

case("awaitany raises without a promise, and where nobody can yield", function()
    waiters.expect_unable(promise.awaitany, (promise.create()))
    waiters.expect_unable(promise.awaitany)
    local message = suite.fails(function()
        start(function() promise.awaitany() end)
    end, "non-nil value expected")
    ok(string.find(message, "^%S*promise%.lua:%d+: "), message)
end)

suite.finish()
