-- One state coroutine that yields what it is given, resumed in a loop. Arguments: [COUNT].

local common = dofile((arg[0]:gsub("[^/]*/[^/]*$", "common.lua")))
local system = require "coutil.system"
local coroutines = require "coutil.coroutine"

local echo = assert(coroutines.load [[
    local yield = require "coroutine".yield
    local value = ...
    while true do value = yield(value) end
]])

common.measure_resumes(common.integer(1, common.resumes), system.nanosecs, function(count)
    local done = 0
    common.spawn(function()
        local resume = system.resume
        for i = 1, count do
            local _, value = resume(echo, i)
            if value == i then
                done = done + 1
            end
        end
    end)
    system.run()
    return done
end)
