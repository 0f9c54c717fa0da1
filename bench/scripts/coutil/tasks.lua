-- A pool of two threads: empty tasks from the making of their state to its end, then tasks that
-- only yield. Arguments: [COUNT] of tasks; of yields there are ten times as many.

local common = dofile((arg[0]:gsub("[^/]*/[^/]*$", "common.lua")))
local system = require "coutil.system"
local threads = require "coutil.threads"

local count <const> = common.integer(1, common.tasks)
local width <const> = 2 -- threads

local function empty(amount)
    local pool = threads.create(width)
    for _ = 1, amount do pool:dostring("", "=empty") end
    pool:close()
end

-- Eight tasks share the yields.
local function yields(amount)
    local pool = threads.create(width)
    for _ = 1, 8 do
        pool:dostring([[
            local yield = require "coroutine".yield
            for _ = 1, ... do yield() end
        ]], "=yields", "t", amount // 8)
    end
    pool:close()
end

common.measure_tasks(system.nanosecs, {
    { name = "task", run = empty, amount = count },
    { name = "yield", run = yields, amount = count * 10 },
})
