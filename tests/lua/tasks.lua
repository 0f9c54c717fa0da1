-- Tasks with a scheduler of their own (behaviour 15.5, 2.4, D24, D32): when `run` suspends the
-- whole task, when it blocks its thread, and what await functions do in the chunk itself.

local suite = require("support.suite").strict()
local threads = require "coutil.threads"
local channels = require "coutil.channel"
local system = require "coutil.system"
local gates = require "support.gate"
local pools = require "support.pools"
local tasks = require "support.tasks"

local case, equal, same = suite.case, suite.equal, suite.same

do
    local pool <close> = threads.create(1)
    pools.add(pool, "yield('warm', 'out')")
    pools.receive "warm"
    -- And another from the first wait for a signal on.
    coroutine.close(tasks.spawn(system.awaitsig, "userdef1"))
end

-- For chunks: a coroutine that awaits a channel and tells what it got.
local waiting <const> = [[
    fresh()
    local got = {}
    local function wait(name, ...)
        local there = channel.create(name)
        coroutine.wrap(function(...)
            got[name] = { system.awaitch(there, ...) }
            there:close()
        end)(...)
    end
]]

case("run suspends a task that awaits nothing but channels, and releases its thread", function()
    local pool <close> = threads.create(1)
    pools.add(pool, waiting .. [[
        wait("one", "in", 1)
        wait("two", "out", 2)
        local result = system.run()
        yield("report", "out", result, got.one[2], got.two[2])
    ]])
    pools.await(pool, "nrps", "1 0 0 1")
    for _ = 1, 3 do
        pools.add(pool, "yield('other', 'out')")
        pools.receive "other" -- the thread serves others
    end
    equal(pools.receive "two", 2)
    pools.await(pool, "nrps", "1 0 0 1") -- one is still awaited
    pools.send("one", "first")
    same({ pools.receive "report" }, { false, "first", nil })
end)

case("it goes on as often as something comes, on whatever thread", function()
    local pool <close> = threads.create(3)
    for index = 1, 5 do
        pools.add(pool, waiting .. [[
            local index = ...
            local there, back = channel.create("to" .. index), channel.create("from" .. index)
            coroutine.wrap(function()
                system.suspend() -- or the first match may come before run
                for _ = 1, 100 do
                    local done, value = system.awaitch(there, "in")
                    assert(done and system.isrunning())
                    assert(system.awaitch(back, "out", value * 2))
                end
            end)()
            assert(system.run() == false)
            assert(not system.isrunning())
            yield("report", "out", index)
        ]], index)
    end
    for index = 1, 5 do
        tasks.spawn(function()
            local there <close> = channels.create("to" .. index)
            local back <close> = channels.create("from" .. index)
            for count = 1, 100 do
                assert(system.awaitch(there, "out", count))
                same({ system.awaitch(back, "in") }, { true, count * 2 })
            end
        end)
    end
    tasks.run()
    local told = {}
    for _ = 1, 5 do told[pools.receive "report"] = true end
    same(told, { true, true, true, true, true })
end)

case("it is suspended as soon as its other waits have ended", function()
    local pool <close> = threads.create(1)
    pools.add(pool, waiting .. [[
        wait("one", "in")
        coroutine.wrap(function() system.suspend(0.002) end)()
        coroutine.wrap(function() system.suspend() end)()
        system.run()
        yield("report", "out", got.one[2])
    ]])
    pools.await(pool, "nrps", "1 0 0 1")
    pools.send("one", 5)
    equal(pools.receive "report", 5)
end)

case("other waits that come with a match block its thread again", function()
    local pool <close> = threads.create(1)
    pools.add(pool, [[
        fresh()
        local there = channel.create "one"
        coroutine.wrap(function()
            system.awaitch(there, "in")
            system.suspend(0.002)
            system.awaitch(there, "out", "again")
        end)()
        system.run()
        yield("report", "out", "over")
    ]])
    pools.await(pool, "s", "1")
    pools.send "one"
    equal(pools.receive "one", "again")
    equal(pools.receive "report", "over")
end)

-- Runs the text in a task whose only thread it must keep; `name` is what it waits for.
local function blocks(text)
    local pool <close> = threads.create(1)
    pools.add(pool, waiting .. text)
    pools.until_true(function() return channels.getnames().one end)
    pools.add(pool, "")
    for _ = 1, 20 do
        equal(pools.counts(pool, "nrps"), "2 1 1 0")
        system.suspend(0.0005, "~")
    end
    pools.send("one", "value")
    equal(pools.receive "report", "value")
end

case("with other waits pending run keeps the thread", function()
    blocks [[
        coroutine.wrap(function() system.awaitsig "userdef1" end)()
        wait("one", "in")
        coroutine.wrap(function()
            while not got.one do system.suspend(0.001) end
            system.halt()
        end)()
        system.run()
        yield("report", "out", got.one[2])
    ]]
end)

case("in modes step and ready run keeps the thread", function()
    blocks [[
        wait("one", "in")
        system.run "step"
        yield("report", "out", got.one[2])
    ]]
    blocks [[
        wait("one", "in")
        while system.run "ready" do end
        yield("report", "out", got.one[2])
    ]]
end)

