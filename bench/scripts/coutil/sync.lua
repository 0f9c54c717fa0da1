-- Events, queued events, mutexes and promises, without a scheduler: who emits resumes who waits.
-- Arguments: [COUNT].

local common = dofile((arg[0]:gsub("[^/]*/[^/]*$", "common.lua")))
local event = require "coutil.event"
local mutex = require "coutil.mutex"
local promise = require "coutil.promise"
local queued = require "coutil.queued"

local jobs = {}

-- `count` emissions, each of which wakes the same coroutine, with a value.
function jobs.event(count)
    local e, sum = {}, 0
    common.spawn(function()
        while true do
            local _, value = event.await(e)
            sum = sum + value
        end
    end)
    for _ = 1, count do event.emitone(e, 1) end
    return sum
end

-- `count` wake-ups, a hundred by each emission.
function jobs.broadcast(count)
    local e, sum = {}, 0
    for _ = 1, common.woken_at_once do
        common.spawn(function()
            while true do
                local _, value = event.await(e)
                sum = sum + value
            end
        end)
    end
    for _ = 1, count // common.woken_at_once do event.emitall(e, 1) end
    return sum
end

-- `count` emissions that are kept and then consumed, ten at a time.
function jobs.queued(count)
    local e, sum = {}, 0
    for _ = 1, count // 10 do
        for _ = 1, 10 do queued.emitone(e, 1) end
        for _ = 1, 10 do
            local _, value = queued.await(e)
            sum = sum + value
        end
    end
    return sum
end

-- `count` times a lock is taken and released, by ten coroutines that all want it all the time.
function jobs.mutex(count)
    local e, done = {}, 0
    local threads = {}
    for index = 1, 10 do
        threads[index] = coroutine.create(function()
            while true do
                mutex.lock(e)
                coroutine.yield() -- whatever the lock is for
                done = done + 1
                mutex.unlock(e)
            end
        end)
        coroutine.resume(threads[index])
    end
    local resume = coroutine.resume
    local turn = 1 -- who waited longest comes next
    while done < count do
        resume(threads[turn])
        turn = turn % 10 + 1
    end
    return done
end

-- `count` promises, each claimed by one coroutine of its own before it is fulfilled.
function jobs.promise(count)
    local sum = 0
    local function claim(p)
        local value = p() -- others add meanwhile
        sum = sum + value
    end
    for _ = 1, count // common.woken_at_once do
        local fulfillers = {}
        for index = 1, common.woken_at_once do
            local p, fulfill = promise.create()
            fulfillers[index] = fulfill
            common.spawn(claim, p)
        end
        for _, fulfill in ipairs(fulfillers) do fulfill(1) end
    end
    return sum
end

common.measure_sync(common.integer(1, common.syncs), jobs)
