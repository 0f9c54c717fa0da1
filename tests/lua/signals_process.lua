-- What waiting for signals does to the process: which threads may take them, and that mask,
-- dispositions and children are as they were, while somebody waits and when nobody does.

local suite = require("support.suite").strict()
local system = require "coutil.system"
local native = require "native"
local net = require "support.net"
local signals = require "support.signals"
local tasks = require "support.tasks"

local equal, same, ok = suite.equal, suite.same, suite.ok
local collect, emit, is_caught = signals.collect, signals.emit, signals.is_caught
local signal_case, both_ways = signals.case, signals.both_ways
local pid <const>, numbers <const> = signals.pid, signals.numbers

-- Threads of the host -----------------------------------------------------------------------------

signal_case("a thread of the host that lets the signal in may take it", function()
    assert(native.thread())
    native.block(numbers.userdef1, true) -- here: only the other thread is left
    local got = collect("userdef1", 1)
    emit("userdef1")
    tasks.run()
    same(got, { "userdef1" })
    native.block(numbers.userdef1, false)
    native.join()
end)

signal_case("a thread of the host that blocks the signal changes nothing", function()
    native.block(numbers.userdef1, true)
    assert(native.thread())
    native.block(numbers.userdef1, false)
    local got = collect("userdef1", 3)
    emit("userdef1", 3)
    tasks.run()
    equal(#got, 3)
    native.join()
end)

signal_case("where all threads block the signal it is read", function()
    native.block(numbers.userdef1, true)
    assert(native.thread())
    local got = collect("userdef1", 3)
    emit("userdef1", 3)
    tasks.run()
    equal(#got, 3)
    native.join()
    native.block(numbers.userdef1, false)
end)

signal_case("a thread that lets it in again after the wait began ends nothing", function()
    native.block(numbers.userdef1, true)
    local got = collect("userdef1", 2)
    emit("userdef1")
    native.block(numbers.userdef1, false)
    emit("userdef1")
    tasks.run()
    equal(#got, 2)
end)

signal_case("a blocked signal for which nobody waits any more stays pending", function()
    native.block(numbers.userdef1, true)
    local got = collect("userdef1", 1)
    emit("userdef1")
    tasks.run()
    emit("userdef1")
    equal(#got, 1)
    got = collect("userdef1", 1) -- as sigwait would, it finds the signal that is there
    tasks.run()
    equal(#got, 1)
    native.block(numbers.userdef1, false)
end)

-- The process is as it was ------------------------------------------------------------------------

both_ways("the handler is there while somebody waits, and no longer", "userdef1", function()
    local mask <const> = signals.state().SigBlk
    local before <const> = signals.state()
    local first, second = collect("userdef1", 1), collect("userdef1", 2)
    ok(is_caught("userdef1"))
    emit("userdef1")
    tasks.rounds(3)
    equal(#first, 1)
    equal(#second, 1)
    ok(is_caught("userdef1"), "one still waits")
    equal(signals.state().SigBlk, mask)
    emit("userdef1")
    tasks.run()
    same(signals.state(), before)
end)

-- What coroutines do after they were resumed, and whether the handler may stay for it.
local deeds <const> = {
    ends = function() end,
    raises = function() error("on purpose") end,
    yields = function() coroutine.yield() end,
    ["waits for something else"] = function() system.suspend(0.001) end,
    ["waits a round"] = function() system.suspend() end,
    ["waits for another signal"] = function() system.awaitsig("userdef2") end,
}

for what, deed in pairs(deeds) do
    both_ways("the handler is gone when the coroutine " .. what, "userdef1", function()
        local during
        local resumed <const> = coroutine.create(function()
            system.awaitsig("userdef1")
            during = is_caught("userdef1")
            deed()
        end)
        assert(coroutine.resume(resumed))
        emit("userdef1")
        while not during do system.run("step") end
        equal(during, true, "while it was being resumed")
        equal(is_caught("userdef1"), false)
        if is_caught("userdef2") then emit("userdef2") end
        tasks.run()
    end)
end

both_ways("the handler stays while the coroutine waits again and again", "userdef1", function()
    local seen <const> = {}
    tasks.spawn(function()
        for at = 1, 3 do
            system.awaitsig("userdef1")
            seen[at] = is_caught("userdef1")
        end
    end)
    for _ = 1, 3 do
        emit("userdef1")
        tasks.rounds(4)
    end
    same(seen, { true, true, true })
end)

both_ways("others of the same round find the handler gone", "userdef1", function()
    local after
    local waiting <const> = { collect("userdef1", 1), (collect("userdef1", 1)) }
    tasks.spawn(function()
        system.awaitsig("userdef2")
        after = is_caught("userdef1")
    end)
    emit("userdef1")
    emit("userdef2")
    tasks.run()
    equal(#waiting[1], 1)
    equal(after, false)
end)

signal_case("an ignored signal is ignored again", function()
    native.disposition(numbers.userdef1, "ignore")
    local before <const> = signals.state()
    local got = collect("userdef1", 1)
    emit("userdef1")
    tasks.run()
    equal(#got, 1)
    same(signals.state(), before)
    emit("userdef1")
    native.disposition(numbers.userdef1, "default")
end)

signal_case("what the host does to the disposition meanwhile is left alone", function()
    local _, task = collect("userdef1", 1)
    native.disposition(numbers.userdef1, "ignore")
    coroutine.close(task)
    local ignored <const> = signals.state().SigIgn
    equal(ignored >> (numbers.userdef1 - 1) & 1, 1)
    native.disposition(numbers.userdef1, "default")
end)

both_ways("children have no mask and no handler of ours", "userdef1", function()
    local mask <const> = signals.state().SigBlk
    local _, task = collect("userdef1", 1)
    local path <const> = os.tmpname()
    ok(os.execute("exec cat /proc/self/status >" .. path))
    local pipe <close> = assert(io.popen("exec cat /proc/self/status"))
    local file <close> = assert(io.open(path))
    os.remove(path)
    for _, text in ipairs { pipe:read("a"), file:read("a") } do
        equal(tonumber(text:match("SigCgt:%s*(%x+)"), 16), 0)
        equal(tonumber(text:match("SigIgn:%s*(%x+)"), 16) & 0x7FFF, 0)
        equal(tonumber(text:match("SigBlk:%s*(%x+)"), 16) & ~mask, 0)
    end
    coroutine.close(task)
end)

signal_case("system calls of the host are restarted", function()
    local got = collect("userdef1", 1)
    local command <const> = "sleep 0.1; kill -USR1 %d; sleep 0.1; echo text"
    local pipe <close> = assert(io.popen(string.format(command, pid)))
    equal(pipe:read("l"), "text")
    tasks.run()
    equal(#got, 1)
end)

signal_case("the end of a child of popen is told to both", function()
    local got = collect("child", 1)
    local pipe <const> = assert(io.popen("exit 3"))
    tasks.run()
    equal(#got, 1)
    same({ pipe:close() }, { nil, "exit", 3 })
end)

signal_case("a write to a stream whose peer is gone is no signal", function()
    local near, far = net.pair()
    local _ <close> = net.closing(near, far)
    local got, task = collect("brokenpipe", 2)
    far:close()
    local written, problem
    tasks.spawn(function()
        repeat written, problem = near:write("x") until not written
    end)
    tasks.until_true(function() return problem end)
    ok(problem == "broken pipe" or problem == "connection reset by peer", problem)
    same(got, {})
    emit("brokenpipe")
    tasks.rounds(3)
    equal(#got, 1)
    coroutine.close(task)
end)

suite.finish()
