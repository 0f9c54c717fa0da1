-- Manual: Await Function (behaviour 1.1 to 1.4, defects D10 and D30): where await functions may be
-- called, that they yield nothing, and what an explicit resume gives and leaves.

local suite = require("support.suite").strict()
local system = require "coutil.system"
local memory = require "memory"
local net = require "support.net"
local tasks = require "support.tasks"

local case, equal, same, ok, fails = suite.case, suite.equal, suite.same, suite.ok, suite.fails

-- Each kind of wait: a function that prepares it and returns the function that waits, and the
-- sockets to close afterwards. What it waits for does not happen by itself.
local waits <const> = {
    timer = function()
        return function() return system.suspend(1000) end
    end,
    ["short timer"] = function()
        return function() return system.suspend(0.0001) end
    end,
    pause = function()
        return function() return system.suspend() end
    end,
    read = function()
        local near, far = net.pair()
        return function() return far:read(memory.create(8)) end, near, far
    end,
    accept = function()
        local listener = net.listener()
        return function() return listener:accept() end, listener
    end,
    write = function()
        local near, far = net.pair(nil, true)
        local text = string.rep("x", net.plenty)
        return function() return near:write(text) end, near, far
    end,
    ["short write"] = function()
        local near, far = net.pair()
        return function() return near:write("x") end, near, far
    end,
    connect = function()
        local listener, address = net.listener()
        local stream = assert(system.socket("stream", net.default))
        return function() return stream:connect(address) end, stream, listener
    end,
    shutdown = function()
        local near, far = net.pair()
        return function() return near:shutdown() end, near, far
    end,
}

