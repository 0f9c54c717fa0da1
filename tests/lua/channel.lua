-- Manual: Channels, system.awaitch (behaviour 1.3 to 1.7, 2.6, 15.6, D25, D26, D31, D38), in one
-- state. What states and threads do to each other is in channel_states.lua.

local suite = require("support.suite").strict()
local system = require "coutil.system"
local channel = require "coutil.channel"
local memory = require "memory"
local child = require "support.child"
local tasks = require "support.tasks"
local waiters = require "support.waiters"

local equal, same, ok, fails = suite.equal, suite.same, suite.ok, suite.fails

-- From the first wait on the engine keeps a descriptor for what other states tell it.
coroutine.wrap(system.awaitch)(channel.create "first", "in", "first")
assert(channel.create "first":sync("out"))
assert(system.run() == false)

-- No case leaves a channel behind.
local function case(name, body)
    suite.case(name, function()
        body()
        collectgarbage()
        collectgarbage()
        same(channel.getnames(), {}, "names")
    end)
end

local function awaiting(...)
    local waiter = waiters.start(system.awaitch, ...)
    waiters.expect_waiting(waiter)
    return waiter
end

-- What awaitch returns where it does not wait.
local function at_once(...)
    local waiter = waiters.start(system.awaitch, ...)
    equal(coroutine.status(waiter.thread), "dead", "it waits")
    return waiter.results
end

-- awaitch in a coroutine, whose error is raised as it is.
local function raising_awaitch(...)
    local done, problem = coroutine.resume(coroutine.create(system.awaitch), ...)
    if not done then error(problem, 0) end
end

local function waiting()
    return system.engine("counters").awaiting
end

local pointer <const> = debug.upvalueid(at_once, 1) -- a light userdata

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

-- Programs that run inside -------------------------------------------------------------------

-- Values so long that pushing them collects garbage, where a collection is one step.
local long <const> = ("long"):rep(1 << 20)

-- Has a coroutine wait with such values, and calls `meet` with a channel of the same name. The
-- finalizer runs when the values are pushed, before the match is made; it may change everything.
local function amid(meet, finalizer)
    local first, mine = channel.create "x", channel.create "x"
    local waiter = waiters.start(system.awaitch, first, "in", long, "waits")
    collectgarbage("incremental", 110, 1000, 30)
    collectgarbage()
    local inside, ran = false, false
    local function garbage() -- in a frame of its own, of which nothing is left
        setmetatable({}, { __gc = function()
            ran = inside
            finalizer(mine, waiter)
        end })
    end
    garbage()
    inside = true
    local results = meet(mine, "out", "comes")
    inside = false
    collectgarbage("incremental", 200, 100, 13)
    ok(ran, "the finalizer has not run inside")
    return results, waiter
end

local function syncs(...)
    return table.pack(channel.sync(...))
end

local function resume(waiter)
    ok(coroutine.resume(waiter.thread, "by hand"))
end

case("a finalizer that closes the channel does not undo the match", function()
    for _, meet in ipairs { syncs, at_once } do
        local results, waiter = amid(meet, channel.close)
        same(results, { true, long, "waits", n = 3 })
        tasks.run()
        waiters.expect_results(waiter, true, "comes")
    end
end)

case("a finalizer that waits on the channel does not undo the match", function()
    for _, meet in ipairs { syncs, at_once } do
        local helper
        local results, waiter = amid(meet, function(mine)
            helper = awaiting(mine, "in")
        end)
        same(results, { true, long, "waits", n = 3 })
        resume(helper)
        tasks.run()
        waiters.expect_results(waiter, true, "comes")
    end
end)

case("of a finalizer and the call it interrupts the first one is matched", function()
    for _, close in ipairs { false, true } do
        local got
        local function sync(mine)
            got = table.pack(mine:sync("out", "finalizer"))
            if close then mine:close() end
        end
        local results, waiter = amid(syncs, sync)
        same(results, { false, "empty", n = 2 })
        same(got, { true, long, "waits", n = 3 })
        tasks.run()
        waiters.expect_results(waiter, true, "finalizer")
    end
end)

