-- The floor of a suspension: one coroutine yields, the main program resumes it, and nobody
-- schedules anything. Arguments: [COUNT].

local common = dofile((arg[0]:gsub("[^/]*/[^/]*$", "common.lua")))

common.measure_suspends(common.integer(1, common.suspends), function(count)
    local done = 0
    local resume = coroutine.resume
    local thread = coroutine.create(function()
        local yield = coroutine.yield
        for _ = 1, count do
            yield()
            done = done + 1
        end
    end)
    while coroutine.status(thread) ~= "dead" do
        resume(thread)
    end
    return done
end)
