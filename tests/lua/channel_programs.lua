-- Manual: Channels, system.awaitch (behaviour 15.6), in one state: finalizers, functions and
-- resumes that run in the middle of a match; ten thousand of everything.

local suite = require("support.suite").strict()
local system = require "coutil.system"
local channel = require "coutil.channel"
local tasks = require "support.tasks"
local waiters = require "support.waiters"
local channels = require "support.channels"

local equal, same, ok = suite.equal, suite.same, suite.ok
local case, awaiting, at_once = channels.case, channels.awaiting, channels.at_once
local waiting = channels.waiting

-- Programs that run inside -------------------------------------------------------------------

-- Values so long that pushing them collects garbage, where a collection is one step.
local long <const> = ("long"):rep(1 << 20)

-- Has a coroutine wait with such values, and calls `meet` with a channel of the same name. The
-- finalizer runs when the values are pushed, before the match is made; it may change everything.
local function amid(meet, finalizer)
    local first, mine = channel.create "x", channel.create "x"
    local waiter = waiters.start(system.awaitch, first, "in", long, "waits")
    collectgarbage("incremental", 110, 1000, 30)
    collectgarbage()
    local inside, ran = false, false
    local function garbage() -- in a frame of its own, of which nothing is left
        setmetatable({}, { __gc = function()
            ran = inside
            finalizer(mine, waiter)
        end })
    end
    garbage()
    inside = true
    local results = meet(mine, "out", "comes")
    inside = false
    collectgarbage("incremental", 200, 100, 13)
    ok(ran, "the finalizer has not run inside")
    return results, waiter
end

local function syncs(...)
    return table.pack(channel.sync(...))
end

local function resume(waiter)
    ok(coroutine.resume(waiter.thread, "by hand"))
end

case("a finalizer that closes the channel does not undo the match", function()
    for _, meet in ipairs { syncs, at_once } do
        local results, waiter = amid(meet, channel.close)
        same(results, { true, long, "waits", n = 3 })
        tasks.run()
        waiters.expect_results(waiter, true, "comes")
    end
end)

case("a finalizer that waits on the channel does not undo the match", function()
    for _, meet in ipairs { syncs, at_once } do
        local helper
        local results, waiter = amid(meet, function(mine)
            helper = awaiting(mine, "in")
        end)
        same(results, { true, long, "waits", n = 3 })
        resume(helper)
        tasks.run()
        waiters.expect_results(waiter, true, "comes")
    end
end)

case("of a finalizer and the call it interrupts the first one is matched", function()
    for _, close in ipairs { false, true } do
        local got
        local function sync(mine)
            got = table.pack(mine:sync("out", "finalizer"))
            if close then mine:close() end
        end
        local results, waiter = amid(syncs, sync)
        same(results, { false, "empty", n = 2 })
        same(got, { true, long, "waits", n = 3 })
        tasks.run()
        waiters.expect_results(waiter, true, "finalizer")
    end
end)

case("a finalizer that resumes who waits leaves nobody to be matched with", function()
    local function leave(_, waiter) resume(waiter) end
    same(amid(syncs, leave), { false, "empty", n = 2 })
    local late
    local _, waiter = amid(function(...)
        late = awaiting(...)
        return {}
    end, function(mine, waiter)
        resume(waiter)
        mine:getname()
    end)
    waiters.expect_results(waiter, "by hand")
    local other <close> = channel.create "x"
    same({ other:sync("in", "values") }, { true, "comes" })
    tasks.run()
    waiters.expect_results(late, true, "values")
end)

case("who comes in place of the one that a finalizer was matched with is next", function()
    for _, meet in ipairs { syncs, at_once } do
        local other <close> = channel.create "x"
        local second
        local results, waiter = amid(meet, function(mine)
            second = awaiting(other, "in", "second")
            equal(mine:sync("out", "finalizer"), true)
        end)
        same(results, { true, "second", n = 2 })
        tasks.run()
        waiters.expect_results(waiter, true, "finalizer")
        waiters.expect_results(second, true, "comes")
    end
end)

case("a wait is refused when a finalizer has taken match and channel from it", function()
    local function refused(...)
        return table.pack(coroutine.resume(coroutine.create(system.awaitch), ...))
    end
    local results = amid(refused, function(mine, waiter)
        resume(waiter)
        mine:close()
    end)
    equal(results[1], false)
    ok(string.find(results[2], "bad argument #1 to '.*' %(closed channel%)"), results[2])
    local helper
    results = amid(refused, function(mine, waiter)
        resume(waiter)
        helper = awaiting(mine, "out", "helper")
    end)
    equal(results[1], false)
    ok(string.find(results[2], "bad argument #1 to '.*' %(in use%)"), results[2])
    resume(helper)
end)

-- Many ---------------------------------------------------------------------------------------

local function time_of(body)
    local from = system.nanosecs()
    body()
    return (system.nanosecs() - from) / 1e9
end

case("ten thousand coroutines wait at one end, and leave from anywhere", function()
    local waiting_ones, other <close> = {}, channel.create "x"
    local count <const> = 10000
    local took = time_of(function()
        for index = 1, count do
            waiting_ones[index] = awaiting(channel.create "x", "in", index)
        end
        equal(waiting(), count)
        for index = count, 2, -2 do -- the last, the one before the one before
            ok(coroutine.resume(waiting_ones[index].thread))
        end
        for index = 1, count, 2 do
            same({ other:sync("out", -index) }, { true, index })
        end
        same({ other:sync("out") }, { false, "empty" })
        tasks.run()
    end)
    for index = 1, count, 2 do
        waiters.expect_results(waiting_ones[index], true, -index)
    end
    ok(took < 5, took)
end)

case("ten thousand channels are cheap (D38)", function()
    local count <const> = 10000
    local made = {}
    collectgarbage()
    local before = collectgarbage "count"
    local took = time_of(function()
        for index = 1, count do made[index] = channel.create("channel " .. index) end
    end)
    local each = (collectgarbage "count" - before) * 1024 / count
    ok(each < 200, each .. " bytes each")
    took = took + time_of(function()
        local names, found = channel.getnames(), 0
        for name, there in pairs(names) do
            ok(there and string.find(name, "^channel %d+$"))
            found = found + 1
        end
        equal(found, count)
        for index = 1, count, 2 do equal(made[index]:close(), true) end
        channel.getnames(names)
        for index = 1, count do
            equal(names["channel " .. index], index % 2 == 0 or nil)
        end
        for index = 2, count, 2 do equal(made[index]:close(), true) end
        same(channel.getnames(names), {})
    end)
    ok(took < 5, took)
end)

suite.finish()
