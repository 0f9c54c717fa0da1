-- Manual: Channels, system.awaitch (behaviour 1.3 to 1.7, 2.6, 15.6, D38), in one state: waits that
-- are left, channels that are closed, shortage of memory, processes that end or fork.

local suite = require("support.suite").strict()
local system = require "coutil.system"
local channel = require "coutil.channel"
local child = require "support.child"
local tasks = require "support.tasks"
local waiters = require "support.waiters"
local channels = require "support.channels"

local equal, same, ok, fails = suite.equal, suite.same, suite.ok, suite.fails
local case, awaiting, waiting = channels.case, channels.awaiting, channels.waiting

-- Leaving ------------------------------------------------------------------------------------

case("an explicit resume withdraws the wait", function()
    local ch <close> = channel.create "x"
    local other <close> = channel.create "x"
    local waiter = awaiting(ch, "in", "values")
    same(table.pack(coroutine.resume(waiter.thread, nil, 2, nil)), { true, n = 1 })
    waiters.expect_results(waiter, nil, 2, nil)
    equal(waiting(), 0)
    same({ other:sync("out") }, { false, "empty" })
    waiter = awaiting(ch, "in", "values")
    ok(coroutine.resume(waiter.thread))
    waiters.expect_results(waiter)
end)

case("a match that was made before an explicit resume is consumed", function()
    local ch <close> = channel.create "x"
    local other <close> = channel.create "x"
    local waiter = awaiting(ch, "in", "first")
    same({ other:sync("out", "lost") }, { true, "first" })
    ok(coroutine.resume(waiter.thread, "left"))
    waiters.expect_results(waiter, "left")
    equal(system.run(), false)
    waiter = awaiting(ch, "in", "second")
    same({ other:sync("out", "kept") }, { true, "second" })
    tasks.run()
    waiters.expect_results(waiter, true, "kept")
end)

case("who was left can wait again at once, also from the resume", function()
    local ch <close> = channel.create "x"
    local other <close> = channel.create "x"
    local results = {}
    local task = coroutine.create(function()
        for index = 1, 3 do
            results[index] = table.pack(system.awaitch(ch, "in", index))
        end
    end)
    ok(coroutine.resume(task))
    ok(coroutine.resume(task, "a"))
    same({ other:sync("out") }, { true, 2 })
    ok(coroutine.resume(task, "b"))
    same({ other:sync("out", "c") }, { true, 3 })
    tasks.run()
    same(results, { { "a", n = 1 }, { "b", n = 1 }, { true, "c", n = 2 } })
end)

case("coroutine.close withdraws the wait and frees the channel", function()
    local ch, other <close> = channel.create "x", channel.create "x"
    local waiter = awaiting(ch, "in")
    ok(coroutine.close(waiter.thread))
    equal(waiting(), 0)
    same({ other:sync("out") }, { false, "empty" })
    waiter = awaiting(ch, "in")
    equal(other:sync("out"), true)
    ok(coroutine.close(waiter.thread))
    equal(system.run(), false)
    equal(ch:close(), true)
end)

case("a coroutine resumed by a match can resume the next one it was matched with", function()
    local one <close> = channel.create "x"
    local other <close> = channel.create "x"
    local second
    local first = coroutine.create(function()
        equal(system.awaitch(one, "in"), true)
        ok(coroutine.resume(second.thread, "by hand"))
    end)
    ok(coroutine.resume(first))
    second = awaiting(other, "in")
    local third <close> = channel.create "x"
    equal(third:sync("out"), true)
    equal(third:sync("out"), true)
    tasks.run()
    waiters.expect_results(second, "by hand")
end)

