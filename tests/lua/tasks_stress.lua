-- Pools, channels and states made, resized, matched, dropped and closed at random, by tasks and the
-- main state at once: nothing crashes, hangs or stays behind. COUTIL_TEST_STRESS is for how many
-- seconds (1), COUTIL_TEST_SEED chooses the schedule, as far as there is a choice.

local suite = require("support.suite").strict()
local threads = require "coutil.threads"
local channels = require "coutil.channel"
local coroutines = require "coutil.coroutine"
local system = require "coutil.system"
local pools = require "support.pools"
local tasks = require "support.tasks"

local case, equal = suite.case, suite.equal

local seconds <const> = tonumber(os.getenv "COUTIL_TEST_STRESS" or "") or 1
local seed <const> = math.tointeger(os.getenv "COUTIL_TEST_SEED" or "") or os.time()
math.randomseed(seed)
local random <const> = math.random

do
    local pool <close> = threads.create(1)
    pools.add(pool, "yield('warm', 'out')")
    pools.receive "warm"
    local co <close> = assert(coroutines.load "")
    tasks.await(system.resume, co)
end

-- What a task does: some steps at random, until it is told to stop or has done enough.
local body <const> = [[
    local seed, depth, grow = ...
    local math = require "math"
    math.randomseed(seed)
    local random, string = math.random, require "string"
    local function name() return "c" .. random(3) end
    local function end_() return random(2) == 1 and "in" or "out" end
    local system, channel, threads
    local steps = {
        function() yield() end,
        function() yield(nil, 1) end,
        function() yield(name(), end_(), random(), string.rep("x", random(0, 3000))) end,
        function() yield(name(), "bad") end,
        function() yield(name(), "in", {}) end,
        function()
            system = require "coutil.system"
            channel = require "coutil.channel"
            for _ = 1, random(3) do
                coroutine.wrap(function()
                    local there <close> = channel.create(name())
                    for _ = 1, random(3) do system.awaitch(there, end_(), random()) end
                    if random(2) == 1 then system.suspend(random() / 1000) end
                end)()
            end
            if random(3) == 1 then
                coroutine.wrap(function() system.suspend(0.001) system.halt() end)()
            end
            if random(4) > 1 then pcall(system.run, random(3) == 1 and "ready" or "loop") end
        end,
        function()
            if channel then
                local there <close> = channel.create(name())
                there:sync(end_(), 1)
            end
        end,
        function()
            threads = require "coutil.threads"
            local mine <close> = threads.create()
            if mine:count("n") < 30 and depth < 6 then
                mine:dostring(grow, "=task", "t", random(1 << 30), depth + 1, grow)
            end
        end,
        function()
            if depth < 3 and random(4) == 1 then
                local inner <close> = require "coutil.threads".create(random(0, 2))
                for _ = 1, 3 do
                    inner:dostring "for _ = 1, 5 do require 'coroutine'.yield() end"
                end
            end
        end,
        function()
            local co = require "coutil.coroutine".load [=[
                require "coroutine".yield(1)
                require "coutil.system".run()
            ]=]
            system = require "coutil.system"
            coroutine.wrap(function() system.resume(co) end)()
            if random(2) == 1 then system.run "ready" end
        end,
        function() if random(5) == 1 then error "at random" end end,
        function() require "_G".collectgarbage() end,
    }
    for _ = 1, random(30) do steps[random(#steps)]() end
]]

-- Matches whoever waits, so that no task is left at a channel.
local function serve(names)
    for _, name in ipairs(names) do
        local there <close> = channels.create(name)
        while there:sync("any", "served") do end
    end
end

case(string.format("nothing is left of what was done at random (seed %d)", seed), function()
    local names <const> = { "c1", "c2", "c3" }
    local limit = system.nanosecs() + seconds * 1000000000
    repeat
        local all = {}
        for index = 1, random(3) do all[index] = threads.create(random(0, 3)) end
        for _ = 1, random(20) do
            local pool = all[random(#all)]
            local what = random(8)
            if what <= 4 then
                local text = pools.prelude .. body
                assert(pool:dostring(text, "=task", "t", random(1 << 30), 1, text))
            elseif what == 5 then
                assert(pool:resize(random(0, 4), random(2) == 1))
            elseif what == 6 then
                serve(names)
            elseif what == 7 then
                tasks.spawn(function()
                    local there <close> = channels.create(names[random(3)])
                    system.awaitch(there, "any", random())
                end)
                system.run "ready"
            else
                collectgarbage()
            end
        end
        for _, pool in ipairs(all) do
            -- Without threads it is closed as it is, else when nothing is left of it.
            if random(3) == 1 then
                pool:resize(0)
                pools.until_true(function() serve(names) return pool:count("a") == 0 end)
            else
                pool:resize(random(3))
                pools.until_true(function() serve(names) return pool:count("n") == 0 end,
                                 function()
                                     local found = {}
                                     for name in pairs(channels.getnames()) do
                                         found[#found + 1] = name
                                     end
                                     return pools.counts(pool, "nrpsea") .. " with " ..
                                            table.concat(found, " ")
                                 end)
            end
        end
        for _, pool in ipairs(all) do equal(pool:close(), true) end
        serve(names) -- tasks of closed pools, and coroutines of ours
        local function quiet()
            serve(names)
            system.run "ready"
            return system.engine("counters").awaiting == 0 and next(channels.getnames()) == nil
        end
        pools.until_true(quiet)
    until system.nanosecs() > limit
end)

suite.finish()
