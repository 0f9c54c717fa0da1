-- Signals to ourselves, for the tests, and cases after which the process must handle signals as it
-- did before.

local suite = require("support.suite").strict()
local system = require "coutil.system"
local native = require "native"
local tasks = require "support.tasks"

local signals = {}

signals.pid = native.getpid()

signals.numbers = {
    abort = 6, brokenpipe = 13, child = 17, clocktime = 14, continue = 18, cpulimit = 24,
    cputime = 26, cputotal = 27, filelimit = 25, hangup = 1, interrupt = 2, polling = 29, quit = 3,
    stdinoff = 21, stdoutoff = 22, stop = 20, sysargerr = 31, terminate = 15, trap = 5,
    urgentsock = 23, userdef1 = 10, userdef2 = 12, winresize = 28,
}

-- Mask and dispositions of this process for standard signals, as the kernel tells them: those of
-- real time are the C library's.
function signals.state()
    local found = {}
    for line in io.lines("/proc/self/status") do
        local key, value = line:match("^(Sig%a%a%a):%s*(%x+)")
        if key == "SigBlk" or key == "SigIgn" or key == "SigCgt" then
            found[key] = tonumber(value, 16) & 0x7FFFFFFF
        end
    end
    return found
end

function signals.is_caught(signal)
    return signals.state().SigCgt >> (signals.numbers[signal] - 1) & 1 == 1
end

function signals.emit(signal, times)
    for _ = 1, times or 1 do suite.equal(system.emitsig(signals.pid, signal), true) end
end

-- A task that waits for the signal so many times in a row, and the table of what it was told.
function signals.collect(signal, times)
    local got <const> = {}
    local task <const> = tasks.spawn(function()
        for at = 1, times do got[at] = system.awaitsig(signal) end
    end)
    return got, task
end

-- The engine opens an eventfd at the first wait, and a signalfd at the first for a signal that
-- every thread blocks; it keeps both.
for _, blocked in ipairs { true, false } do
    native.block(signals.numbers.userdef1, blocked)
    signals.collect("userdef1", 1)
    signals.emit("userdef1")
    tasks.run()
end
local calm <const> = signals.state()

-- As suite.case(), and in the end the process must handle signals as it did before the first case.
function signals.case(name, body)
    suite.case(name, function()
        body()
        suite.same(signals.state(), calm)
    end)
end

-- The same case where a handler catches the signal, and where every thread blocks it: then it can
-- only be read. The calling thread is the only one.
function signals.both_ways(name, signal, body)
    signals.case(name, body)
    signals.case(name .. ", when it is blocked", function()
        native.block(signals.numbers[signal], true)
        local done, problem = xpcall(body, debug.traceback)
        suite.ok(native.block(signals.numbers[signal], false), "the mask was not touched")
        if not done then error(problem, 0) end
    end)
end

return signals