case("in an inner coroutine run keeps the thread", function()
    blocks [[
        wait("one", "in")
        coroutine.wrap(system.run)()
        yield("report", "out", got.one[2])
    ]]
end)

case("where the chunk cannot yield run keeps the thread", function()
    blocks [[
        wait("one", "in")
        local table = require "table"
        table.sort({ 1, 2 }, function() system.run() end)
        yield("report", "out", got.one[2])
    ]]
end)

case("in a state coroutine run keeps its worker", function()
    local pool <close> = threads.create(1)
    pools.add(pool, [[
        fresh()
        local co = require "coutil.coroutine".load [=[
            local system, channel = require "coutil.system", require "coutil.channel"
            local there, value = channel.create "one"
            local select = require "_G".select
            require "coroutine".wrap(function()
                value = select(2, system.awaitch(there, "in"))
            end)()
            system.run()
            return value
        ]=]
        local results
        coroutine.wrap(function() results = { system.resume(co) } end)()
        system.run()
        yield("report", "out", results[1], results[2])
    ]])
    pools.until_true(function() return channels.getnames().one end)
    equal(pools.counts(pool, "nrps"), "1 1 0 0")
    pools.send("one", 3)
    same({ pools.receive "report" }, { true, 3 })
end)

case("a protected run suspends too, and errors of coroutines do not end it", function()
    local pool <close> = threads.create(1)
    pools.add(pool, waiting .. [[
        wait("one", "in")
        coroutine.wrap(function()
            system.awaitch(channel.create "two", "in")
            error "no"
        end)()
        local done, result = pcall(system.run)
        yield("report", "out", done, result, got.one[2])
    ]])
    pools.await(pool, "s", "1")
    pools.send "two"
    pools.await(pool, "nrps", "1 0 0 1")
    pools.send("one", 1)
    same({ pools.receive "report" }, { true, false, 1 })
end)

case("halt ends a run that was suspended before", function()
    local pool <close> = threads.create(1)
    pools.add(pool, waiting .. [[
        wait("never", "in")
        coroutine.wrap(function()
            system.awaitch(channel.create "one", "in")
            system.halt()
        end)()
        yield("report", "out", system.run())
    ]])
    pools.await(pool, "s", "1")
    pools.send "one"
    equal(pools.receive "report", true)
    pools.await(pool, "n", "0")
    equal(channels.getnames().never, nil) -- gone with its state
end)

case("a match between coroutines of one task needs nobody else", function()
    local pool <close> = threads.create(1)
    pools.add(pool, waiting .. [[
        wait("one", "in", 1)
        wait("one", "out", 2)
        wait("late", "in")
        coroutine.wrap(function()
            system.suspend()
            system.awaitch(channel.create "late", "out", 3)
        end)()
        system.run()
        yield("report", "out", got.late[2])
    ]])
    equal(pools.receive "report", 3)
end)

case("a task may alternate between run and requests of its own", function()
    local pool <close> = threads.create(1)
    pools.add(pool, waiting .. [[
        for round = 1, 20 do
            wait("one", "in")
            local _, value = yield("two", "in")
            system.run()
            yield("report", "out", value, got.one[2])
        end
    ]])
    for round = 1, 20 do
        pools.send("one", round)
        pools.send("two", -round)
        same({ pools.receive "report" }, { -round, round })
    end
end)

case("an await function in the chunk itself yields the task and is abandoned", function()
    local pool <close> = threads.create(1)
    pools.add(pool, [[
        fresh()
        local there = channel.create "one"
        local function count(...) return select("#", ...) end
        local results = {
            count(system.suspend()), count(system.suspend(100)), count(system.awaitch(there, "in")),
            count(system.awaitsig "userdef1"), count(system.nameaddr(80)),
        }
        yield("report", "out", results[1], results[2], results[3], results[4], results[5],
              there:close(), system.run())
    ]])
    same({ pools.receive "report" }, { 0, 0, 0, 0, 0, true, false })
end)

case("a state that closes while its task is matched takes nothing along", function()
    local pool <close> = threads.create(2)
    for _ = 1, 50 do
        pools.add(pool, waiting .. [[
            wait("one", "in")
            coroutine.wrap(function()
                system.awaitch(channel.create "two", "in")
                system.halt()
            end)()
            system.run()
        ]])
        pools.await(pool, "s", "1")
        pools.send "two"
        local one <close> = channels.create "one"
        one:sync("out") -- perhaps in the last moment
        pools.await(pool, "n", "0")
    end
end)

case("a state coroutine that a task leaves running is waited for when the task ends", function()
    local gate <close> = gates.create()
    local stop <close> = gates.create()
    local pool <close> = threads.create(1)
    pools.add(pool, [[
        fresh()
        local gate, path, stop = ...
        local co = require "coutil.coroutine".load(gate .. "pass(...)")
        coroutine.wrap(function() system.resume(co, path) end)()
        pass(stop)
    ]], gates.prelude, gate.path, stop.path)
    gate:await()
    stop:open()
    pools.await(pool, "nr", "1 1")
    gate:open()
    pools.await(pool, "n", "0")
end)

suite.finish()