case("a finalizer that resumes who waits leaves nobody to be matched with", function()
    local function leave(_, waiter) resume(waiter) end
    same(amid(syncs, leave), { false, "empty", n = 2 })
    local late
    local _, waiter = amid(function(...)
        late = awaiting(...)
        return {}
    end, function(mine, waiter)
        resume(waiter)
        mine:getname()
    end)
    waiters.expect_results(waiter, "by hand")
    local other <close> = channel.create "x"
    same({ other:sync("in", "values") }, { true, "comes" })
    tasks.run()
    waiters.expect_results(late, true, "values")
end)

case("who comes in place of the one that a finalizer was matched with is next", function()
    for _, meet in ipairs { syncs, at_once } do
        local other <close> = channel.create "x"
        local second
        local results, waiter = amid(meet, function(mine)
            second = awaiting(other, "in", "second")
            equal(mine:sync("out", "finalizer"), true)
        end)
        same(results, { true, "second", n = 2 })
        tasks.run()
        waiters.expect_results(waiter, true, "finalizer")
        waiters.expect_results(second, true, "comes")
    end
end)

case("a wait is refused when a finalizer has taken match and channel from it", function()
    local function refused(...)
        return table.pack(coroutine.resume(coroutine.create(system.awaitch), ...))
    end
    local results = amid(refused, function(mine, waiter)
        resume(waiter)
        mine:close()
    end)
    equal(results[1], false)
    ok(string.find(results[2], "bad argument #1 to '.*' %(closed channel%)"), results[2])
    local helper
    results = amid(refused, function(mine, waiter)
        resume(waiter)
        helper = awaiting(mine, "out", "helper")
    end)
    equal(results[1], false)
    ok(string.find(results[2], "bad argument #1 to '.*' %(in use%)"), results[2])
    resume(helper)
end)

-- Many ---------------------------------------------------------------------------------------

local function time_of(body)
    local from = system.nanosecs()
    body()
    return (system.nanosecs() - from) / 1e9
end

case("ten thousand coroutines wait at one end, and leave from anywhere", function()
    local waiting_ones, other <close> = {}, channel.create "x"
    local count <const> = 10000
    local took = time_of(function()
        for index = 1, count do
            waiting_ones[index] = awaiting(channel.create "x", "in", index)
        end
        equal(waiting(), count)
        for index = count, 2, -2 do -- the last, the one before the one before
            ok(coroutine.resume(waiting_ones[index].thread))
        end
        for index = 1, count, 2 do
            same({ other:sync("out", -index) }, { true, index })
        end
        same({ other:sync("out") }, { false, "empty" })
        tasks.run()
    end)
    for index = 1, count, 2 do
        waiters.expect_results(waiting_ones[index], true, -index)
    end
    ok(took < 5, took)
end)

case("ten thousand channels are cheap (D38)", function()
    local count <const> = 10000
    local made = {}
    collectgarbage()
    local before = collectgarbage "count"
    local took = time_of(function()
        for index = 1, count do made[index] = channel.create("channel " .. index) end
    end)
    local each = (collectgarbage "count" - before) * 1024 / count
    ok(each < 200, each .. " bytes each")
    took = took + time_of(function()
        local names, found = channel.getnames(), 0
        for name, there in pairs(names) do
            ok(there and string.find(name, "^channel %d+$"))
            found = found + 1
        end
        equal(found, count)
        for index = 1, count, 2 do equal(made[index]:close(), true) end
        channel.getnames(names)
        for index = 1, count do
            equal(names["channel " .. index], index % 2 == 0 or nil)
        end
        for index = 2, count, 2 do equal(made[index]:close(), true) end
        same(channel.getnames(names), {})
    end)
    ok(took < 5, took)
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
