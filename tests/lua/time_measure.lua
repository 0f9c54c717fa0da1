-- Manual: Time Measure (behaviour 11, defect D11): nanosecs, time, suspend with and without "~".

local suite = require("support.suite").strict()
local system = require "coutil.system"
local tasks = require "support.tasks"

local case, equal, same, ok, fails = suite.case, suite.equal, suite.same, suite.ok, suite.fails

local ns_per_s <const> = 1000000000

-- How long the function takes, in seconds.
local function duration(body, ...)
    local start = system.nanosecs()
    body(...)
    return (system.nanosecs() - start) / ns_per_s
end

-- The time of a mode in milliseconds, as an integer: floats do not add up exactly.
local function ms(mode)
    return math.floor(system.time(mode) * 1000 + 0.5)
end

-- nanosecs and time ------------------------------------------------------------------------------

case("nanosecs is an integer that never goes back", function()
    local last = system.nanosecs()
    equal(math.type(last), "integer")
    for _ = 1, 1000 do
        local now = system.nanosecs()
        ok(now >= last)
        last = now
    end
end)

case("time gives floats, in whole milliseconds for the cached and updated ones", function()
    for _, mode in ipairs { "cached", "updated", "epoch" } do
        equal(math.type(system.time(mode)), "float", mode)
    end
    for _, mode in ipairs { "cached", "updated" } do
        ok(math.abs(system.time(mode) * 1000 - ms(mode)) < 1e-3)
    end
end)

case("time without mode, and with nil, is the cached time", function()
    local now = system.time("updated")
    equal(system.time(), now)
    equal(system.time(nil), now)
    equal(system.time("cached"), now)
end)

case("time refuses unknown modes", function()
    fails(function() system.time("now") end, "bad argument #1 to 'time' (invalid option 'now')")
end)

case("epoch is the wall clock with a finer grain than a second", function()
    ok(math.abs(system.time("epoch") - os.time()) < 2)
end)

case("the cached time stands still until it is updated", function()
    local cached = ms("updated")
    system.suspend(0.005, "~")
    equal(ms("cached"), cached)
    ok(ms("updated") >= cached + 5)
end)

case("updated and nanosecs read the same clock", function()
    local before = system.nanosecs() // 1000000
    local now = ms("updated")
    local after = system.nanosecs() // 1000000
    ok(before <= now and now <= after, now)
end)

case("the cached time is renewed at the start of each round", function()
    local cached = ms("updated")
    system.suspend(0.003, "~")
    local seen
    tasks.spawn(function()
        system.suspend()
        seen = ms()
    end)
    system.run()
    ok(seen >= cached + 3)
end)

case("the cached time is renewed after the round has slept", function()
    local cached = ms("updated")
    tasks.spawn(function()
        system.suspend(0.005)
        ok(ms() >= cached + 5)
    end)
    tasks.run()
end)

-- suspend ----------------------------------------------------------------------------------------

case("suspend returns true and nothing else", function()
    for _, seconds in ipairs { false, 0, -1, 0.0005, 0.002 } do
        same({ tasks.await(function() return system.suspend(seconds or nil) end) }, { true })
    end
    same({ tasks.await(function() return system.suspend() end) }, { true })
end)

case("suspend yields no values", function()
    for _, seconds in ipairs { false, 0, 0.0005, 0.001 } do
        local task = coroutine.create(function() system.suspend(seconds or nil) end)
        local results = table.pack(coroutine.resume(task))
        same(results, { n = 1, true })
    end
    tasks.run()
end)

case("no positive delay is ever short after the time was updated", function()
    for round = 1, 40 do
        local delay = round * 0.00013
        tasks.spawn(function()
            local start = system.nanosecs()
            system.time("updated")
            system.suspend(delay)
            local lasted = (system.nanosecs() - start) / ns_per_s
            -- Fractions of a millisecond are cut off, as documented.
            ok(lasted >= math.floor(delay * 1000) / 1000, lasted)
        end)
    end
    tasks.run()
end)

case("whole milliseconds are kept to the nanosecond whatever the clock shows", function()
    for round = 1, 25 do
        local start
        tasks.spawn(function()
            -- Some way into a millisecond, a different one each time.
            local shift = system.nanosecs() + round * 37000
            while system.nanosecs() < shift do end
            start = system.nanosecs()
            system.time("updated")
            system.suspend(0.001)
            ok(system.nanosecs() - start >= 1000000)
        end)
        tasks.run()
    end
end)

case("a delay counts from the cached time, however old that is", function()
    tasks.spawn(function()
        system.suspend()
        local busy = system.nanosecs() + 30 * 1000000
        while system.nanosecs() < busy do end
        ok(duration(system.suspend, 0.025) < 0.025)
    end)
    tasks.run()
end)

