-- What is told about CPUs (behaviour 13.2), compared with what the kernel's texts and other
-- programs tell.

local suite = require("support.suite").strict()
local system = require "coutil.system"
local shell = require "support.shell"
local shortage = require "support.shortage"

local case, equal, same, ok, fails = suite.case, suite.equal, suite.same, suite.ok, suite.fails

require "support.snapshots"("coutil:cpustats", system.cpuinfo, "m", "mcunsdi")

-- The numbers of each line cpuN of /proc/stat, in milliseconds.
local function kernel_times()
    local tick = 1000 // math.tointeger(shell.expect("getconf CLK_TCK"))
    local cpus = {}
    for _, line in ipairs(shell.lines(shell.read("/proc/stat"))) do
        if string.find(line, "^cpu%d") then
            local times = {}
            for ticks in string.gmatch(line, " (%d+)") do
                times[#times + 1] = tick * math.tointeger(ticks)
            end
            cpus[#cpus + 1] = times
        end
    end
    return cpus
end

case("there is an entry for each CPU that runs", function()
    local iterator <close> = system.cpuinfo("m")
    equal(#iterator, #kernel_times())
    equal(#iterator, math.tointeger(shell.expect("getconf _NPROCESSORS_ONLN")))
    ok(#iterator >= math.tointeger(shell.expect("nproc")))
end)

case("models are strings, all else are integers", function()
    for index, m, c, u, n, s, d, i in system.cpuinfo("mcunsdi") do
        equal(math.type(index), "integer")
        equal(type(m), "string")
        ok(#m > 0)
        for _, value in ipairs { c, u, n, s, d, i } do
            equal(math.type(value), "integer")
            ok(value >= 0)
        end
    end
end)

case("values come in the order of the characters, as often as they are asked for", function()
    local iterator <close> = system.cpuinfo("")
    local _, m, u = iterator("mu", 0)
    same(table.pack(iterator("umum", 0)), table.pack(1, u, m, u, m))
end)

case("models and clocks are those of the kernel's text", function()
    local text = shell.read("/proc/cpuinfo")
    local models, clocks = {}, {}
    for name in string.gmatch(text, "model name%s*: ([^\n]*)") do models[#models + 1] = name end
    for mhz in string.gmatch(text, "cpu MHz%s*: (%d+)") do
        clocks[#clocks + 1] = math.tointeger(mhz)
    end
    if #models == 0 then suite.skip("this machine has no model names") end
    for index, m, c in system.cpuinfo("mc") do
        equal(m, models[index])
        -- The clock changes all the time where it can.
        ok(clocks[index] == nil or c > clocks[index] // 20 and c < 20 * clocks[index], c)
    end
end)

case("times are those of the kernel, at the moment of the call", function()
    local before = kernel_times()
    local iterator <close> = system.cpuinfo("unsdi")
    local after = kernel_times()
    local places = { u = 1, n = 2, s = 3, i = 4, d = 6 }
    local function check()
        for index = 1, #iterator do
            for letter, place in pairs(places) do
                local _, value = iterator(letter, index - 1)
                local low, high = before[index][place], after[index][place]
                -- The time that a CPU was idle may be corrected downwards.
                local slack = letter == "i" and 1000 or 0
                ok(value >= low - slack and value <= high + slack,
                   string.format("%s of %d: %d, not %d to %d", letter, index, value, low, high))
            end
        end
    end
    check()
    local limit = system.nanosecs() + 50000000
    repeat until system.nanosecs() > limit -- the CPUs go on, the snapshot does not
    check()
end)

case("what cannot be read is an error", function()
    shortage(function()
        fails(system.cpuinfo, "too many open files")
        local message = fails(function() system.cpuinfo("m") end, "too many open files")
        ok(string.find(message, "cpuinfo.lua:%d+: too many open files$"))
    end)
end)

suite.finish()
