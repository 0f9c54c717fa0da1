-- Tasks that ask for a channel by yielding (behaviour 15.5, D24, D25, D32): what yield returns,
-- what the other side gets, errors as values, and threads that are released meanwhile.

local suite = require("support.suite").strict()
local threads = require "coutil.threads"
local channels = require "coutil.channel"
local system = require "coutil.system"
local child = require "support.child"
local gates = require "support.gate"
local pools = require "support.pools"
local tasks = require "support.tasks"

local case, equal, same, ok = suite.case, suite.equal, suite.same, suite.ok

do
    local pool <close> = threads.create(1)
    pools.add(pool, "yield('warm', 'out')")
    pools.receive "warm"
end

-- Adds a task that reports what these yields returned, each as a count and the values.
local function ask(pool, ...)
    pools.add(pool, [[
        local table = require "table"
        local requests = table.pack(...)
        for at = 1, requests.n do
            local request = assert(load("return " .. requests[at]))
            yield("report", "out", (function(...) return select("#", ...), ... end)(
                yield(request())))
        end
    ]], ...)
end

case("tasks meet the waits of a state that closes, whatever was made first", function()
    for _, first in ipairs { "pool", "channel" } do
        equal(child.expect(string.format([[
            local threads = require "coutil.threads"
            local channels = require "coutil.channel"
            local system = require "coutil.system"
            local first = %q
            local channel = first == "channel" and channels.create "late"
            local pool = threads.create(1)
            channel = channel or channels.create "late"
            coroutine.wrap(system.awaitch)(channel, "out", "a value")
            assert(pool:dostring [=[
                local system = require "coutil.system"
                system.suspend(0.05, "~") -- the state closes meanwhile
                local _, value = require "coroutine".yield("late", "in")
                require "io".write(value)
            ]=])
        ]], first)), "a value", first)
    end
end)

case("each side gets true and all the other one's values, with their number", function()
    local pool <close> = threads.create(1)
    for _, endpoints in ipairs {
        { "in", "out" }, { "out", "in" }, { "any", "in" }, { "in", "any" }, { "any", "any" },
    } do
        ask(pool, string.format("'c', %q, 1, 2.5, nil, 'a\\0b', nil", endpoints[1]))
        local channel <close> = channels.create "c"
        local got = table.pack(tasks.await(system.awaitch, channel, endpoints[2], true, nil))
        same({ table.unpack(got, 1, got.n) }, { true, 1, 2.5, nil, "a\0b", nil })
        equal(got.n, 6)
        local told = table.pack(pools.receive "report")
        same({ table.unpack(told, 1, told.n) }, { 3, true, true, nil })
        equal(told.n, 4)
    end
end)

case("the endpoint may be left out, and names may be numbers", function()
    local pool <close> = threads.create(1)
    ask(pool, "'c'", "'c', nil, 7", "12", "1.5, 'in'")
    for _, name in ipairs { "c", "c", "12", "1.5" } do
        local channel <close> = channels.create(name)
        equal(tasks.await(system.awaitch, channel, "out", name), true)
        same({ pools.receive "report" }, { 2, true, name })
    end
end)

case("names are bytes", function()
    local pool <close> = threads.create(2)
    pools.add(pool, "yield('n\\0one', 'out', 1)")
    pools.add(pool, "yield('n\\0other', 'out', 2)")
    pools.await(pool, "s", "2")
    equal(pools.receive "n\0other", 2)
    equal(pools.receive "n\0one", 1)
end)

case("what is wrong with a request is returned by yield", function()
    local pool <close> = threads.create(1)
    ask(pool, "'c', 'bad'", "'c', {}", "'c', true", "'c', 5", "'c', 'in', 1, {}",
        "'c', 'in', print, {}")
    for _, problem in ipairs {
        "bad argument #2 (invalid option 'bad')",
        "bad argument #2 (string expected, got table)",
        "bad argument #2 (string expected, got boolean)",
        "bad argument #2 (invalid option '5')",
        "unable to transfer argument #4 (got table)",
        "unable to transfer argument #3 (got function)",
    } do
        same({ pools.receive "report" }, { 2, false, problem })
    end
    equal(channels.getnames().c, nil)
end)

case("a wrong request goes to the tail first", function()
    local pool <close> = threads.create(0)
    pools.add(pool, "yield('c', 'bad') yield('order', 'out', 2)")
    pools.add(pool, "yield('order', 'out', 1)")
    pool:resize(1)
    equal(pools.receive "order", 1)
    equal(pools.receive "order", 2)
end)

