-- Manual: Channels, system.awaitch (behaviour 1.3 to 1.7, 15.6, D25, D26, D31), in one state: the
-- module, names, arguments, who is matched with whom. How waits end is in channel_leaving.lua, what
-- programs do in the middle of a match in channel_programs.lua, and what states and threads do to
-- each other in channel_states.lua.

local suite = require("support.suite").strict()
local system = require "coutil.system"
local channel = require "coutil.channel"
local memory = require "memory"
local tasks = require "support.tasks"
local waiters = require "support.waiters"
local channels = require "support.channels"

local equal, same, ok, fails = suite.equal, suite.same, suite.ok, suite.fails
local case, awaiting, at_once = channels.case, channels.awaiting, channels.at_once
local raising_awaitch, waiting = channels.raising_awaitch, channels.waiting
local pointer <const> = channels.pointer

-- The module ---------------------------------------------------------------------------------

case("the module has five functions, which are the methods of its objects", function()
    local names = {}
    for name, value in pairs(channel) do
        equal(type(value), "function")
        names[#names + 1] = name
    end
    table.sort(names)
    same(names, { "close", "create", "getname", "getnames", "sync" })
    local ch <close> = channel.create "x"
    local class = getmetatable(ch)
    equal(class.__name, "coutil:channel")
    equal(class.__index, channel)
    ok(class.__gc and class.__close)
    ok(string.match(tostring(ch), "^coutil:channel: 0x"))
end)

case("loaded once more the module is the same table", function()
    package.loaded["coutil.channel"] = nil
    equal(require "coutil.channel", channel)
end)

case("create takes a string or a number, and nothing else", function()
    local ch <close> = channel.create(42)
    equal(ch:getname(), "42")
    fails(function() channel.create() end,
          "bad argument #1 to 'create' (string expected, got no value)")
    fails(function() channel.create {} end,
          "bad argument #1 to 'create' (string expected, got table)")
end)

case("each channel is an object of its own", function()
    local one <close> = channel.create "x"
    local other <close> = channel.create "x"
    ok(one ~= other)
    equal(one:getname(), other:getname())
end)

case("close returns whether it was open; a closed channel can do nothing", function()
    local ch = channel.create "x"
    equal(ch:close(), true)
    equal(ch:close(), false)
    fails(function() ch:getname() end, "calling 'getname' on bad self (closed channel)")
    fails(function() ch:sync("in") end, "calling 'sync' on bad self (closed channel)")
    fails(function() channel.getname(ch) end, "bad argument #1 to 'getname' (closed channel)")
    local results = table.pack(coroutine.resume(coroutine.create(system.awaitch), ch, "in"))
    equal(results[1], false)
    ok(string.find(results[2], "bad argument #1 to '.*' %(closed channel%)"), results[2])
    getmetatable(ch).__close(ch)
    getmetatable(ch).__gc(ch)
end)

case("functions on channels take nothing else", function()
    for _, name in ipairs { "close", "getname", "sync" } do
        for _, wrong in ipairs { "x", {}, io.stdout, memory.create(1) } do
            fails(function() channel[name](wrong) end, "coutil:channel expected, got ")
        end
        fails(function() channel[name]() end, "coutil:channel expected, got no value")
    end
    local done, problem = coroutine.resume(coroutine.create(system.awaitch), "x")
    equal(done, false)
    ok(string.find(problem, "coutil:channel expected, got string", 1, true), problem)
end)

-- Names --------------------------------------------------------------------------------------

case("names are bytes, all of which count (D25)", function()
    local names <const> = { "", "\0", "\0\0", "a", "a\0", "a\0b", "a\0c", ("x"):rep(100000) }
    local made, expected = {}, {}
    for index, name in ipairs(names) do
        made[index] = channel.create(name)
        equal(made[index]:getname(), name)
        expected[name] = true
    end
    same(channel.getnames(), expected)
    local waiter = awaiting(made[6], "in")
    for _, name in ipairs(names) do
        local other <close> = channel.create(name)
        same(table.pack(other:sync("out")),
             name == "a\0b" and { true, n = 1 } or { false, "empty", n = 2 })
    end
    tasks.run()
    waiters.expect_results(waiter, true)
    for _, ch in ipairs(made) do ch:close() end
end)

case("a name exists from the first channel to the last", function()
    same(channel.getnames(), {})
    local one, other = channel.create "x", channel.create "x"
    same(channel.getnames(), { x = true })
    one:close()
    same(channel.getnames(), { x = true })
    ok(other) -- not garbage until here
    other = nil -- luacheck: ignore 311
    collectgarbage()
    same(channel.getnames(nil), {})
end)

case("getnames makes a new table each time", function()
    ok(channel.getnames() ~= channel.getnames())
end)

case("getnames updates the string keys of a table, and only those (D26)", function()
    local x <close> = channel.create "x"
    local five <close> = channel.create "5"
    equal(x:getname() .. five:getname(), "x5")
    local key = {}
    local asked = setmetatable({
        x = 1, y = 2, ["5"] = false, [""] = "none",
        [5] = "5", [5.5] = "5.5", [true] = "true", [key] = "table", [pointer] = "pointer",
        [print] = "function", [io.stdout] = "userdata",
    }, { __index = error, __newindex = error, __pairs = error })
    equal(channel.getnames(asked), asked)
    same(setmetatable(asked, nil), {
        x = true, ["5"] = true,
        [5] = "5", [5.5] = "5.5", [true] = "true", [key] = "table", [pointer] = "pointer",
        [print] = "function", [io.stdout] = "userdata",
    })
    same(channel.getnames { 1, 2, 3 }, { 1, 2, 3 })
    same(channel.getnames {}, {})
end)

case("getnames takes a table or nil", function()
    for _, wrong in ipairs { "x", 1, true, print, io.stdout } do
        fails(function() channel.getnames(wrong) end,
              "bad argument #1 to 'getnames' (table expected, got ")
    end
end)

-- Arguments ----------------------------------------------------------------------------------

case("awaitch checks in order: yielding, channel, in use, endpoint, values", function()
    local ch = channel.create "x"
    waiters.expect_unable(system.awaitch)
    waiters.expect_unable(system.awaitch, ch, "z", {})
    local function refused(text, ...)
        local done, problem = coroutine.resume(coroutine.create(system.awaitch), ...)
        equal(done, false)
        if string.find(text, "^bad") then
            equal(problem, text)
        else
            ok(string.find(problem, text, 1, true), problem)
        end
    end
    local closed = channel.create "x"
    closed:close()
    refused("coutil:channel expected, got table", {}, "z", {})
    refused("(closed channel)", closed, "z", {})
    local waiter = awaiting(ch, "in")
    refused("(in use)", ch, "z", {})
    equal(coroutine.resume(waiter.thread), true)
    refused("bad argument #2 (invalid option 'z')", ch, "z", {})
    refused("unable to transfer argument #4 (got table)", ch, "in", 1, {})
    equal(waiting(), 0)
    same(table.pack(ch:sync "any"), { false, "empty", n = 2 })
    ch:close()
end)

case("bad endpoints raise without a position", function()
    local ch <close> = channel.create "x"
    local object = setmetatable({}, { __name = "my type" })
    for wrong, text in pairs {
        z = "bad argument #2 (invalid option 'z')", [""] = "bad argument #2 (invalid option '')",
        IN = "bad argument #2 (invalid option 'IN')",
        ["in\0"] = "bad argument #2 (invalid option 'in')",
        [1] = "bad argument #2 (invalid option '1')",
        [true] = "bad argument #2 (string expected, got boolean)",
        [ch] = "bad argument #2 (string expected, got coutil:channel)",
        [object] = "bad argument #2 (string expected, got my type)",
        [pointer] = "bad argument #2 (string expected, got light userdata)",
        [print] = "bad argument #2 (string expected, got function)",
    } do
        for _, call in ipairs { channel.sync, raising_awaitch } do
            same(table.pack(pcall(function() call(ch, wrong) end)), { false, text, n = 2 })
        end
    end
end)

case("values that cannot be transferred raise without a position, and nothing happens", function()
    local one <close> = channel.create "x"
    local other <close> = channel.create "x"
    local waiter = awaiting(one, "in", "values")
    for wrong, name in pairs {
        [print] = "function", [{}] = "table", [io.stdout] = "userdata",
        [coroutine.create(print)] = "thread",
    } do
        for _, call in ipairs { channel.sync, raising_awaitch } do
            same(table.pack(pcall(function() call(other, "out", wrong) end)),
                 { false, "unable to transfer argument #3 (got " .. name .. ")", n = 2 })
        end
        same(table.pack(pcall(channel.sync, other, "out", 1, nil, wrong, {})),
             { false, "unable to transfer argument #5 (got " .. name .. ")", n = 2 })
    end
    waiters.expect_waiting(waiter)
    same(table.pack(other:sync("out")), { true, "values", n = 2 })
    tasks.run()
end)

-- Matching -----------------------------------------------------------------------------------

local matches <const> = {
    ["in"] = { out = true, any = true },
    out = { ["in"] = true, any = true },
    any = { ["in"] = true, out = true, any = true },
}

case("ends match their opposite, and any matches all", function()
    local one <close> = channel.create "x"
    local other <close> = channel.create "x"
    for _, first in ipairs { "in", "out", "any" } do
        for _, second in ipairs { "in", "out", "any" } do
            local waiter = awaiting(one, first)
            if matches[first][second] then
                same(table.pack(other:sync(second)), { true, n = 1 }, first .. second)
                tasks.run()
                waiters.expect_results(waiter, true)
                waiter = awaiting(one, first)
                same(at_once(other, second), { true, n = 1 }, first .. second)
                tasks.run()
                waiters.expect_results(waiter, true)
            else
                same(table.pack(other:sync(second)), { false, "empty", n = 2 })
                local behind = awaiting(other, second)
                coroutine.resume(waiter.thread)
                coroutine.resume(behind.thread)
            end
        end
    end
end)

case("without an endpoint, or with nil, it is any", function()
    local one <close> = channel.create "x"
    local other <close> = channel.create "x"
    for _, first in ipairs { "in", "out", "any" } do
        awaiting(one, first)
        equal(other:sync(), true)
        tasks.run()
        awaiting(other)
        equal(one:sync(first, 1), true)
        tasks.run()
        awaiting(other, nil, "values")
        same(table.pack(one:sync(nil)), { true, "values", n = 2 })
        tasks.run()
    end
end)

case("both get the values of the other, with exact counts", function()
    local one <close> = channel.create "x"
    local other <close> = channel.create "x"
    local values <const> = {
        table.pack(), table.pack(nil), table.pack(nil, nil), table.pack(1, 1.0, "1", true, false),
        table.pack(math.mininteger, 0 / 0, -0.0, "a\0b", pointer, ("x"):rep(100000), nil),
    }
    for _, mine in ipairs(values) do
        for _, yours in ipairs(values) do
            for _, meet in ipairs { function(...) return table.pack(channel.sync(...)) end,
                                    at_once } do
                local waiter = awaiting(one, "in", table.unpack(mine, 1, mine.n))
                same(meet(other, "out", table.unpack(yours, 1, yours.n)),
                     table.pack(true, table.unpack(mine, 1, mine.n)))
                tasks.run()
                waiters.expect_results(waiter, true, table.unpack(yours, 1, yours.n))
            end
        end
    end
end)

case("as many values as the stack holds pass", function()
    local one <close> = channel.create "x"
    local other <close> = channel.create "x"
    local many = {}
    for index = 1, 50000 do many[index] = index end
    local waiter = awaiting(one, "in", table.unpack(many))
    local got = table.pack(other:sync("out", table.unpack(many)))
    equal(got.n, 50001)
    equal(got[50001], 50000)
    tasks.run()
    equal(waiter.results.n, 50001)
    equal(waiter.results[50001], 50000)
end)

case("who comes second goes on at once, who came first in the next round", function()
    local one <close> = channel.create "x"
    local other <close> = channel.create "x"
    local first = awaiting(one, "in")
    same(at_once(other, "out"), { true, n = 1 })
    waiters.expect_waiting(first)
    equal(system.run("ready"), false)
    waiters.expect_results(first, true)
end)

case("the first in line is matched first", function()
    local made, order = {}, {}
    for index = 1, 5 do
        made[index] = channel.create "x"
        tasks.spawn(function()
            local _, value = system.awaitch(made[index], "out", index)
            order[#order + 1] = string.format("%d%s", index, value)
        end)
    end
    local other <close> = channel.create "x"
    for index = 1, 5 do
        same({ other:sync(index % 2 == 0 and "in" or "any", "v" .. index) }, { true, index })
    end
    same({ other:sync("in") }, { false, "empty" })
    tasks.run()
    same(order, { "1v1", "2v2", "3v3", "4v4", "5v5" })
    for _, ch in ipairs(made) do equal(ch:close(), true) end
end)

case("who leaves the line lets the others move up", function()
    local made, waiting_ones = {}, {}
    for index = 1, 5 do
        made[index] = channel.create "x"
        waiting_ones[index] = awaiting(made[index], "out", index)
    end
    for _, index in ipairs { 1, 3, 5 } do
        ok(coroutine.resume(waiting_ones[index].thread))
    end
    local other <close> = channel.create "x"
    same({ other:sync("in") }, { true, 2 })
    same({ other:sync("in") }, { true, 4 })
    same({ other:sync("in") }, { false, "empty" })
    tasks.run()
    for _, ch in ipairs(made) do ch:close() end
end)

case("who was matched and not resumed yet is not in line any more", function()
    local one <close> = channel.create "x"
    local other <close> = channel.create "x"
    local waiter = awaiting(one, "in")
    equal(other:sync("out", "first"), true)
    same({ other:sync("out", "second") }, { false, "empty" })
    fails(function() one:close() end, "(in use)")
    tasks.run()
    waiters.expect_results(waiter, true, "first")
end)

case("sync matches a wait on the very same channel", function()
    local ch <close> = channel.create "x"
    local waiter = awaiting(ch, "in", "waits")
    same({ ch:sync("in") }, { false, "empty" })
    same({ ch:sync("out", "syncs") }, { true, "waits" })
    tasks.run()
    waiters.expect_results(waiter, true, "syncs")
end)

case("sync works where nothing can yield", function()
    local ch <close> = channel.create "x"
    local waiter = awaiting(ch, "in")
    same(table.pack(waiters.unyieldable(channel.sync, ch, "out", 1)), { true, true, n = 2 })
    tasks.run()
    waiters.expect_results(waiter, true, 1)
end)

case("sync works in finalizers", function()
    local ch <close> = channel.create "x"
    local waiter = awaiting(ch, "in", "waits")
    local got
    setmetatable({}, { __gc = function() got = table.pack(ch:sync("out", "collected")) end })
    collectgarbage()
    same(got, { true, "waits", n = 2 })
    tasks.run()
    waiters.expect_results(waiter, true, "collected")
end)

case("a channel is in use while a coroutine waits on it, and free after", function()
    local ch, other <close> = channel.create "x", channel.create "x"
    awaiting(ch, "in")
    fails(function() ch:close() end, "calling 'close' on bad self (in use)")
    fails(function() coroutine.wrap(system.awaitch)(ch, "out") end, "(in use)")
    equal(ch:getname(), "x")
    equal(other:sync("out"), true)
    tasks.run()
    local again = awaiting(ch, "in")
    equal(other:sync("out"), true)
    tasks.run()
    waiters.expect_results(again, true)
    equal(ch:close(), true)
end)

case("a wait keeps run going until it is matched", function()
    local one <close> = channel.create "x"
    local other <close> = channel.create "x"
    local waiter = awaiting(one, "in")
    equal(system.run("ready"), true)
    tasks.spawn(function()
        system.suspend(0.002)
        equal(other:sync("out"), true)
    end)
    equal(system.run(), false)
    waiters.expect_results(waiter, true)
end)

suite.finish()
