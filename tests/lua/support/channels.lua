-- What the tests of channels within one state share.

local suite = require "support.suite"
local system = require "coutil.system"
local channel = require "coutil.channel"
local waiters = require "support.waiters"

local channels = {}

-- From the first wait on the engine keeps a descriptor for what other states tell it.
coroutine.wrap(system.awaitch)(channel.create "first", "in", "first")
assert(channel.create "first":sync("out"))
assert(system.run() == false)

-- A case that leaves no channel behind.
function channels.case(name, body)
    suite.case(name, function()
        body()
        collectgarbage()
        collectgarbage()
        suite.same(channel.getnames(), {}, "names")
    end)
end

function channels.awaiting(...)
    local waiter = waiters.start(system.awaitch, ...)
    waiters.expect_waiting(waiter)
    return waiter
end

-- What awaitch returns where it does not wait.
function channels.at_once(...)
    local waiter = waiters.start(system.awaitch, ...)
    suite.equal(coroutine.status(waiter.thread), "dead", "it waits")
    return waiter.results
end

-- awaitch in a coroutine, whose error is raised as it is.
function channels.raising_awaitch(...)
    local done, problem = coroutine.resume(coroutine.create(system.awaitch), ...)
    if not done then error(problem, 0) end
end

-- How many coroutines wait.
function channels.waiting()
    return system.engine("counters").awaiting
end

-- A light userdata.
channels.pointer = debug.upvalueid(channels.at_once, 1)

return channels
