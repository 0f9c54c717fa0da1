-- What garbage collection may take and what not (behaviour 1.2, 1.4, 4.2): a waiting coroutine, its
-- arguments and its object stay; what is dropped goes promptly; abandoned writes arrive completely
-- although nothing but the engine knows of them.

local suite = require("support.suite").strict()
local system = require "coutil.system"
local memory = require "memory"
local native = require "native"
local net = require "support.net"
local tasks = require "support.tasks"

local case, equal, ok = suite.case, suite.equal, suite.ok

local function collect()
    collectgarbage()
    collectgarbage()
end

local function open_descriptors()
    return (select(2, native.descriptors()))
end

-- A table that tells whether the value it held is still there.
local function weak(value)
    return setmetatable({ value }, { __mode = "v" })
end

-- Kept -------------------------------------------------------------------------------------------

case("a waiting coroutine, its object and its memory are never collected", function()
    local near, far = net.pair()
    local seen = {}
    local held
    do
        local buffer = memory.create(8)
        local task = coroutine.create(function()
            seen[1] = far:read(buffer)
            seen[2] = buffer:tostring(1, 4)
        end)
        ok(coroutine.resume(task))
        held = { weak(task), weak(far), weak(buffer) }
        far = nil -- luacheck: ignore 311
    end
    for _ = 1, 5 do
        collect()
        system.run("ready")
    end
    for _, reference in ipairs(held) do ok(reference[1]) end
    tasks.await(function() return near:write("kept") end)
    tasks.run()
    equal(seen[1], 4)
    equal(seen[2], "kept")
    near:close()
end)

case("coroutines that wait without anyone knowing are resumed", function()
    local count = 0
    for index = 1, 200 do
        coroutine.wrap(function()
            system.suspend(index % 3 == 0 and 0 or index / 20000)
            count = count + 1
        end)()
    end
    collect()
    system.run("ready")
    collect()
    system.run()
    equal(count, 200)
end)

case("an acceptor without any reference still accepts", function()
    local accepted
    local address
    do
        local listener
        listener, address = net.listener()
        coroutine.wrap(function()
            assert(listener:accept()):close()
            accepted = true
        end)()
    end
    collect()
    system.run("ready")
    collect()
    tasks.spawn(function() net.connect(address):close() end)
    tasks.run()
    ok(accepted)
    collect()
end)

