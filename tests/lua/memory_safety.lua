-- What the kernel may touch and when (behaviour 1.4, 5.4, defect D5): nothing is written into a
-- memory after its coroutine was resumed, and the bytes of a write are those of the call, whatever
-- becomes of the memory, its coroutine and its socket.

local suite = require("support.suite").strict()
local system = require "coutil.system"
local memory = require "memory"
local net = require "support.net"
local tasks = require "support.tasks"

local case, equal, ok = suite.case, suite.equal, suite.ok

local quiet <const> = "#"

-- Both kinds of memory with these bytes.
local makers <const> = { memory.create, net.resizable }

-- Runs rounds while the peer's bytes come in.
local function settle()
    tasks.rounds(5)
    system.suspend(0.002, "~")
    tasks.rounds(5)
end

-- Reading ----------------------------------------------------------------------------------------

case("nothing is written into a memory after its coroutine was resumed explicitly", function()
    for _, make in ipairs(makers) do
        for rounds = 0, 2 do
            for _, leave in ipairs { coroutine.resume, coroutine.close } do
                local near, far = net.pair()
                local buffer = make(string.rep("\0", 4096))
                local reader = tasks.spawn(function() far:read(buffer) end)
                tasks.rounds(rounds)
                leave(reader)
                buffer:fill(quiet)
                tasks.await(function() return near:write(string.rep("x", 4096)) end)
                settle()
                equal(buffer:tostring(), string.rep(quiet, 4096))
                -- The bytes are there for who asks.
                equal(#tasks.await(function() return net.read_all(far, 4096) end), 4096)
                net.close(near, far)
            end
        end
    end
end)

case("nothing is written into a memory after the object was closed", function()
    local near, far = net.pair()
    local buffer = memory.create(string.rep("\0", 4096))
    tasks.spawn(function() equal(far:read(buffer), false) end)
    tasks.rounds(2)
    far:close()
    buffer:fill(quiet)
    tasks.await(function() return near:write("x") end)
    settle()
    equal(buffer:tostring(), string.rep(quiet, 4096))
    near:close()
end)

case("nothing is written behind the count that read returned", function()
    local near, far = net.pair()
    local buffer = memory.create(string.rep(quiet, 4096))
    tasks.spawn(function()
        equal(far:read(buffer, 11, 20), 5)
        equal(buffer:tostring(), string.rep(quiet, 10) .. "hello" .. string.rep(quiet, 4081))
        system.suspend(0.005)
        equal(buffer:tostring(16), string.rep(quiet, 4081))
    end)
    tasks.spawn(function()
        assert(near:write("hello"))
        system.suspend(0.001)
        assert(near:write("world"))
    end)
    tasks.run()
    net.close(near, far)
end)

case("a memory may be resized and collected around while a read waits", function()
    local near, far = net.pair()
    local expected = net.text(200000)
    local received = {}
    tasks.spawn(function()
        local buffer = memory.create()
        buffer:resize(4096)
        local size = 0
        local over = false
        tasks.spawn(function()
            local step = 0
            while not over do
                step = step + 1
                buffer:resize(step % 7 == 0 and 1 or step * 131 % 8192 + 1)
                collectgarbage("step")
                system.suspend()
            end
        end)
        while size < #expected do
            local count = assert(far:read(buffer))
            received[#received + 1] = buffer:tostring(1, count)
            size = size + count
        end
        over = true
    end)
    tasks.spawn(function()
        for start = 1, #expected, 1777 do
            assert(near:write(expected, start, math.min(start + 1776, #expected)))
            system.suspend()
        end
    end)
    tasks.run()
    ok(table.concat(received) == expected)
    net.close(near, far)
end)

-- Writing ----------------------------------------------------------------------------------------

-- Writes what `make` gives in various circumstances, spoils it right after the call, and expects
-- that the peer gets the bytes of the call.
local function spoiled_write(make, size, start, spoil, leave)
    local near, far = net.pair(nil, size > 65536)
    local expected = net.text(size)
    start(function()
        local data = make(expected)
        local writer = tasks.spawn(function() near:write(data) end)
        if spoil then spoil(data) end
        if leave then
            if coroutine.status(writer) == "suspended" then leave(writer) end
            if memory.type(data) then
                data:fill(quiet)
                if memory.type(data) == "resizable" then data:resize(1) end
            end
        end
        data = nil -- luacheck: ignore 311
        collectgarbage()
    end)
    local got
    tasks.spawn(function() got = net.read_all(far, size) end)
    tasks.run()
    ok(got == expected, "other bytes arrived")
    net.close(near, far)
end

local function overwrite(data)
    data:fill(quiet)
end

local function shrink(data)
    data:fill(quiet)
    data:resize(1)
end

local function grow(data)
    data:fill(quiet)
    data:resize(#data * 10, "?")
end

case("a small memory may change right after the call of write", function()
    for _, start in ipairs { tasks.spawn, tasks.spawn_busy } do
        for _, size in ipairs { 1, 100, 1024, 4095, 4096 } do
            spoiled_write(memory.create, size, start, overwrite)
            spoiled_write(net.resizable, size, start, overwrite)
            spoiled_write(net.resizable, size, start, shrink)
            spoiled_write(net.resizable, size, start, grow)
        end
    end
end)

case("a resizable memory of any size may change right after the call", function()
    for _, start in ipairs { tasks.spawn, tasks.spawn_busy } do
        for _, size in ipairs { 4097, 65536, 1000000, net.plenty } do
            for _, spoil in ipairs { overwrite, shrink, grow } do
                spoiled_write(net.resizable, size, start, spoil)
            end
        end
    end
end)

case("what the kernel took of a fixed memory at the call does not change", function()
    for _, start in ipairs { tasks.spawn, tasks.spawn_busy } do
        spoiled_write(memory.create, 5000, start, overwrite)
        spoiled_write(memory.create, 30000, start, overwrite)
    end
end)

case("abandoned writes arrive complete whatever becomes of their bytes", function()
    for _, make in ipairs { tostring, memory.create, net.resizable } do
        for _, start in ipairs { tasks.spawn, tasks.spawn_busy } do
            for _, leave in ipairs { coroutine.resume, coroutine.close } do
                for _, size in ipairs { 10, 5000, 200000, net.plenty } do
                    spoiled_write(make, size, start, nil, leave)
                end
            end
        end
    end
end)

case("abandoned writes arrive in the order of their calls, before later ones", function()
    for _, start in ipairs { tasks.spawn, tasks.spawn_busy } do
        local near, far = net.pair(nil, true)
        local expected = {}
        start(function()
            for index = 1, 30 do
                local text = string.rep(string.char(64 + index), index % 4 == 0 and 200000 or 700)
                expected[index] = text
                local data = ({ tostring, memory.create, net.resizable })[index % 3 + 1](text)
                local writer = tasks.spawn(function() near:write(data) end)
                if index % 5 ~= 0 and coroutine.status(writer) == "suspended" then
                    coroutine.resume(writer)
                    if memory.type(data) then data:fill(quiet) end
                end
            end
            near:shutdown()
        end)
        local got
        tasks.spawn(function() got = net.read_all(far) end)
        tasks.run()
        ok(got == table.concat(expected))
        net.close(near, far)
    end
end)

case("a write that waits behind others keeps the bytes of its call", function()
    local near, far = net.pair(nil, true)
    local first = net.text(net.plenty)
    local parts = { memory.create("fixed memory "), net.resizable("resizable memory "), "string" }
    tasks.spawn(function() equal(near:write(first), true) end)
    for _, data in ipairs(parts) do
        tasks.spawn(function() equal(near:write(data), true) end)
    end
    parts[1]:fill(quiet)
    parts[2]:fill(quiet)
    parts[2]:resize(0)
    tasks.spawn(function()
        local rest = "fixed memory resizable memory string"
        local text = net.read_all(far, #first + #rest)
        equal(string.sub(text, #first + 1), rest)
    end)
    tasks.run()
    net.close(near, far)
end)

case("one memory may be written and read into at the same time", function()
    local near, far = net.pair()
    local shared = memory.create("0123456789")
    tasks.spawn(function() equal(near:write(shared), true) end)
    tasks.spawn(function()
        equal(far:read(shared, 6), 5)
        equal(shared:tostring(), "0123401234")
        equal(net.read_all(far, 5), "56789")
    end)
    tasks.run()
    net.close(near, far)
end)

suite.finish()
