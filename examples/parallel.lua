-- A parallel computation: counts the primes below a limit on all processors, and shows how far it
-- has come. Each task asks for the next part when it is done with one, so that parts that take
-- longer hold nobody up.
--
-- usage: lua5.4 examples/parallel.lua [limit [tasks]]
--
-- The limit is 5000000 unless given; there are as many tasks as processors unless given.

local channel = require "coutil.channel"
local system = require "coutil.system"
local threads = require "coutil.threads"

-- A task needs no module but `coroutine`: it yields what it asks of a channel, and its thread
-- serves others meanwhile.
local task <const> = [[
    local yield <const> = require "coroutine".yield

    -- The odd numbers from `first` to `last` that nothing up to their root divides.
    local function count(first, last)
        local found = (first <= 2 and last >= 2) and 1 or 0
        for number = first | 1, last, 2 do
            local divisor = 3
            while divisor * divisor <= number and number % divisor ~= 0 do
                divisor = divisor + 2
            end
            if divisor * divisor > number and number > 1 then found = found + 1 end
        end
        return found
    end

    local _, first, last = yield("parts", "in")
    while first do
        yield("counts", "out", count(first, last), last - first + 1)
        _, first, last = yield("parts", "in")
    end
]]

local function processors()
    local count = 0
    for _ in system.cpuinfo("m") do count = count + 1 end
    return count
end

local limit <const> = math.tointeger(arg[1] or 5000000)
local tasks <const> = math.tointeger(arg[2] or processors())
local size <const> = math.max(1, limit // (tasks * 50)) -- of a part

local pool <close> = assert(threads.create(tasks))
for _ = 1, tasks do
    assert(pool:dostring(task, "@parallel.lua"))
end

-- Hands out the parts, then to each task the word that there are no more.
local function deal()
    local parts <const> = channel.create "parts"
    for first = 1, limit - 1, size do
        system.awaitch(parts, "out", first, math.min(first + size - 1, limit - 1))
    end
    for _ = 1, tasks do system.awaitch(parts, "out") end
end

-- Adds up what comes back, and tells when another tenth is done.
local function collect()
    local counts <const> = channel.create "counts"
    local found, done, told = 0, 0, 0
    while done < limit - 1 do
        local _, primes <const>, numbers <const> = system.awaitch(counts, "in")
        found = found + primes
        done = done + numbers
        local tenths <const> = done * 10 // (limit - 1)
        if tenths > told then
            told = tenths
            io.stderr:write(("%3d %%\n"):format(told * 10))
        end
    end
    print(("%d primes below %d"):format(found, limit))
end

coroutine.wrap(deal)()
coroutine.wrap(collect)()
system.run()