case("a channel exists while a task waits, without any channel object", function()
    local pool <close> = threads.create(1)
    equal(channels.getnames().c, nil)
    pools.add(pool, "yield('c', 'in')")
    pools.await(pool, "s", "1")
    equal(channels.getnames().c, true)
    pools.send "c"
    pools.await(pool, "n", "0")
    equal(channels.getnames().c, nil)
end)

case("a task that finds a match already there goes on with it", function()
    local pool <close> = threads.create(1)
    local channel <close> = channels.create "c"
    local got
    tasks.spawn(function() got = { system.awaitch(channel, "in", "mine") } end)
    ask(pool, "'c', 'out', 'theirs'")
    same({ pools.receive "report" }, { 2, true, "mine" })
    tasks.run()
    same(got, { true, "theirs" })
end)

case("waiting tasks release their thread, and are matched in their order", function()
    local pool <close> = threads.create(1)
    for index = 1, 50 do
        pools.add(pool, "yield('c', 'out', ...)", index)
    end
    pools.await(pool, "nrps", "50 0 0 50")
    for index = 1, 50 do equal(pools.receive "c", index) end
    pools.await(pool, "n", "0")
end)

case("sync matches a waiting task at once", function()
    local pool <close> = threads.create(1)
    local channel <close> = channels.create "c"
    same({ channel:sync("in") }, { false, "empty" })
    ask(pool, "'c', 'out', 1, nil")
    pools.await(pool, "s", "1")
    same({ channel:sync("out") }, { false, "empty" })
    same(table.pack(channel:sync("in", "x")), { true, 1, nil, n = 3 })
    same({ pools.receive "report" }, { 2, true, "x" })
end)

case("tasks of two pools meet", function()
    local one <close> = threads.create(1)
    local other <close> = threads.create(1)
    pools.add(one, [[
        for count = 1, 500 do
            local done, back = yield("ping", "out", count)
            assert(done and back == -count)
        end
        yield("report", "out", "fine")
    ]])
    pools.add(other, [[
        for count = 1, 500 do assert(select(2, yield("ping", "in", -count)) == count) end
    ]])
    equal(pools.receive "report", "fine")
end)

case("a task that asks in an inner coroutine only yields to the outer one", function()
    local pool <close> = threads.create(1)
    pools.add(pool, [[
        local results = { coroutine.wrap(function() yield("c", "in", 5) end)() }
        yield("report", "out", results[1], results[2], results[3])
    ]])
    same({ pools.receive "report" }, { "c", "in", 5 })
    equal(channels.getnames().c, nil)
end)

case("values that are no request only give the thread away", function()
    local pool <close> = threads.create(1)
    ask(pool, "nil, 'in'", "{}, 'in'", "true", "", "print")
    for _ = 1, 5 do same({ pools.receive "report" }, { 0 }) end
end)

case("a matched task waits for its thread, and nobody waits for it", function()
    local gate <close> = gates.create()
    local pool <close> = threads.create(1)
    pools.add(pool, "yield('c', 'in') yield('report', 'out', 'later')")
    pools.await(pool, "s", "1")
    pools.add(pool, "pass(...)", gate.path)
    gate:await()
    pools.send "c" -- succeeds at once
    equal(pools.counts(pool, "nrps"), "2 1 1 0")
    equal(channels.getnames().c, nil)
    gate:open()
    equal(pools.receive "report", "later")
end)

case("large values arrive whole", function()
    local pool <close> = threads.create(1)
    pools.add(pool, [[
        local string = require "string"
        for _ = 1, 10 do
            local _, text = yield("large", "in")
            yield("back", "out", string.reverse(text))
        end
    ]])
    local text <const> = string.rep("0123456789", 100000)
    for _ = 1, 10 do
        pools.send("large", text)
        ok(pools.receive "back" == string.reverse(text))
    end
end)

case("many values are exchanged at once", function()
    local pool <close> = threads.create(1)
    pools.add(pool, [[
        local table = require "table"
        local values = {}
        for at = 1, 20000 do values[at] = at end
        local got = table.pack(yield("many", "out", table.unpack(values)))
        yield("report", "out", got.n, got[got.n])
    ]])
    local values = {}
    for at = 1, 30000 do values[at] = at end
    local channel <close> = channels.create "many"
    local got = table.pack(tasks.await(system.awaitch, channel, "in", table.unpack(values)))
    equal(got.n, 20001)
    equal(got[20001], 20000)
    same({ pools.receive "report" }, { 30001, 30000 })
end)

suite.finish()
