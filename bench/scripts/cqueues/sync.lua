-- Conditions and promises: who is signalled runs in the next step of the loop, which is made at
-- once. There are no queued events and no mutexes. Arguments: [COUNT].

local common = dofile((arg[0]:gsub("[^/]*/[^/]*$", "common.lua")))
local cqueues = require "cqueues"
local condition = require "cqueues.condition"
local promise = require "cqueues.promise"

local jobs = {}

-- Wakes `waiting` coroutines at a time, `count` times in all.
local function signal(count, waiting)
    local loop, ready, sum = cqueues.new(), condition.new(), 0
    for _ = 1, waiting do
        loop:wrap(function()
            while true do
                ready:wait()
                sum = sum + 1
            end
        end)
    end
    assert(loop:step(0))
    for _ = 1, count // waiting do
        ready:signal()
        assert(loop:step(0))
    end
    return sum
end

function jobs.event(count)
    return signal(count, 1)
end

function jobs.broadcast(count)
    return signal(count, common.woken_at_once)
end

function jobs.promise(count)
    local loop, sum = cqueues.new(), 0
    local function claim(p)
        local value = p:get() -- others add meanwhile
        sum = sum + value
    end
    for _ = 1, count // common.woken_at_once do
        local promises = {}
        for index = 1, common.woken_at_once do
            local p = promise.new()
            promises[index] = p
            loop:wrap(claim, p)
        end
        assert(loop:step(0))
        for _, p in ipairs(promises) do p:set(true, 1) end
        assert(loop:loop())
    end
    return sum
end

common.measure_sync(common.integer(1, common.syncs), jobs)