-- A case for each kind of wait; the body gets the function that waits, the kind, and a function
-- that makes another such wait.
local function each(name, body)
    for kind, prepare in pairs(waits) do
        case(kind .. ": " .. name, function()
            local sockets = {}
            local function fresh()
                local made = table.pack(prepare())
                table.move(made, 2, made.n, #sockets + 1, sockets)
                return made[1]
            end
            body(fresh(), kind, fresh)
            net.close(table.unpack(sockets))
            tasks.check()
        end)
    end
end

-- Where ------------------------------------------------------------------------------------------

each("where the caller cannot yield it raises unable to yield", function(wait)
    local message = fails(wait, "unable to yield")
    ok(string.find(message, "^.-awaits.lua:%d+: unable to yield$"), message)
    -- Inside the boundaries of C functions of all sorts.
    local function inside(call)
        local problem
        coroutine.wrap(function()
            call(function()
                local done, raised = pcall(wait)
                problem = not done and raised
            end)
        end)()
        ok(problem and string.find(problem, "unable to yield", 1, true), problem)
    end
    inside(function(body) table.sort({ 1, 2 }, function() body() return false end) end)
    inside(function(body) string.gsub("x", "x", function() body() end) end)
    inside(function(body)
        load(function()
            body()
            return nil
        end)
    end)
    inside(function(body)
        setmetatable({}, { __gc = body })
        collectgarbage()
    end)
end)

each("it yields across pcall, metamethods, iterators and loaded chunks", function(_, _, fresh)
    local count = 0
    local wait
    local function noted()
        wait()
        count = count + 1
    end
    local callers = {
        function() assert(pcall(noted)) end,
        function() assert(xpcall(noted, debug.traceback)) end,
        function() return setmetatable({}, { __index = noted }).field end,
        function() return setmetatable({}, { __add = noted }) + 1 end,
        function() local _ <close> = setmetatable({}, { __close = noted }) end,
        function()
            for _ in noted do error("an iterator without values") end
        end,
        function() assert(load("return (...)()"))(noted) end,
    }
    for index, caller in ipairs(callers) do
        wait = fresh()
        local task = tasks.spawn(caller)
        equal(coroutine.status(task), "suspended")
        ok(coroutine.resume(task))
        equal(count, index)
        equal(coroutine.status(task), "dead")
    end
end)

each("it yields no values", function(wait)
    local task = coroutine.create(function() wait() end)
    same(table.pack(coroutine.resume(task)), { n = 1, true })
    equal(coroutine.status(task), "suspended")
    coroutine.close(task)
end)

case("it may be called before run, outside of it and inside", function()
    local results = {}
    tasks.spawn(function() results[1] = system.suspend() end)
    tasks.run()
    coroutine.wrap(function() results[2] = system.suspend(0.001) end)()
    tasks.spawn(function()
        system.suspend()
        coroutine.wrap(function() results[3] = system.suspend() end)()
    end)
    tasks.run()
    same(results, { true, true, true })
end)

-- Explicit resume --------------------------------------------------------------------------------

-- Values to resume with: none, nils in all places, and what could be taken for something of ours.
local packs <const> = {
    table.pack(), table.pack(nil), table.pack(1, nil, 3, nil, nil), table.pack(true),
    table.pack(false, "closed"), table.pack({}, "x", 4.5, print),
}

local function resumed_with(fresh, prepare)
    for _, values in ipairs(packs) do
        local got
        local wait = fresh()
        local task = tasks.spawn(function() got = table.pack(wait()) end)
        if prepare then prepare() end
        if coroutine.status(task) == "dead" then return false end
        same(table.pack(coroutine.resume(task, table.unpack(values, 1, values.n))),
             { n = 1, true })
        same(got, values)
        equal(coroutine.status(task), "dead")
    end
    return true
end

each("an explicit resume before anything was submitted gives exactly its values",
     function(_, _, fresh)
    ok(resumed_with(fresh))
end)

each("an explicit resume while in flight gives exactly its values", function(_, kind, fresh)
    local ended = not resumed_with(fresh, function() system.run("ready") end)
    equal(ended, kind == "pause" or kind == "short timer" or kind == "short write" or
                 kind == "connect" or kind == "shutdown")
end)

each("calling the wrapped function is an explicit resume", function(wait)
    local wrapped = coroutine.wrap(function() return wait() end)
    wrapped()
    same(table.pack(wrapped(1, nil)), { n = 2, 1, nil })
end)

each("more values than fit a small stack arrive", function(wait)
    local values = {}
    for index = 1, 200 do values[index] = index end
    local count
    local task = tasks.spawn(function() count = select("#", wait()) end)
    ok(coroutine.resume(task, table.unpack(values)))
    equal(count, 200)
end)

-- Somebody served earlier in the same round resumes those whose result is ready.
case("an explicit resume wins over a result that is ready", function()
    local near, far = net.pair()
    local listener, address = net.listener()
    local client = net.connect(address)
    local _ <close> = net.closing(near, far, listener, client)
    tasks.await(function() return near:write("kept") end)
    local got = {}
    local waiting = {}
    local function all(winner)
        for index = 1, 3 do
            if index ~= winner and coroutine.status(waiting[index]) == "suspended" and
               got[index] == nil then
                coroutine.resume(waiting[index], "explicit", nil)
            end
        end
    end
    local bodies = {
        function() return far:read(memory.create(8)) end,
        function() return listener:accept() end,
        function() return near:read(memory.create(8)) end,
    }
    tasks.await(function() return far:write("kept too") end)
    for index, body in ipairs(bodies) do
        waiting[index] = tasks.spawn(function()
            got[index] = table.pack(body())
            all(index)
        end)
    end
    tasks.run()
    local explicit = 0
    for index = 1, 3 do
        if got[index].n == 2 and got[index][1] == "explicit" then explicit = explicit + 1 end
    end
    equal(explicit, 2)
    -- What was not delivered is still there.
    tasks.await(function()
        if got[1][1] == "explicit" then equal(net.read_all(far, 4), "kept") end
        if got[3][1] == "explicit" then equal(net.read_all(near, 8), "kept too") end
        local accepted <close> = got[2][1] ~= "explicit" and got[2][1] or listener:accept()
        ok(accepted)
    end)
end)

case("an explicit resume wins over a pause, a timer and a write that are ready", function()
    local near, far = net.pair()
    local _ <close> = net.closing(near, far)
    local waiting, got = {}, {}
    local bodies = {
        function() return near:write("x") end,
        function() return system.suspend() end,
        function() return system.suspend(0.0009) end,
    }
    for index, body in ipairs(bodies) do
        waiting[index] = tasks.spawn(function() got[index] = table.pack(body()) end)
    end
    for index = 1, 3 do ok(coroutine.resume(waiting[index], index, nil)) end
    for index = 1, 3 do same(got[index], { n = 2, index, nil }) end
    tasks.run()
    equal(tasks.await(function() return net.read_all(far, 1) end), "x")
end)

-- D10.
each("after an explicit resume the coroutine may wait again at once", function(wait)
    local order = {}
    local near, far = net.pair()
    local task = tasks.spawn(function()
        order[1] = wait()
        fails(function() system.suspend("x") end, "number expected")
        order[2] = system.suspend()
        order[3] = system.suspend(0.001)
        order[4] = near:write("x")
        order[5] = far:read(memory.create(8))
        near:close()
        far:close()
    end)
    ok(coroutine.resume(task, "left"))
    local busy = tasks.spawn(function() system.suspend(0.001) end)
    repeat system.run("ready") until coroutine.status(busy) == "dead"
    for _ = 1, 1000 do
        if coroutine.status(task) == "dead" then break end
        system.suspend(0.001, "~")
        system.run("ready")
    end
    same(order, { "left", true, true, true, 1 })
end)

case("after an explicit resume the object is free for others at once", function()
    local near, far = net.pair()
    local listener, address = net.listener()
    local _ <close> = net.closing(near, far, listener)
    local reader = tasks.spawn(function() equal(far:read(memory.create(1)), "left") end)
    local acceptor = tasks.spawn(function() equal(listener:accept(), "left") end)
    system.run("ready")
    coroutine.resume(reader, "left")
    coroutine.resume(acceptor, "left")
    tasks.spawn(function() equal(far:read(memory.create(8)), 1) end)
    tasks.spawn(function() assert(listener:accept()):close() end)
    tasks.spawn(function() assert(near:write("x")) end)
    tasks.spawn(function() net.connect(address):close() end)
    tasks.run()
end)

each("coroutines resumed by the scheduler may resume others that wait", function(wait)
    local got
    local waiting = tasks.spawn(function() got = table.pack(wait()) end)
    local winner
    tasks.spawn(function()
        system.suspend()
        winner = coroutine.status(waiting) == "suspended"
        if winner then ok(coroutine.resume(waiting, 1, nil)) end
    end)
    system.run("ready")
    if winner then same(got, { n = 2, 1, nil }) end
    equal(coroutine.status(waiting), "dead")
end)

-- D30.
each("closing a waiting coroutine ends the wait as an explicit resume does", function(wait, kind)
    for _, rounds in ipairs { 0, 1 } do
        local task = tasks.spawn(wait)
        tasks.rounds(rounds)
        if coroutine.status(task) == "suspended" then
            equal(coroutine.close(task), true)
        end
        if kind ~= "write" then equal(system.run("ready"), false) end
    end
end)

each("closing a waiting coroutine runs its pending to-be-closed variables, which may wait again",
     function(wait)
    local closed = 0
    local task = tasks.spawn(function()
        local _ <close> = setmetatable({}, { __close = function() closed = closed + 1 end })
        wait()
    end)
    equal(coroutine.close(task), true)
    equal(closed, 1)
end)

case("an error raised in a coroutine that was resumed explicitly goes to who resumed it", function()
    local task = coroutine.create(function()
        system.suspend(1000)
        error("mine", 0)
    end)
    ok(coroutine.resume(task))
    same({ coroutine.resume(task) }, { false, "mine" })
    equal(system.run(), false)
end)

case("a coroutine that ended while others thought it waits leaves no trace", function()
    local near, far = net.pair()
    local _ <close> = net.closing(near, far)
    local task = coroutine.create(function() far:read(memory.create(1)) end)
    ok(coroutine.resume(task))
    system.run("ready")
    ok(coroutine.resume(task))
    equal(coroutine.status(task), "dead")
    tasks.await(function() return near:write("x") end)
    equal(system.run("ready"), false)
    equal(tasks.await(function() return net.read_all(far, 1) end), "x")
end)

suite.finish()