case("the bytes of a waiting write are kept", function()
    local near, far = net.pair(nil, true)
    local expected = net.text(net.plenty)
    for _, make in ipairs { function(text) return text .. "" end, memory.create, net.resizable } do
        coroutine.wrap(function() near:write(make(expected)) end)()
        collect()
        system.run("ready")
        collect()
        tasks.spawn(function()
            local text = net.read_all(far, #expected)
            ok(text == expected)
        end)
        tasks.run()
    end
    net.close(near, far)
end)

-- Dropped ----------------------------------------------------------------------------------------

case("dropped sockets are closed when they are collected", function()
    local before = open_descriptors()
    for _ = 1, 50 do
        for _, domain in ipairs(net.domains) do
            -- A local socket has a descriptor from bind on.
            assert(assert(system.socket("stream", domain)):bind(net.loopback(domain)))
            assert(assert(system.socket("passive", domain)):bind(net.loopback(domain)))
        end
    end
    equal(open_descriptors(), before + 100 * #net.domains)
    collect()
    equal(open_descriptors(), before)
end)

case("the peer of a dropped stream sees the end", function()
    local far = select(2, net.pair())
    collect()
    local results
    tasks.spawn(function() results = { far:read(memory.create(8)) } end)
    tasks.run()
    equal(results[2], "end of file")
    far:close()
end)

case("an object goes once its wait is over and nobody holds it", function()
    local near, far = net.pair()
    local gone = weak(far)
    local task = weak(coroutine.create(function() gone[1]:read(memory.create(1)) end))
    coroutine.resume(task[1])
    system.run("ready")
    far = nil -- luacheck: ignore 311
    collect()
    ok(gone[1] and task[1])
    coroutine.resume(task[1], "left")
    collect()
    ok(far == nil and gone[1] == nil and task[1] == nil)
    near:close()
end)

case("coroutines dropped after an explicit resume are collected", function()
    local tasks_left = setmetatable({}, { __mode = "k" })
    local near, far = net.pair()
    local listener = net.listener()
    for _, body in ipairs {
        function() far:read(memory.create(8)) end,
        function() listener:accept() end,
        function() system.suspend(1000) end,
        function() system.suspend() end,
    } do
        for rounds = 0, 1 do
            local task = coroutine.create(body)
            ok(coroutine.resume(task))
            tasks_left[task] = true
            if rounds > 0 then system.run("ready") end
            if coroutine.status(task) == "suspended" then coroutine.resume(task) end
        end
    end
    system.run("ready")
    collect()
    equal(next(tasks_left), nil)
    net.close(near, far, listener)
end)

case("ten thousand abandoned timers free their records", function()
    for _, leave in ipairs { coroutine.resume, coroutine.close } do
        local waiting = {}
        for index = 1, 10000 do
            waiting[index] = coroutine.create(system.suspend)
            assert(coroutine.resume(waiting[index], 1000 + index % 7))
        end
        equal(system.engine("counters").records, 10000)
        for index = 10000, 1, -1 do leave(waiting[index]) end
        equal(system.engine("counters").records, 0)
        equal(system.run(), false)
    end
end)

case("memory does not grow with the number of waits", function()
    local near, far = net.pair()
    local buffer = memory.create(8)
    local function round()
        for _ = 1, 2000 do
            local task = coroutine.create(function() far:read(buffer) end)
            coroutine.resume(task)
            coroutine.resume(task)
            system.run("ready")
        end
        collect()
        return collectgarbage("count")
    end
    round()
    local before = round()
    ok(round() - before < 64, "kilobytes are lost")
    net.close(near, far)
end)

-- Abandoned writes -------------------------------------------------------------------------------

case("an abandoned write of a collected socket arrives, then the descriptor goes", function()
    for _, domain in ipairs(net.domains) do
        for _, rounds in ipairs { 0, 2 } do
            local near, far = net.pair(domain, true)
            local before = open_descriptors()
            local text = net.text(net.plenty)
            do
                local tail = memory.create("the tail")
                local first = coroutine.create(function() near:write(text) end)
                local second = coroutine.create(function() near:write(tail) end)
                local third = coroutine.create(function() near:shutdown() end)
                for _, task in ipairs { first, second, third } do
                    assert(coroutine.resume(task))
                end
                tasks.rounds(rounds)
                for _, task in ipairs { first, second, third } do
                    assert(coroutine.resume(task))
                end
                tail:fill(0)
            end
            local gone = weak(near)
            near = nil -- luacheck: ignore 311
            collect()
            equal(gone[1], nil)
            equal(open_descriptors(), before)
            local got
            tasks.spawn(function() got = net.read_all(far) end)
            tasks.run()
            ok(got == text .. "the tail")
            tasks.rounds(2)
            equal(open_descriptors(), before - 1)
            far:close()
        end
    end
end)

case("abandoned writes of many collected sockets all arrive", function()
    local ends, text = {}, net.text(300000)
    for index = 1, 20 do
        local near, far = net.pair(nil, true)
        ends[index] = far
        local task = coroutine.create(function() near:write(text) end)
        assert(coroutine.resume(task))
        assert(coroutine.resume(task))
    end
    collect()
    local complete = 0
    for index = 1, 20 do
        tasks.spawn(function()
            if net.read_all(ends[index]) == text then complete = complete + 1 end
        end)
    end
    tasks.run()
    equal(complete, 20)
    tasks.rounds(2)
    net.close(table.unpack(ends))
end)

case("an abandoned write to a peer that resets frees the collected socket", function()
    local near, far, _, there = net.pair(nil, true)
    native.linger(there)
    local task = coroutine.create(function() near:write(net.text(net.plenty)) end)
    assert(coroutine.resume(task))
    tasks.rounds(1)
    assert(coroutine.resume(task))
    near, task = nil, nil -- luacheck: ignore 311
    collect()
    far:close()
    tasks.run()
    tasks.rounds(2)
    ok(near == nil and task == nil)
end)

case("an abandoned connection attempt frees the collected socket", function()
    local listener <close>, address = net.listener()
    local before = open_descriptors()
    do
        local stream = assert(system.socket("stream", net.default))
        local task = coroutine.create(function() stream:connect(address) end)
        assert(coroutine.resume(task))
        assert(coroutine.resume(task))
    end
    collect()
    tasks.run()
    tasks.rounds(2)
    equal(open_descriptors(), before)
    ok(listener)
end)

-- Finalizers -------------------------------------------------------------------------------------

case("finalizers that run between the steps of an operation may use the library", function()
    local near, far = net.pair()
    local finalized = 0
    local function litter()
        for _ = 1, 20 do
            setmetatable({}, { __gc = function()
                finalized = finalized + 1
                coroutine.wrap(function() system.suspend() end)()
                local socket <close> = system.socket("stream", "ipv4")
                assert(socket:getaddress())
                coroutine.wrap(pcall)(near.write, near, "x")
            end })
        end
    end
    local count = 0
    tasks.spawn(function()
        for _ = 1, 200 do
            litter()
            collectgarbage("step")
            count = count + assert(far:read(memory.create(16)))
        end
        near:close()
    end)
    tasks.spawn(function()
        for _ = 1, 400 do
            litter()
            local done = pcall(near.write, near, "y")
            if not done then return end
        end
    end)
    tasks.run()
    ok(finalized > 0 and count >= 200)
    far:close()
    collect()
    tasks.run()
end)

suite.finish()
