-- Coroutines of tests that need no scheduler: whoever waits is resumed by an emission or by hand.

local suite = require "support.suite"

local waiters = {}

-- Starts the function in a coroutine of its own. Returns a table with the thread and, as soon as
-- the function has returned, its results with their number. Errors of the first part are raised.
function waiters.start(body, ...)
    local waiter = {}
    waiter.thread = coroutine.create(function(...)
        waiter.results = table.pack(body(...))
    end)
    local results = table.pack(coroutine.resume(waiter.thread, ...))
    if not results[1] then
        error(results[2], 0)
    end
    suite.equal(results.n, 1, "values yielded by a wait, with true")
    return waiter
end

-- Expects that the function has not returned.
function waiters.expect_waiting(waiter)
    suite.equal(coroutine.status(waiter.thread), "suspended")
    suite.equal(waiter.results, nil)
end

-- Expects that the function has returned exactly these values.
function waiters.expect_results(waiter, ...)
    suite.ok(waiter.results, "the wait has ended")
    suite.same(waiter.results, table.pack(...), "results")
end

-- Runs the function where no coroutine can yield: in a comparator, inside a coroutine.
function waiters.unyieldable(body, ...)
    local arguments = table.pack(...)
    local results
    local thread = coroutine.create(function()
        table.sort({ 2, 1 }, function(a, b)
            results = results
                or table.pack(pcall(body, table.unpack(arguments, 1, arguments.n)))
            return a < b
        end)
    end)
    assert(coroutine.resume(thread))
    return table.unpack(results, 1, results.n)
end

-- Expects that the function raises `unable to yield` in the main program and behind a C boundary,
-- and that this is said at the line of the caller.
function waiters.expect_unable(body, ...)
    local arguments = table.pack(...)
    for _, run in ipairs { pcall, waiters.unyieldable } do
        suite.same({ run(body, ...) }, { false, "unable to yield" })
        local line <const> = debug.getinfo(1, "l").currentline + 2
        local done, problem = run(function()
            body(table.unpack(arguments, 1, arguments.n))
        end)
        suite.equal(done, false)
        suite.ok(string.find(problem, "waiters%.lua:" .. line .. ": unable to yield$"), problem)
    end
end

return waiters
