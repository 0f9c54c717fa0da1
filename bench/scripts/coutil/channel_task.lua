-- A task that gives back what it gets, by yielding the names of channels, asked by a coroutine of
-- the main state. Arguments: [COUNT].

local common = dofile((arg[0]:gsub("[^/]*/[^/]*$", "common.lua")))
local system = require "coutil.system"
local channel = require "coutil.channel"
local threads = require "coutil.threads"

local pool = threads.create(1)
pool:dostring([[
    local yield = require "coroutine".yield
    local _, value = yield("there", "in")
    while value do
        yield("back", "out", value)
        _, value = yield("there", "in")
    end
]], "=echo")

local there, back = channel.create "there", channel.create "back"
local function ask(count)
    common.spawn(function()
        for i = 1, count do
            system.awaitch(there, "out", i)
            local _, value = system.awaitch(back, "in")
            assert(value == i)
        end
    end)
    system.run()
end

common.measure_tasks(system.nanosecs, {
    { name = "round_trip", run = ask, amount = common.integer(1, common.channels) },
})

common.spawn(system.awaitch, there, "out")
system.run()
pool:close()