case("negative, zero, nil and NaN delays are zero suspensions", function()
    local noted = {}
    for index, seconds in ipairs { 0, -0.0, -1, -math.huge, 0 / 0, false, math.mininteger } do
        tasks.spawn(function()
            system.suspend(seconds or nil)
            noted[#noted + 1] = index
        end)
    end
    equal(system.run("ready"), false)
    same(noted, { 7, 6, 5, 4, 3, 2, 1 })
end)

case("too large delays are out of range and huge ones never expire", function()
    tasks.spawn(function()
        for _, seconds in ipairs { math.huge, 1e30, 18446744073709552.0 } do
            fails(function() system.suspend(seconds) end,
                  "bad argument #1 to 'suspend' (out of range)")
        end
    end)
    tasks.check()
    local waiting = {}
    for index, seconds in ipairs { 18446744073709549.0, 1e15, 1e10, math.maxinteger // 1000 } do
        waiting[index] = tasks.spawn(function() system.suspend(seconds) end)
    end
    tasks.rounds(3)
    tasks.spawn(function() system.suspend(0.005) end)
    equal(system.run("step"), true)
    equal(system.engine("counters").awaiting, #waiting)
    for _, task in ipairs(waiting) do coroutine.close(task) end
end)

-- D11.
case("delays below a millisecond are timers that expire in the next round, in order", function()
    local noted = {}
    for index = 1, 3 do
        tasks.spawn(function()
            for round = 1, 3 do
                equal(system.suspend(index * 0.0002), true)
                noted[#noted + 1] = round * 10 + index
            end
        end)
    end
    for round = 1, 3 do
        equal(system.run("ready"), round < 3)
        equal(#noted, round * 3)
    end
    same(noted, { 11, 12, 13, 21, 22, 23, 31, 32, 33 })
    tasks.check()
end)

case("a delay below a millisecond comes before zero suspensions and not among them", function()
    local noted = {}
    for _, seconds in ipairs { 0, 0.0009, 0, 0.0001 } do
        tasks.spawn(function()
            system.suspend(seconds)
            noted[#noted + 1] = seconds
        end)
    end
    system.run("ready")
    same(noted, { 0.0009, 0.0001, 0, 0 })
end)

case("ten thousand timers expire, each not too early", function()
    local early, count = 0, 0
    system.time("updated")
    local start = system.nanosecs()
    for index = 1, 10000 do
        local delay = (index * 7919 % 50 + 1) / 1000
        tasks.spawn(function()
            system.suspend(delay)
            count = count + 1
            if system.nanosecs() - start < delay * 1e9 then early = early + 1 end
        end)
    end
    tasks.run()
    same({ count, early }, { 10000, 0 })
end)

case("suspend checks seconds, mode and range before it may yield", function()
    local head = "bad argument #1 to 'suspend' "
    fails(function() system.suspend("x") end, head .. "(number expected, got string)")
    fails(function() system.suspend({}, "x") end, head .. "(number expected, got table)")
    fails(function() system.suspend(1, {}) end, "#2 to 'suspend' (string expected, got table)")
    fails(function() system.suspend(math.huge, "x") end, "unknown mode char (got 'x')")
    fails(function() system.suspend(1, "~x") end, "unknown mode char (got 'x')")
    fails(function() system.suspend(math.huge) end, head .. "(out of range)")
    for _, seconds in ipairs { 0, 1, -1, 0.0001 } do
        fails(function() system.suspend(seconds) end, "unable to yield")
    end
    fails(function() system.suspend() end, "unable to yield")
    equal(select(2, pcall(system.suspend)), "unable to yield")
    ok(string.find(select(2, pcall(system.suspend, "x")),
                   "bad argument #1 to 'coutil.system.suspend'", 1, true))
end)

case("numeric strings and integers are numbers", function()
    equal(tasks.await(function() return system.suspend("0.001") end), true)
    equal(tasks.await(function() return system.suspend(0, nil) end), true)
    equal(tasks.await(function() return system.suspend(0, "") end), true)
end)

-- Blocking mode ----------------------------------------------------------------------------------

case("blocking suspension sleeps the thread and returns true", function()
    local results
    local lasted = duration(function() results = table.pack(system.suspend(0.012, "~")) end)
    same(results, { n = 1, true })
    ok(lasted >= 0.012 and lasted < 5, lasted)
end)

case("blocking suspension neither runs others nor updates the cached time", function()
    local resumed = false
    tasks.spawn(function()
        system.suspend()
        resumed = true
    end)
    local cached = system.time("updated")
    equal(system.suspend(0.003, "~~"), true)
    equal(resumed, false)
    equal(system.time(), cached)
    tasks.run()
end)

case("blocking suspension works within a coroutine without yielding", function()
    local task = coroutine.wrap(function() return system.suspend(0.001, "~") end)
    equal(task(), true)
end)

case("blocking suspension of no time returns at once", function()
    for _, seconds in ipairs { 0, -1, -math.huge, 0 / 0, false } do
        ok(duration(function() equal(system.suspend(seconds or nil, "~"), true) end) < 1)
    end
end)

case("blocking suspension is limited to what 32 bits of milliseconds hold", function()
    for _, seconds in ipairs { 4294967.296, 1e10, math.huge } do
        fails(function() system.suspend(seconds, "~") end,
              "bad argument #1 to 'suspend' (out of range)")
    end
end)

suite.finish()
