-- Manual: Thread Pools (behaviour 15.3, 15.4, D21, D28, D36): making, counting, resizing and
-- closing pools; what becomes of their tasks. What needs an interpreter that ends has one of its
-- own.

local suite = require("support.suite").strict()
local threads = require "coutil.threads"
local coroutines = require "coutil.coroutine"
local system = require "coutil.system"
local memory = require "memory"
local native = require "native"
local gates = require "support.gate"
local pools = require "support.pools"
local tasks = require "support.tasks"
local child = require "support.child"

local case, equal, same, ok, fails =
    suite.case, suite.equal, suite.same, suite.ok, suite.fails

local prelude <const> = child.prelude .. [[
local threads = require "coutil.threads"
local channels = require "coutil.channel"
local pools = require "support.pools"
local gates = require "support.gate"
local function equal(a, b) if a ~= b then error(tostring(a) .. " is not " .. tostring(b), 2) end end
]]

local function expect(chunk, options)
    return child.expect(prelude .. chunk, options)
end

-- The engine keeps a descriptor for mail from the first wait for another state on.
do
    local pool <close> = threads.create(1)
    pools.add(pool, "yield('warm', 'out')")
    pools.receive "warm"
end

-- References ---------------------------------------------------------------------------------

case("a pool has its class, with a scope and without a finalizer", function()
    local pool <close> = threads.create(0)
    local class = getmetatable(pool)
    equal(class.__name, "coutil:threads")
    equal(class.__index, threads)
    equal(class.__gc, nil)
    equal(type(class.__close), "function")
    ok(string.find(tostring(pool), "^coutil:threads: 0x"))
    local names = {}
    for name in pairs(threads) do names[#names + 1] = name end
    table.sort(names)
    equal(table.concat(names, " "), "close count create dofile dostring resize")
end)

case("create makes a new pool with so many threads, and none for negative sizes", function()
    local one <close> = threads.create(3)
    local other <close> = threads.create("2")
    ok(one ~= other)
    equal(pools.counts(one, "ea"), "3 3")
    equal(pools.counts(other, "ea"), "2 2")
    ok(pools.threads() >= 6)
    local none <close> = threads.create(-7)
    equal(pools.counts(none, "nrpsea"), "0 0 0 0 0 0")
end)

case("create tells what is no size", function()
    fails(function() threads.create(nil) end,
          "bad argument #1 to 'create' (number expected, got nil)")
    fails(function() threads.create({}) end, "number expected, got table")
    fails(function() threads.create(1.5) end, "number has no integer representation")
end)

case("create without a size is nil outside of tasks, and in state coroutines anywhere", function()
    equal(select("#", threads.create()), 1)
    equal(threads.create(), nil)
    local co <close> = assert(coroutines.load [[
        local pool = require "coutil.threads".create()
        return pool == nil
    ]])
    same({ tasks.await(system.resume, co) }, { true, true })
    local pool <close> = threads.create(1)
    pools.add(pool, [[
        fresh()
        local co = require "coutil.coroutine".load
            [=[ return require "coutil.threads".create() == nil ]=]
        local answer
        coroutine.wrap(function() answer = { system.resume(co) } end)()
        system.run()
        yield("own", "out", answer[1], answer[2])
    ]])
    same({ pools.receive "own" }, { true, true })
end)

case("a task gets new references to its pool, also in inner coroutines", function()
    local pool <close> = threads.create(2)
    pools.add(pool, [[
        local threads = require "coutil.threads"
        local one, other = threads.create(), threads.create()
        local inner = coroutine.wrap(threads.create)()
        yield("own", "out", one ~= other and inner ~= one, one == one, one:count("e"),
              inner:count("r"))
    ]])
    same({ pools.receive "own" }, { true, true, 2, 1 })
end)

case("every function tells who is no pool, and which is closed", function()
    local pool = threads.create(0)
    equal(pool:close(), true)
    for name, arguments in pairs {
        close = {}, count = { "n" }, resize = { 1 }, dostring = { "" }, dofile = { "/dev/null" },
    } do
        fails(function() threads[name](5) end, "coutil:threads expected, got number")
        fails(function() threads[name]() end, "coutil:threads expected, got no value")
        fails(function() threads[name](pool, table.unpack(arguments)) end, "closed threads")
    end
    fails(function() pool:close() end, "calling 'close' on bad self (closed threads)")
end)

case("leaving the scope closes a pool, and raises for a closed one", function()
    local kept
    do
        local pool <close> = threads.create(1)
        kept = pool
    end
    fails(function() kept:count("n") end, "closed threads")
    fails(function()
        local pool <close> = threads.create(1)
        pool:close()
    end, "closed threads")
end)

-- Tasks --------------------------------------------------------------------------------------

case("dostring tells first what is wrong with the chunk, then with the arguments", function()
    local pool <close> = threads.create(0)
    fails(function() pool:dostring() end, "string or memory expected, got no value")
    fails(function() pool:dostring({}) end, "string or memory expected, got table")
    fails(function() pool:dostring("", {}) end, "string expected, got table")
    fails(function() pool:dostring("", nil, {}) end, "string expected, got table")
    same({ pool:dostring("x x", nil, nil, print) },
         { false, "[string \"x x\"]:1: syntax error near 'x'" })
    same({ pool:dostring("x x", "@name") }, { false, "name:1: syntax error near 'x'" })
    same({ pool:dostring("", "n", "b") },
         { false, "attempt to load a text chunk (mode is 'b')" })
    same({ pool:dostring(42) }, { false, "[string \"42\"]:1: unexpected symbol near '42'" })
    same({ pool:dostring("", nil, nil, 1, print) },
         { false, "unable to transfer argument #6 (got function)" })
    same({ pool:dostring("", nil, nil, {}) },
         { false, "unable to transfer argument #5 (got table)" })
    equal(pools.counts(pool, "n"), "0")
end)

case("chunks are texts, binaries and memories; arguments arrive as they are", function()
    local pool <close> = threads.create(1)
    local text <const> = [[ require "coroutine".yield("args", "out", select("#", ...), ...) ]]
    for _, chunk in ipairs { text, string.dump(load(text)), memory.create(text) } do
        equal(pool:dostring('local select = require "_G".select ' .. text, nil, nil,
                            1, 2.0, nil, "a\0b", true, nil), true)
        local results = table.pack(pools.receive "args")
        same({ table.unpack(results, 1, results.n) }, { 6, 1, 2.0, nil, "a\0b", true, nil })
        equal(results.n, 7)
        ok(chunk)
    end
    equal(pool:dostring(memory.create [[ require "coroutine".yield("args", "out", 7) ]]), true)
    equal(pools.receive "args", 7)
    local binary <const> = string.dump(load [[ require "coroutine".yield("args", "out", 8) ]])
    equal(pool:dostring(binary, nil, "b"), true)
    equal(pools.receive "args", 8)
end)

case("dofile loads from files and standard input, and tells why it cannot", function()
    local pool <close> = threads.create(1)
    same({ pool:dofile("/nonexistent/x") },
         { false, "cannot open /nonexistent/x: No such file or directory" })
    local path = os.tmpname()
    local file = assert(io.open(path, "w"))
    file:write [[ require "coroutine".yield("file", "out", ...) ]]
    file:close()
    same({ pool:dofile(path, "b") }, { false, "attempt to load a text chunk (mode is 'b')" })
    same({ pool:dofile(path, nil, print) },
         { false, "unable to transfer argument #4 (got function)" })
    equal(pool:dofile(path, nil, "a", nil), true)
    local results = table.pack(pools.receive "file")
    equal(results[1], "a")
    equal(results.n, 2)
    os.remove(path)
    equal(expect([[
        local pool <close> = threads.create(1)
        equal(pool:dofile(), true)
    ]], { before = "printf 'require [[_G]].print(7)' |" }), "7\n")
end)

case("tasks start in the order in which they came", function()
    local order = {}
    local pool <close> = threads.create(0)
    for index = 1, 20 do
        pools.add(pool, "yield('order', 'out', ...)", index)
    end
    equal(pools.counts(pool, "nrps"), "20 0 20 0")
    equal(pool:resize(1), true)
    for index = 1, 20 do order[index] = pools.receive "order" end
    for index = 1, 20 do equal(order[index], index) end
end)

-- Each stretch writes its letter down.
case("a task that yields goes to the tail, and yield returns nothing", function()
    local path = os.tmpname()
    local pool <close> = threads.create(0)
    for name in string.gmatch("abc", ".") do
        pools.add(pool, [[
            local table, io = require "table", require "io"
            local path, name = ...
            for _, values in ipairs { {}, { nil, 1 }, { true }, { {} } } do
                local file <close> = assert(io.open(path, "a"))
                file:write(name)
                file:close()
                local results = table.pack(yield(table.unpack(values, 1, 2)))
                assert(results.n == 0)
            end
        ]], path, name)
    end
    equal(pools.counts(pool, "p"), "3")
    pool:resize(1)
    pools.await(pool, "n", "0")
    local file <close> = assert(io.open(path))
    equal(file:read("a"), "abcabcabcabc")
    os.remove(path)
end)

case("results of a task are dropped", function()
    local pool <close> = threads.create(1)
    pools.add(pool, "return 1, {}, print")
    pools.await(pool, "n", "0")
end)

case("an error is a warning of the task's state, off at first", function()
    local output = expect [[
        warn "@on"
        local pool <close> = threads.create(1)
        pools.add(pool, "error 'unheard'")
        pools.add(pool, "warn '@on' error('heard', 0)")
        pools.add(pool, "warn '@on' error {}")
        pools.add(pool, "warn '@on' error(1.5, 0)")
        pools.add(pool, "warn '@on' error(17)")
    ]]
    equal(output, "Lua warning: [coutil] threads: heard\nLua warning: [coutil] threads: (null)\n" ..
          "Lua warning: [coutil] threads: 1.5\nLua warning: [coutil] threads: 17\n")
end)

case("variables are closed and finalizers run when a task ends, on its thread", function()
    local output = expect [[
        local pool <close> = threads.create(1)
        local chunk <const> = [=[
            local how = ...
            warn "@on"
            local function closing(text, raise)
                return setmetatable({}, { __close = function(_, problem)
                    print(text, problem)
                    if raise then error(raise, 0) end
                end })
            end
            local file <close> = closing "closed"
            _G.kept = setmetatable({}, { __gc = function() print "collected" end })
            if how == "error" then error("problem", 0) end
            if how == "replaced" then
                local other <close> = closing("other", "another")
                error("problem", 0)
            end
        ]=]
        pools.add(pool, chunk, "return")
        pools.add(pool, chunk, "error")
        pools.add(pool, chunk, "replaced")
    ]]
    equal(output, [[
closed	nil
collected
closed	problem
Lua warning: [coutil] threads: problem
collected
other	problem
closed	another
Lua warning: [coutil] threads: another
collected
]])
end)

-- Counting -----------------------------------------------------------------------------------

case("count returns a number for each character", function()
    local pool <close> = threads.create(2)
    equal(select("#", pool:count("")), 0)
    same({ pool:count("eaen") }, { 2, 2, 2, 0 })
    fails(function() pool:count("nx") end, "bad option (got 'x')")
    fails(function() pool:count() end, "bad argument #1 to 'count' (string expected, got no value)")
    equal(select("#", pool:count(string.rep("n", 500))), 500)
end)

case("running, pending and suspended tasks are all there are", function()
    local first <close> = gates.create()
    local second <close> = gates.create()
    local pool <close> = threads.create(2)
    pools.add(pool, "pass(...)", first.path)
    pools.add(pool, "yield('never', 'in')")
    first:await()
    pools.await(pool, "nrps", "2 1 0 1")
    pools.add(pool, "pass(...)", second.path)
    second:await()
    pools.add(pool, "")
    pools.add(pool, "")
    equal(pools.counts(pool, "nrps"), "5 2 2 1")
    first:open()
    second:open()
    pools.await(pool, "nrps", "1 0 0 1")
    pools.send("never")
    pools.await(pool, "nrps", "0 0 0 0")
end)

case("the counts of one call are of one moment", function()
    local pool <close> = threads.create(3)
    for _ = 1, 7 do
        pools.add(pool, "for _ = 1, 2000 do yield() end")
    end
    repeat
        local n, r, p, s = pool:count("nrps")
        equal(n, r + p + s)
    until n == 0
end)

-- Sizes --------------------------------------------------------------------------------------

case("resize wants a size that is not negative", function()
    local pool <close> = threads.create(0)
    fails(function() pool:resize(-1) end, "bad argument #1 to 'resize' (size cannot be negative)")
    fails(function() threads.resize(pool, -1) end, "(size cannot be negative)")
    fails(function() pool:resize() end, "number expected, got no value")
    equal(pool:resize("3"), true)
    equal(pools.counts(pool, "e"), "3")
end)

case("threads are made on demand, one for each task that waits, or all at once", function()
    local first <close> = gates.create()
    local second <close> = gates.create()
    local pool <close> = threads.create(0)
    equal(pool:resize(4), true)
    equal(pools.counts(pool, "ea"), "4 0")
    pools.add(pool, "pass(...)", first.path)
    equal(pools.counts(pool, "ea"), "4 1")
    first:await()
    pools.add(pool, "pass(...)", second.path)
    equal(pools.counts(pool, "ea"), "4 2")
    second:await()
    equal(pool:resize(6, true), true)
    equal(pools.counts(pool, "ea"), "6 6")
    equal(pool:resize(7, false), true)
    equal(pools.counts(pool, "ea"), "7 6")
    first:open()
    second:open()
end)

case("tasks that wait get threads when the size allows it again", function()
    local pool <close> = threads.create(0)
    for _ = 1, 3 do pools.add(pool, "yield()") end
    equal(pools.counts(pool, "npa"), "3 3 0")
    equal(pool:resize(2), true)
    pools.await(pool, "n", "0")
    equal(pools.counts(pool, "ea"), "2 2")
end)

case("the actual number reaches what create asked for, whatever was expected before", function()
    local pool <close> = threads.create(0)
    equal(pool:resize(5), true)
    equal(pools.counts(pool, "ea"), "5 0")
    equal(pool:resize(5, true), true)
    equal(pools.counts(pool, "ea"), "5 5")
end)

case("idle threads that are too many end soon, busy ones when they let go of their task", function()
    local gate <close> = gates.create()
    local pool <close> = threads.create(5)
    pools.add(pool, "pass(...)  yield()  yield()", gate.path)
    gate:await()
    equal(pool:resize(0), true)
    pools.await(pool, "eanr", "0 1 1 1")
    gate:open()
    pools.await(pool, "eanp", "0 0 1 1")
    equal(pool:resize(1), true)
    pools.await(pool, "n", "0")
end)

case("size zero stops everything and loses nothing", function()
    local pool <close> = threads.create(3)
    for _ = 1, 10 do pools.add(pool, "for _ = 1, 1000 do yield() end") end
    pool:resize(0)
    pools.await(pool, "a", "0")
    local left = pool:count("n")
    equal(pool:count("p"), left)
    equal(pool:count("n"), left)
    pool:resize(2)
    pools.await(pool, "n", "0")
end)

case("a task may resize its own pool", function()
    local pool <close> = threads.create(1)
    pools.add(pool, [[
        local pool = require "coutil.threads".create()
        yield("sizes", "out", pool:resize(3, true), pool:count("ea"))
    ]])
    same({ pools.receive "sizes" }, { true, 3, 3 })
end)

case("where no more threads can be made, create and resize fail and the pool goes on", function()
    local limit <const> = "ulimit -v 1500000;"
    local _, how = child.run("", { before = limit })
    if how ~= "exit" then suite.skip "this interpreter needs more memory than there are threads" end
    expect([[
        local made, text, code = threads.create(100000)
        equal(made, false)
        equal(text, "resource temporarily unavailable")
        equal(code, 11)
        local pool <close> = threads.create(2)
        local done, text, code = pool:resize(100000, true)
        equal(done, false)
        equal(text, "resource temporarily unavailable")
        equal(code, 11)
        equal(pool:count("e"), 2)
        pools.await(pool, "a", "2")
        for _ = 1, 5 do pools.add(pool, "yield()") end
        pools.await(pool, "n", "0")
        equal(pool:resize(100000), true)
        for _ = 1, 500 do pools.add(pool, "yield()") end
        pools.await(pool, "n", "0")
        equal(pool:resize(1), true)
        pools.await(pool, "a", "1")
    ]], { before = limit })
end)

-- Closing ------------------------------------------------------------------------------------

case("close waits for the tasks, which may add others", function()
    local path = os.tmpname()
    local pool = threads.create(2)
    pools.add(pool, [[
        local path, chunk = ...
        for _ = 1, 100 do yield() end
        local pool = require "coutil.threads".create()
        assert(pool:dostring(chunk, nil, nil, path))
    ]], path, [[
        for _ = 1, 100 do require "coroutine".yield() end
        local file = require "io".open(..., "w")
        file:write "done"
        file:close()
    ]])
    equal(pool:close(), true)
    local file <close> = assert(io.open(path))
    equal(file:read("a"), "done")
    os.remove(path)
end)

case("the threads and what they keep are gone when close returns", function()
    local before = pools.threads()
    local _, _, rings = native.descriptors()
    for _ = 1, 5 do
        local pool = threads.create(4)
        for _ = 1, 8 do
            pools.add(pool, [[
                fresh()
                coroutine.wrap(function() system.suspend(0.001) end)()
                system.run()
            ]])
        end
        pool:close()
        equal(select(3, native.descriptors()), rings)
    end
    pools.until_true(function() return pools.threads() <= before end, pools.threads)
end)

case("a task's reference is only closed itself", function()
    local pool <close> = threads.create(1)
    pools.add(pool, [[
        local threads = require "coutil.threads"
        local mine, other = threads.create(), threads.create()
        assert(mine:close() == true)
        assert(not pcall(mine.count, mine, "n"))
        do local scope <close> = threads.create() end
        yield("closed", "out", other:count("nr"))
    ]])
    same({ pools.receive "closed" }, { 1, 1 })
end)

case("without threads close discards what is pending, whose finalizers run", function()
    local output = expect [[
        local pool = threads.create(0)
        pools.add(pool, "print 'never'")
        equal(pool:close(), true)
        local pool = threads.create(1)
        pools.add(pool, "_G.kept = setmetatable({}, { __gc = function() print 'collected' end })" ..
            "local v <close> = setmetatable({}, { __close = function() print 'closed' end })" ..
            "yield 'stop' while true do yield() end")
        pools.await(pool, "s", "1")
        pools.send "stop"
        pool:resize(0)
        pools.await(pool, "ap", "0 1")
        equal(pool:close(), true)
        print "after"
    ]]
    equal(output, "closed\ncollected\nafter\n")
end)

case("without threads, tasks at channels stay there, and end when they are matched", function()
    local output = expect [[
        local pool = threads.create(1)
        pools.add(pool, "_G.kept = setmetatable({}, { __gc = function() print 'collected' end })" ..
            "yield('there', 'out', 'value') print 'never'")
        pools.await(pool, "s", "1")
        pool:resize(0)
        pools.await(pool, "a", "0")
        equal(pool:close(), true)
        equal(channels.getnames().there, true)
        local channel = channels.create "there"
        print(channel:sync "in")
        print(channel:sync "in")
        channel:close()
        equal(channels.getnames().there, nil)
    ]]
    equal(output, "collected\ntrue\tvalue\nfalse\tempty\n")
end)

case("without threads, a task that is suspended in run ends when mail comes", function()
    local output = expect [[
        local pool = threads.create(1)
        pools.add(pool, "fresh() " ..
            "_G.kept = setmetatable({}, { __gc = function() print 'collected' end })" ..
            "local c = channel.create 'there'" ..
            "coroutine.wrap(function() system.awaitch(c, 'out', 'value') print 'never' end)()" ..
            "system.run() print 'never'")
        pools.await(pool, "s", "1")
        pool:resize(0)
        pools.await(pool, "a", "0")
        equal(pool:close(), true)
        local channel = channels.create "there"
        print(channel:sync "in")
    ]]
    equal(output, "collected\ntrue\tvalue\n")
end)

case("a pool that was dropped goes on, and is closed with the state", function()
    local output = expect [[
        do
            local pool = threads.create(1)
            pools.add(pool, "for _ = 1, 1000 do yield() end print 'done'")
        end
        collectgarbage()
        collectgarbage()
        threads.create(0):dostring "print 'never'"
    ]]
    equal(output, "done\n")
end)

case("a task's state closes the pools that the task has made", function()
    local output = expect [[
        local pool <close> = threads.create(1)
        pools.add(pool, "local inner = require 'coutil.threads'.create(2)" ..
            "inner:dostring [=[ for _ = 1, 100 do require 'coroutine'.yield() end" ..
            " require '_G'.print 'inner' ]=] print 'outer'")
    ]]
    -- Who is faster is nobody's business.
    ok(output == "outer\ninner\n" or output == "inner\nouter\n", output)
end)

case("os.exit in a coroutine of run closes pools as well", function()
    local output, how, code = child.run(prelude .. [[
        local pool = threads.create(1)
        pools.add(pool, "for _ = 1, 1000 do yield() end print 'done'")
        coroutine.wrap(function()
            system.suspend()
            os.exit(7, true)
        end)()
        system.run()
    ]])
    equal(output, "done\n")
    equal(how, "exit")
    equal(code, 7)
end)

case("os.exit without closing does not wait for tasks that never end", function()
    local _, how, code = child.run(prelude .. [[
        local pool = threads.create(2)
        pools.add(pool, "while true do yield() end")
        pools.add(pool, "yield('never', 'in')")
        pools.await(pool, "s", "1")
        os.exit(3, false)
    ]])
    equal(how, "exit")
    equal(code, 3)
end)

case("a forked child has no pools", function()
    expect [[
        local pool <close> = threads.create(2)
        pools.add(pool, "yield('x', 'in')")
        pools.await(pool, "s", "1")
        local pid = native.fork()
        if pid == 0 then
            local done, problem = pcall(pool.count, pool, "n")
            local fine = not done and string.find(problem, "not usable after fork", 1, true)
            local made = pcall(threads.create, 1)
            -- Without the ceremony of an exit: what the threads of the parent hold would count as
            -- lost.
            native.exit(fine and not made and 0 or 1)
        end
        local how, code = native.wait(pid)
        pools.send "x"
        equal(how == "exit" and code or how, 0)
    ]]
end)

suite.finish()
