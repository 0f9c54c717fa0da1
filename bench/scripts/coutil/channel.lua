-- A number goes over one channel and comes back over another: between two coroutines of one state,
-- then between this state and a state coroutine on a worker. Arguments: [COUNT].

local common = dofile((arg[0]:gsub("[^/]*/[^/]*$", "common.lua")))
local system = require "coutil.system"
local channel = require "coutil.channel"
local coroutines = require "coutil.coroutine"

local awaitch = system.awaitch

local function ask(count)
    local there, back = channel.create "there", channel.create "back"
    local done = 0
    common.spawn(function()
        for index = 1, count do
            awaitch(there, "out", index)
            local _, value = awaitch(back, "in")
            if value == index then
                done = done + 1
            end
        end
    end)
    return function() return done end
end

local echo <const> = [[
    local system, channel = require "coutil.system", require "coutil.channel"
    local coroutine = require "coroutine"
    local count = ...
    coroutine.wrap(function()
        local awaitch = system.awaitch
        local there, back = channel.create "there", channel.create "back"
        for _ = 1, count do
            local _, value = awaitch(there, "in")
            awaitch(back, "out", value)
        end
    end)()
    system.run()
]]

local function here(count)
    local done = ask(count)
    assert(load(echo))(count)
    return done()
end

local function far(count)
    local co = assert(coroutines.load(echo))
    common.spawn(function() assert(system.resume(co, count)) end)
    local done = ask(count)
    system.run()
    co:close()
    return done()
end

common.measure_channels(common.integer(1, common.channels), system.nanosecs, here, far)
