-- Pools for the tests: what their tasks begin with, how a test waits until a pool is as it should
-- be, and how it hears of a task.

local system = require "coutil.system"
local channels = require "coutil.channel"
local gate = require "support.gate"
local tasks = require "support.tasks"

local pools = {}

-- For the chunks of tasks: the basic functions, `coroutine`, `yield`, and `pass` for gates.
pools.prelude = gate.prelude .. [[
_G.coroutine = require "coroutine"
local coroutine <const> = _G.coroutine
local yield <const> = coroutine.yield
local function fresh() -- what most tasks with a loop of their own begin with
    _G.system = require "coutil.system"
    _G.channel = require "coutil.channel"
end
]]

-- Adds a task of this text, with the prelude in its first lines.
function pools.add(pool, text, ...)
    assert(pool:dostring(pools.prelude .. text, "=task", "t", ...))
end

function pools.counts(pool, options)
    return table.concat({ pool:count(options) }, " ")
end

-- Waits until the condition holds, blocking this thread; fails when it does not within seconds.
function pools.until_true(condition, what)
    local limit = system.nanosecs() + 10 * 1000000000
    while not condition() do
        if system.nanosecs() > limit then
            local state = type(what) == "function" and what() or what
            error("it does not come true: " .. tostring(state), 2)
        end
        system.suspend(0.0002, "~")
    end
end

-- Waits until the counts are these, as text.
function pools.await(pool, options, expected)
    local function seen() return pools.counts(pool, options) end
    pools.until_true(function() return seen() == expected end, seen)
end

-- The values that somebody brings to the out end of the channel.
function pools.receive(name)
    local channel <close> = channels.create(name)
    local results = table.pack(tasks.await(system.awaitch, channel, "in"))
    assert(results[1] == true)
    return table.unpack(results, 2, results.n)
end

-- Brings values to whoever comes to the in end.
function pools.send(name, ...)
    local channel <close> = channels.create(name)
    assert(tasks.await(system.awaitch, channel, "out", ...))
end

-- How many threads this process has.
function pools.threads()
    local status <close> = assert(io.open("/proc/self/status"))
    return tonumber(string.match(status:read("a"), "\nThreads:%s*(%d+)"))
end

return pools
