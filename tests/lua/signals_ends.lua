-- Signals that end something: a process for which nobody waits any more, a state that is closed, a
-- run of the interpreter's. Each in a process of its own.

local suite = require("support.suite").strict()
local child = require "support.child"

local case, equal = suite.case, suite.equal

local prelude <const> = child.prelude .. [[
io.stdout:setvbuf("no")
local pid = native.getpid()
local function emit(signal) assert(system.emitsig(pid, signal)) end
local function wait(signal, after)
    local task = coroutine.create(function()
        print(system.awaitsig(signal))
        if after then after() end
    end)
    assert(coroutine.resume(task))
    return task
end
]]

-- Runs the chunk, which must print this and then be ended by the signal.
local function dies(number, printed, chunk)
    local output, how, code = child.run(prelude .. chunk)
    equal(string.sub(output, 1, #printed), printed)
    equal(how, "signal")
    equal(code, number)
end

case("a signal that nobody waits for has its effect", function()
    dies(15, "", [[ emit("terminate") print("not reached") ]])
end)

case("once the coroutine has ended the next delivery has its effect", function()
    dies(15, "terminate\n", [[
        wait("terminate")
        emit("terminate")
        system.run()
        emit("terminate")
    ]])
end)

case("once the coroutine waits for something else the next delivery has its effect", function()
    dies(10, "userdef1\nwaits\n", [[
        wait("userdef1", function() print("waits") system.suspend(10) end)
        coroutine.wrap(function()
            system.suspend(0.01)
            emit("userdef1")
            system.suspend(0.2)
            emit("userdef1")
        end)()
        system.run()
    ]])
end)

case("in the same round already, for whoever is resumed after it", function()
    dies(10, "userdef1\nuserdef2\n", [[
        wait("userdef1")
        wait("userdef2", function() emit("userdef1") end)
        emit("userdef1")
        emit("userdef2")
        system.run()
    ]])
end)

case("after an explicit resume the next delivery has its effect", function()
    dies(1, "explicit\n", [[
        coroutine.resume(wait("hangup"), "explicit")
        emit("hangup")
    ]])
end)

case("after the coroutine was closed the next delivery has its effect", function()
    dies(1, "", [[
        coroutine.close(wait("hangup"))
        emit("hangup")
    ]])
end)

case("while one of two still waits the process goes on", function()
    local output = child.expect(prelude .. [[
        wait("terminate")
        wait("terminate", function() print(system.awaitsig("terminate")) end)
        emit("terminate")
        system.run("step")
        emit("terminate")
        print(system.run())
    ]])
    equal(output, "terminate\nterminate\nterminate\nfalse\n")
end)

case("the stop of a terminal can be awaited, and stops nothing then", function()
    equal(child.expect(prelude .. [[ wait("stop") emit("stop") print(system.run()) ]]),
        "stop\nfalse\n")
end)

-- The interpreter's interrupt -------------------------------------------------------------------

case("an awaited interrupt is told, and the next one is the interpreter's again", function()
    local output = child.expect(prelude .. [[
        wait("interrupt")
        emit("interrupt")
        print(system.run())
        print((select(2, pcall(function() emit("interrupt") return 1 end)):gsub("^.*: ", "")))
    ]])
    equal(output, "interrupt\nfalse\ninterrupted!\n")
end)

case("an awaited interrupt from outside ends no run", function()
    local output = child.expect(prelude .. [[
        wait("interrupt", function() system.suspend(0.01) print("later") end)
        os.execute("(sleep 0.1; kill -INT " .. pid .. ") >/dev/null 2>&1 &")
        print(pcall(system.run))
    ]])
    equal(output, "interrupt\nlater\ntrue\tfalse\n")
end)

case("a step in which a signal comes resumes who waits for it", function()
    local output = child.expect(prelude .. [[
        wait("interrupt", function() system.suspend() end)
        os.execute("(sleep 0.1; kill -INT " .. pid .. ") >/dev/null 2>&1 &")
        print(system.run("step"))
    ]])
    equal(output, "interrupt\ntrue\n")
end)

-- States and processes that end -----------------------------------------------------------------

for _, last in ipairs { "", "os.exit(0, true)", "os.exit(0, false)" } do
    case("a state can end while coroutines wait: " .. last, function()
        local output = child.expect(prelude .. [[
            wait("terminate") wait("terminate") wait("userdef1")
            emit("terminate") -- on its way
            print("end")
        ]] .. last)
        equal(output, "end\n")
    end)
end

case("a state can end inside a coroutine that a signal resumed", function()
    local output, how, code = child.run(prelude .. [[
        wait("userdef1", function() wait("userdef2") os.exit(7, true) end)
        wait("userdef1")
        emit("userdef1")
        system.run()
    ]])
    equal(output, "userdef1\n")
    equal(how, "exit")
    equal(code, 7)
end)

case("when a state has ended its signals have their effects again", function()
    local output = child.expect([[
        sentinel = setmetatable({}, { __gc = function() -- made first, so it is finalized last
            for line in io.lines("/proc/self/status") do
                local caught = line:match("^SigCgt:%s*(%x+)")
                if caught then print(tonumber(caught, 16) >> 14 & 1) end
            end
        end })
        getmetatable(sentinel).__gc()
    ]] .. prelude .. [[
        wait("terminate")
        getmetatable(sentinel).__gc()
        os.exit(0, true)
    ]])
    equal(output, "0\n1\n0\n")
end)

case("a forked child waits for nothing and is ended by what its parent awaits", function()
    local output = child.expect(prelude .. [[
        wait("userdef1")
        local forked = native.fork()
        if forked == 0 then
            coroutine.wrap(function()
                print(pcall(system.awaitsig, "userdef2"))
            end)()
            system.emitsig(native.getpid(), "userdef1")
            native.exit(0)
        end
        print(native.wait(forked))
        print(system.run("ready"))
        emit("userdef1")
        print(system.run())
    ]])
    equal(output, "false\tscheduler not usable after fork\nsignal\t10\ntrue\nuserdef1\nfalse\n")
end)

case("a fork that ends takes nothing from the waits of its parent", function()
    local output = child.expect(prelude .. [[
        wait("userdef1")
        local forked = native.fork()
        if forked == 0 then os.exit(0, false) end
        print(native.wait(forked))
        emit("userdef1")
        print(system.run())
    ]])
    equal(output, "exit\t0\nuserdef1\nfalse\n")
end)

-- Shortage --------------------------------------------------------------------------------------

case("a wait that finds no descriptor fails and changes nothing", function()
    local output = child.expect(prelude .. [[
        local short = require "support.shortage"
        coroutine.wrap(function()
            short(function() print(system.awaitsig("userdef1")) end)
        end)()
        wait("userdef1")
        emit("userdef1")
        print(system.run())
    ]])
    equal(output, "false\ttoo many open files\t24\nuserdef1\nfalse\n")
end)

suite.finish()
