-- Mutexes: who owns them, and how they pass from one coroutine to the next (behaviour 14.3).

local suite = require "support.suite"
local waiters = require "support.waiters"
local event = require "coutil.event"
local mutex = require "coutil.mutex"

local case, equal, ok, same = suite.case, suite.equal, suite.ok, suite.same
local start, expect_waiting = waiters.start, waiters.expect_waiting
local expect_results = waiters.expect_results

case("the module has the documented fields and no others", function()
    local names = {}
    for name in pairs(mutex) do names[#names + 1] = name end
    table.sort(names)
    same(names, { "islocked", "lock", "ownlock", "unlock", "version" })
    equal(mutex.version, "1.0 alpha")
end)

case("a free lock is taken at once, from anywhere, and lock returns nothing", function()
    local e = {}
    equal(mutex.islocked(e), false)
    equal(mutex.ownlock(e), false)
    same(table.pack(mutex.lock(e)), { n = 0 }) -- the main program owns it
    equal(mutex.islocked(e), true)
    same(table.pack(mutex.ownlock(e)), { n = 1, true })
    same(table.pack(mutex.unlock(e)), { n = 1, false })
    equal(mutex.islocked(e), false)
    same({ waiters.unyieldable(mutex.lock, e) }, { true })
    equal(mutex.islocked(e), true)
    equal(mutex.ownlock(e), false)
end)

case("who waits gets the lock inside unlock, and unlock returns true", function()
    local e, inside = {}, false
    mutex.lock(e)
    local waiter = start(function()
        local results = table.pack(mutex.lock(e))
        inside = true
        equal(mutex.ownlock(e), true)
        coroutine.yield()
        equal(mutex.unlock(e), false)
        return table.unpack(results, 1, results.n)
    end)
    expect_waiting(waiter)
    equal(event.pending(e), true)
    same(table.pack(mutex.unlock(e)), { n = 1, true })
    equal(inside, true)
    equal(mutex.islocked(e), true)
    equal(mutex.ownlock(e), false)
    assert(coroutine.resume(waiter.thread))
    expect_results(waiter)
    equal(mutex.islocked(e), false)
end)

case("a lock goes to those who wait in their order", function()
    local e, order = {}, {}
    mutex.lock(e)
    for index = 1, 5 do
        start(function()
            mutex.lock(e)
            order[#order + 1] = index
            mutex.unlock(e)
        end)
    end
    mutex.unlock(e)
    same(order, { 1, 2, 3, 4, 5 })
    equal(mutex.islocked(e), false)
    equal(event.pending(e), false)
end)

case("resumes that do not free the lock only make it wait again", function()
    local e = {}
    mutex.lock(e)
    local waiter = start(mutex.lock, e)
    for _ = 1, 3 do
        same(table.pack(coroutine.resume(waiter.thread, "by", "hand")), { n = 1, true })
        expect_waiting(waiter)
        equal(event.emitall(e, "emitted"), true)
        expect_waiting(waiter)
        equal(event.pending(e), true)
    end
    mutex.unlock(e)
    expect_results(waiter)
end)

case("who is resumed by hand while the lock is free takes it", function()
    local e = {}
    mutex.lock(e)
    local plain = start(event.await, e) -- takes the emission of unlock
    local waiter = start(mutex.lock, e)
    equal(mutex.unlock(e), true)
    expect_results(plain, e)
    expect_waiting(waiter)
    assert(coroutine.resume(waiter.thread))
    expect_results(waiter)
    equal(mutex.islocked(e), true)
end)

case("who finds the lock taken again waits at the end of the line", function()
    local e, order = {}, {}
    mutex.lock(e)
    start(function()
        event.await(e) -- the first in line is no candidate, but takes the lock
        mutex.lock(e)
        event.emitone(e) -- the next one comes too late
        order[#order + 1] = "thief"
        coroutine.yield()
        mutex.unlock(e)
    end)
    local thief
    for index = 1, 3 do
        local waiter = start(function()
            mutex.lock(e)
            order[#order + 1] = index
            mutex.unlock(e)
        end)
        thief = thief or waiter
    end
    mutex.unlock(e)
    same(order, { "thief" })
    expect_waiting(thief)
end)

case("a coroutine that found the lock taken stands behind those who came meanwhile", function()
    local e, order = {}, {}
    mutex.lock(e)
    for index = 1, 3 do
        start(function()
            mutex.lock(e)
            order[#order + 1] = index
            mutex.unlock(e)
        end)
    end
    event.emitone(e) -- the first finds it taken
    mutex.unlock(e)
    same(order, { 2, 3, 1 })
end)

case("errors name the caller's line", function()
    local e = {}
    mutex.lock(e)
    for _, wrong in ipairs {
        { "nested lock", function() mutex.lock(e) end },
        { "lock not owned", function() mutex.unlock({}) end },
        { "lock not owned", function() mutex.unlock(nil) end },
    } do
        local message = suite.fails(wrong[2], wrong[1])
        ok(string.find(message, "^%S*mutex%.lua:%d+: " .. wrong[1] .. "$"), message)
    end
    suite.fails(function() start(mutex.unlock, e) end, "lock not owned")
    equal(mutex.ownlock(e), true)
    mutex.unlock(e)
    suite.fails(function() mutex.unlock(e) end, "lock not owned")
end)

case("waiting for a lock where nobody can yield raises", function()
    local e = {}
    start(mutex.lock, e)
    waiters.expect_unable(mutex.lock, e)
    equal(event.pending(e), false)
end)

case("nil and NaN cannot be locked, and are not locked", function()
    suite.fails(function() mutex.lock(nil) end, "index is nil")
    suite.fails(function() mutex.lock(0 / 0) end, "index is NaN")
    for _, name in ipairs { "islocked", "ownlock" } do
        same(table.pack(mutex[name](nil)), { n = 1, false })
        same(table.pack(mutex[name](0 / 0)), { n = 1, false })
    end
end)

case("keys are compared as those of events", function()
    mutex.lock(1)
    equal(mutex.ownlock(1.0), true)
    mutex.unlock(1.0)
    equal(mutex.islocked(1), false)
end)

case("an owner that dies does not release", function()
    local e = {}
    local owner = start(mutex.lock, e)
    equal(coroutine.status(owner.thread), "dead")
    equal(mutex.islocked(e), true)
    equal(mutex.ownlock(e), false)
    local waiter = start(mutex.lock, e)
    expect_waiting(waiter)
    coroutine.close(waiter.thread)
end)

case("a coroutine that is closed while it waits gets no lock", function()
    local e = {}
    mutex.lock(e)
    local closed, next_one = start(mutex.lock, e), start(mutex.lock, e)
    coroutine.close(closed.thread)
    equal(mutex.unlock(e), true)
    expect_results(next_one)
    equal(mutex.islocked(e), true)
end)

case("locks of different values are different", function()
    local a, b = {}, {}
    mutex.lock(a)
    expect_results(start(mutex.lock, b))
    mutex.unlock(a)
    equal(mutex.islocked(a), false)
    equal(mutex.islocked(b), true)
end)

suite.finish()
