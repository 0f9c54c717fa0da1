-- The floor of an event: the main program resumes a coroutine that yields, with a value. Nobody
-- finds out who waits for what. Arguments: [COUNT].

local common = dofile((arg[0]:gsub("[^/]*/[^/]*$", "common.lua")))

local jobs = {}

-- Wakes `waiting` coroutines in turn, `count` times in all.
local function wake(count, waiting)
    local sum, resume, threads = 0, coroutine.resume, {}
    for index = 1, waiting do
        threads[index] = coroutine.create(function()
            local yield = coroutine.yield
            while true do
                local value = yield() -- others add meanwhile
                sum = sum + value
            end
        end)
        resume(threads[index])
    end
    for _ = 1, count // waiting do
        for index = 1, waiting do resume(threads[index], 1) end
    end
    return sum
end

function jobs.event(count)
    return wake(count, 1)
end

function jobs.broadcast(count)
    return wake(count, common.woken_at_once)
end

common.measure_sync(common.integer(1, common.syncs), jobs)
