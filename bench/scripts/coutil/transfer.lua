-- Strings of 1 KiB and 1 MiB from the main state to a task, one at a time. Arguments: [COUNT] of
-- the small ones; there is a large one for each hundred.

local common = dofile((arg[0]:gsub("[^/]*/[^/]*$", "common.lua")))
local system = require "coutil.system"
local channel = require "coutil.channel"
local threads = require "coutil.threads"

local pool = threads.create(1)
pool:dostring([[
    local yield = require "coroutine".yield
    local _, text
    repeat _, text = yield("strings", "in") until not text
]], "=sink")

local strings = channel.create "strings"
local function send(size)
    local text = string.rep("x", size)
    return function(count)
        common.spawn(function()
            for _ = 1, count do system.awaitch(strings, "out", text) end
        end)
        system.run()
    end
end

local count <const> = common.integer(1, common.channels)
common.measure_tasks(system.nanosecs, {
    { name = "kib", run = send(1 << 10), amount = count },
    { name = "mib", run = send(1 << 20), amount = math.max(1, count // 100) },
})

common.spawn(system.awaitch, strings, "out")
system.run()
pool:close()