case("one coroutine can meet one and then another", function()
    local a <close> = channel.create "a"
    local b <close> = channel.create "b"
    local a2 <close> = channel.create "a"
    local b2 <close> = channel.create "b"
    local trace = {}
    tasks.spawn(function()
        for index = 1, 3 do
            trace[#trace + 1] = select(2, system.awaitch(a, "in", index))
            trace[#trace + 1] = select(2, system.awaitch(b, "out", -index))
        end
    end)
    tasks.spawn(function()
        for _ = 1, 3 do
            local _, value = system.awaitch(a2, "out", "a")
            equal(select(2, system.awaitch(b2, "in", "b" .. value)), -value)
        end
    end)
    tasks.run()
    same(trace, { "a", "b1", "a", "b2", "a", "b3" })
end)

-- Closing ------------------------------------------------------------------------------------

case("leaving the scope of a channel in use resumes who waits with false and closed (D31)",
     function()
    local waiter
    do
        local ch <close> = channel.create "x"
        waiter = awaiting(ch, "in")
    end
    waiters.expect_results(waiter, false, "closed")
    equal(system.run(), false)
end)

case("in a scope that is left by an error too", function()
    local waiter
    fails(function()
        local ch <close> = channel.create "x"
        waiter = awaiting(ch, "in")
        error "left"
    end, "left")
    waiters.expect_results(waiter, false, "closed")
end)

case("who is resumed by a scope that is left finds the channel closed, and may end it", function()
    local output = child.expect [[
        local system = require "coutil.system"
        local channel = require "coutil.channel"
        warn "@on"
        do
            local ch <close> = channel.create "x"
            coroutine.wrap(function()
                print(system.awaitch(ch, "in"))
                print(pcall(ch.getname, ch))
                error "an error"
            end)()
        end
        print(system.run())
    ]]
    ok(string.find(output, "false\tclosed\nfalse\t[^\n]*closed channel", 1), output)
    ok(string.find(output, "Lua warning: [coutil] object:close: ", 1, true), output)
    ok(string.find(output, "an error\nfalse\n$"), output)
end)

case("a match that was made before the scope is left is delivered", function()
    local waiter
    local other <close> = channel.create "x"
    do
        local ch <close> = channel.create "x"
        waiter = awaiting(ch, "in")
        equal(other:sync("out", "values"), true)
    end
    waiters.expect_waiting(waiter)
    tasks.run()
    waiters.expect_results(waiter, true, "values")
end)

case("__gc called by hand closes too: who waits is told in the next round", function()
    local ch = channel.create "x"
    local waiter = awaiting(ch, "in")
    getmetatable(ch).__gc(ch)
    equal(ch:close(), false)
    same(channel.getnames(), {})
    tasks.run()
    waiters.expect_results(waiter, false, "closed")
    ch = channel.create "x"
    waiter = awaiting(ch, "in")
    getmetatable(ch).__gc(ch)
    ok(coroutine.resume(waiter.thread, "by hand"))
    waiters.expect_results(waiter, "by hand")
end)

case("metamethods leave strangers alone", function()
    local ch <close> = channel.create "x"
    for _, name in ipairs { "__gc", "__close" } do
        for _, stranger in ipairs { {}, io.stdout, "x" } do
            getmetatable(ch)[name](stranger)
        end
    end
end)

case("a wait keeps its channel and its coroutine", function()
    local other <close> = channel.create "x"
    local results
    coroutine.wrap(function()
        results = table.pack(system.awaitch(channel.create "x", "in", "kept"))
    end)()
    collectgarbage()
    collectgarbage()
    same({ other:sync("out", "values") }, { true, "kept" })
    collectgarbage()
    tasks.run()
    same(results, { true, "values", n = 2 })
end)

-- Shortage -----------------------------------------------------------------------------------

case("out of descriptors the first wait of a state fails; matches need none", function()
    child.expect(child.prelude .. [[
        local channel = require "coutil.channel"
        local one, other = channel.create "x", channel.create "x"
        local results
        local function await(...)
            coroutine.wrap(function(...) results = table.pack(system.awaitch(...)) end)(...)
        end
        require "support.shortage"(function()
            await(one, "in", "values")
            assert(results[1] == false and results[2] == "too many open files")
            assert(results[3] == 24 and results.n == 3)
            assert(other:sync("out") == false)
        end)
        await(one, "in", "values")
        require "support.shortage"(function()
            assert(select(2, other:sync("out")) == "values")
            system.run()
            assert(results[1] == true)
            await(one, "in")
            assert(other:sync("out", "more"))
            system.run()
            assert(results[2] == "more")
        end)
        assert(one:close() and other:close())
    ]])
end)

-- Ends of processes --------------------------------------------------------------------------

case("a state closes with waiting coroutines at both ends, matched ones, and open channels",
     function()
    local output = child.expect [[
        local system = require "coutil.system"
        local channel = require "coutil.channel"
        local kept = {}
        local function wait(name, ...)
            local ch = channel.create(name)
            kept[#kept + 1] = ch
            coroutine.wrap(function(...)
                system.awaitch(ch, ...)
                print "resumed"
            end)(...)
            return ch
        end
        for _ = 1, 3 do
            wait("a", "in", "values")
            wait("b", "out", "values")
            wait("c", "in", "values")
        end
        kept[#kept + 1] = channel.create "a"
        assert(kept[#kept]:sync "out")
        assert(channel.create "c":sync("out", ("x"):rep(100)))
        local again = setmetatable({}, { __gc = function()
            print(pcall(channel.sync, channel.create "a", "out"))
            print(pcall(channel.sync, channel.create "new", "out"))
        end })
        kept[#kept + 1] = again
        print "ends"
    ]]
    ok(string.find(output, "^ends\ntrue\t[%a\t]+\ntrue\tfalse\tempty\n$"), output)
end)

case("os.exit from a coroutine that was matched closes the state", function()
    local output = child.expect [[
        local system = require "coutil.system"
        local channel = require "coutil.channel"
        local one, other = channel.create "x", channel.create "x"
        coroutine.wrap(function()
            system.awaitch(one, "in")
            coroutine.wrap(system.awaitch)(other, "in")
            print "exits"
            os.exit(0, true)
        end)()
        one:sync "out"
        system.run()
    ]]
    equal(output, "exits\n")
end)

case("a forked child has no part in the channels of its parent", function()
    local output = child.expect [[
        local system = require "coutil.system"
        local channel = require "coutil.channel"
        local native = require "native"
        local ch, idle = channel.create "x", channel.create "x"
        coroutine.wrap(system.awaitch)(ch, "in")
        local pid = native.fork()
        if pid == 0 then
            print(pcall(channel.create, "y"))
            print(pcall(channel.getnames))
            print(pcall(channel.sync, idle, "out"))
            print(idle:close(), idle:close())
            io.stdout:flush()
            os.exit(0, true)
        end
        native.wait(pid)
        print(idle:sync "out", system.run())
    ]]
    equal(output, string.rep("false\tscheduler not usable after fork\n", 3) ..
                  "true\tfalse\ntrue\tfalse\n")
end)

suite.finish()
