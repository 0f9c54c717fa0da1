-- The life of an await (src/op/operation.hpp): every arrow between its states, for each await
-- function that can walk it, on whatever engine runs. The numbers are those of operation.hpp; the
-- last case counts that all were walked. That nothing is left behind is checked after each case.

local suite = require("support.suite").strict()
local system = require "coutil.system"
local memory = require "memory"
local native = require "native"
local net = require "support.net"
local tasks = require "support.tasks"
local child = require "support.child"

local case, equal, same, ok = suite.case, suite.equal, suite.same, suite.ok

local engine <const> = system.engine()
local walked <const> = {}

-- A case that walks these arrows.
local function walk(arrows, name, body)
    case(name, function()
        body()
        for _, arrow in ipairs(arrows) do walked[arrow] = true end
    end)
end

local function going_on()
    return system.engine("counters").goingon
end

-- Also those whose coroutine was closed in an unguarded wait, which is found out at their end.
local function unfinished()
    local counters = system.engine("counters")
    return counters.awaiting + counters.goingon
end

local canceled <const> = { false, "operation canceled", 125 }

-- Complete ---------------------------------------------------------------------------------------

walk({ 1, 2, 3, 5, 7 }, "read and accept wait in the kernel and are delivered", function()
    local near, far = net.pair()
    local listener, address = net.listener()
    local _ <close> = net.closing(near, far, listener)
    tasks.spawn(function() equal(far:read(memory.create(8)), 1) end)
    tasks.spawn(function() assert(listener:accept()):close() end)
    tasks.rounds(2)
    tasks.spawn(function() assert(near:write("x")) end)
    tasks.spawn(function() net.connect(address):close() end)
    tasks.run()
end)

walk({ 1, 2, 3, 5, 7 }, "timers and long writes are in flight until they are over", function()
    local near, far = net.pair(nil, true)
    local _ <close> = net.closing(near, far)
    tasks.spawn(function() equal(system.suspend(0.003), true) end)
    tasks.spawn(function() equal(near:write(string.rep("x", net.plenty)), true) end)
    tasks.rounds(2)
    tasks.spawn(function() equal(#net.read_all(far, net.plenty), net.plenty) end)
    tasks.run()
end)

walk({ 1, 4, 5, 7 }, "pauses, short writes and shutdowns are settled in the call", function()
    local near, far = net.pair()
    local _ <close> = net.closing(near, far)
    tasks.spawn(function() equal(system.suspend(), true) end)
    tasks.spawn(function() equal(near:write("x"), true) end)
    tasks.spawn(function() equal(near:shutdown(), true) end)
    tasks.run()
end)

walk({ 1, 2, 3, 4, 5, 7 }, "writes of a busy round are sent together", function()
    local near, far = net.pair()
    local _ <close> = net.closing(near, far)
    tasks.spawn_busy(function()
        for _, text in ipairs { "one ", "two ", "three" } do
            tasks.spawn(function() equal(near:write(text), true) end)
        end
        assert(near:shutdown())
    end)
    tasks.spawn(function() equal(net.read_all(far), "one two three") end)
    tasks.run()
end)

walk({ 1, 2, 3, 5, 7 }, "a connection is in flight until its outcome is known", function()
    local listener <close>, address = net.listener()
    local stream <close> = assert(system.socket("stream", net.default))
    tasks.spawn(function() equal(stream:connect(address), true) end)
    tasks.run()
    ok(listener)
end)

-- Nothing found ----------------------------------------------------------------------------------

-- Two coroutines become ready in the same round; whoever is served first takes the other's share.
walk({ 6 }, "a read whose bytes somebody else took waits again", function()
    local pairs_of = {}
    local resumed, got = 0, {}
    for index = 1, 2 do
        local near, far, _, there = net.pair()
        pairs_of[index] = { near = near, far = far, there = there }
        tasks.spawn(function()
            local buffer = memory.create(100)
            local count = assert(far:read(buffer))
            got[index] = buffer:tostring(1, count)
            resumed = resumed + 1
            if resumed == 1 then
                equal(native.recv(pairs_of[3 - index].there), "stolen")
            end
        end)
    end
    tasks.rounds(2)
    for index = 1, 2 do
        tasks.spawn(function() assert(pairs_of[index].near:write("stolen")) end)
    end
    tasks.until_true(function() return resumed == 1 end)
    tasks.rounds(5)
    equal(resumed, 1)
    for index = 1, 2 do
        if got[index] == nil then
            tasks.spawn(function() assert(pairs_of[index].near:write("for real")) end)
        end
    end
    tasks.run()
    for index = 1, 2 do
        ok(got[index] == "stolen" or got[index] == "for real")
        net.close(pairs_of[index].near, pairs_of[index].far)
    end
    ok(got[1] ~= got[2])
end)

walk({ 6 }, "an accept whose connection somebody else took waits again", function()
    local fds, listeners, addresses = {}, {}, {}
    local resumed, streams = 0, {}
    for index = 1, 2 do
        fds[index], listeners[index], addresses[index] = net.fd_of(net.listener)
        tasks.spawn(function()
            streams[index] = assert(listeners[index]:accept())
            resumed = resumed + 1
            if resumed == 1 then
                native.close(assert(native.accept(fds[3 - index])))
            end
        end)
    end
    tasks.rounds(2)
    local clients = {}
    for index = 1, 2 do
        tasks.spawn(function() clients[index] = net.connect(addresses[index]) end)
    end
    tasks.until_true(function() return resumed == 1 and clients[1] and clients[2] end)
    tasks.rounds(5)
    equal(resumed, 1)
    for index = 1, 2 do
        if streams[index] == nil then
            tasks.spawn(function() net.connect(addresses[index]):close() end)
        end
    end
    tasks.run()
    equal(resumed, 2)
    for index = 1, 2 do net.close(streams[index], clients[index], listeners[index]) end
end)

walk({ 6 }, "step goes on waiting when what it found was gone", function()
    local near, far, _, there = net.pair()
    local _ <close> = net.closing(near, far)
    local count
    tasks.spawn(function() count = far:read(memory.create(8)) end)
    tasks.rounds(2)
    -- The byte makes the wait complete; another process has it before the coroutine is resumed.
    tasks.spawn(function()
        assert(near:write("x"))
        native.recv(there)
    end)
    tasks.rounds(3)
    tasks.spawn(function()
        system.suspend(0.002)
        if count == nil then assert(near:write("yz")) end
    end)
    tasks.run()
    ok(count == 1 or count == 2, count)
end)

-- Leaving ----------------------------------------------------------------------------------------

walk({ 8 }, "leaving a read or an accept before it was submitted", function()
    local near, far = net.pair()
    local listener = net.listener()
    local _ <close> = net.closing(near, far, listener)
    for _, leave in ipairs { coroutine.resume, coroutine.close } do
        leave(tasks.spawn(function() far:read(memory.create(8)) end))
        leave(tasks.spawn(function() listener:accept() end))
        equal(system.run("ready"), false)
    end
end)

walk({ 9 }, "leaving a read, an accept or a timer in flight", function()
    local near, far = net.pair()
    local listener = net.listener()
    local _ <close> = net.closing(near, far, listener)
    for _, leave in ipairs { coroutine.resume, coroutine.close } do
        local waiting = {
            tasks.spawn(function() far:read(memory.create(8)) end),
            tasks.spawn(function() listener:accept() end),
            tasks.spawn(function() system.suspend(100) end),
        }
        tasks.rounds(2)
        for _, task in ipairs(waiting) do leave(task) end
        equal(system.run("ready"), false)
    end
end)

-- All of them are ready when the first is served, which makes the others leave.
walk({ 10 }, "leaving when the result is ready and not delivered yet", function()
    for _, leave in ipairs { coroutine.resume, coroutine.close } do
        local near, far = net.pair()
        local listener, address = net.listener()
        local client = net.connect(address)
        local _ <close> = net.closing(near, far, listener, client)
        tasks.await(function() return near:write("x") end)
        tasks.await(function() return far:write("x") end)
        local waiting = {}
        local served = 0
        local function wait(body)
            waiting[#waiting + 1] = tasks.spawn(function()
                local result = body()
                if result ~= nil then -- not resumed by us
                    served = served + 1
                    for _, task in ipairs(waiting) do
                        if coroutine.status(task) == "suspended" then leave(task) end
                    end
                end
                if type(result) == "userdata" then result:close() end
            end)
        end
        wait(function() return far:read(memory.create(8)) end)
        wait(function() return near:read(memory.create(8)) end)
        wait(function() return listener:accept() end)
        tasks.run()
        equal(served, 1)
        wait(function() return near:write("x") end)
        wait(system.suspend)
        wait(function() return far:write("x") end)
        tasks.run()
        equal(served, 2)
    end
end)

walk({ 11, 13, 15 }, "leaving a write before it was submitted", function()
    for _, make in ipairs { tostring, memory.create, net.resizable } do
        local near, far = net.pair()
        local _ <close> = net.closing(near, far)
        tasks.spawn_busy(function()
            coroutine.resume(tasks.spawn(function() near:write(make("first ")) end))
            equal(going_on(), 1)
            local before = unfinished()
            coroutine.close(tasks.spawn(function() near:write(make("second ")) end))
            equal(unfinished(), before + 1)
        end)
        tasks.run()
        equal(tasks.await(function() return net.read_all(far, 13) end), "first second ")
    end
end)

walk({ 12, 15 }, "leaving a connection in flight", function()
    local listener <close>, address = net.listener()
    for _, leave in ipairs { coroutine.resume, coroutine.close } do
        local stream <close> = assert(system.socket("stream", net.default))
        leave(tasks.spawn(function() stream:connect(address) end))
        equal(going_on(), net.is_local and 0 or 1) -- those are connected in the call
        tasks.run()
        ok(stream:getaddress("peer") == address)
    end
    ok(listener)
    local nobody <const>, full = net.unanswered()
    local _ <close> = full
    for _, leave in ipairs { coroutine.resume, coroutine.close } do
        local stream <close> = assert(system.socket("stream", "ipv4"))
        local task = tasks.spawn(function() stream:connect(nobody) end)
        tasks.rounds(2)
        leave(task)
        equal(going_on(), 1)
        stream:close()
        equal(going_on(), 0)
    end
end)

walk(engine == "epoll" and { 11, 13, 15, 16, 17 } or { 11, 13, 15, 17 },
     "leaving a write in flight", function()
    for _, leave in ipairs { coroutine.resume, coroutine.close } do
        for _, make in ipairs { tostring, memory.create, net.resizable } do
            local near, far = net.pair(nil, true)
            local text = net.text(net.plenty)
            local task = tasks.spawn(function() near:write(make(text)) end)
            tasks.rounds(2)
            leave(task)
            equal(unfinished(), 1)
            tasks.spawn(function() ok(net.read_all(far, #text) == text) end)
            tasks.run()
            net.close(near, far)
        end
    end
end)

walk({ 11, 13, 15 }, "leaving writes and a shutdown that are behind another write", function()
    local near, far = net.pair(nil, true)
    local _ <close> = net.closing(near, far)
    local text = net.text(net.plenty)
    local waiting = {}
    for index, piece in ipairs { text, "second", memory.create("third"), "" } do
        waiting[index] = tasks.spawn(function() near:write(piece) end)
    end
    waiting[5] = tasks.spawn(function() near:shutdown() end)
    for _, task in ipairs(waiting) do coroutine.resume(task) end
    tasks.spawn(function() ok(net.read_all(far) == text .. "secondthird") end)
    tasks.run()
end)

walk({ 14 }, "abandoned writes whose stream is closed end with it", function()
    local near, far = net.pair(nil, true)
    local _ <close> = net.closing(far)
    for _ = 1, 3 do
        local task = tasks.spawn(function() near:write(string.rep("x", net.plenty)) end)
        tasks.rounds(2)
        coroutine.resume(task)
    end
    equal(going_on(), 3)
    near:close()
    equal(going_on(), 0)
end)

walk({ 18 }, "a coroutine that cannot be resumed for lack of C stack still waits", function()
    local near, far = net.pair()
    local _ <close> = net.closing(near, far)
    tasks.await(function() return near:write("x") end)
    local resumed = 0
    tasks.spawn(function()
        system.suspend()
        resumed = resumed + 1
    end)
    tasks.spawn(function()
        equal(far:read(memory.create(8)), 1)
        resumed = resumed + 1
    end)
    local refused = 0
    local function nest(depth)
        return coroutine.resume(coroutine.create(function()
            if depth == 0 then
                local done, problem = pcall(system.run)
                if not done and string.find(problem, "C stack overflow", 1, true) then
                    refused = refused + 1
                end
                return
            end
            return nest(depth - 1)
        end))
    end
    for depth = 205, 180, -1 do nest(depth) end
    tasks.run()
    equal(resumed, 2)
    ok(refused > 0, "the C stack did not run out")
end)

-- Closing the object -----------------------------------------------------------------------------

walk({ 4, 7 }, "another coroutine closes what was not submitted yet", function()
    local near, far = net.pair()
    local listener = net.listener()
    tasks.spawn(function() same({ far:read(memory.create(8)) }, { false, "closed" }) end)
    tasks.spawn(function() same({ listener:accept() }, { false, "closed" }) end)
    net.close(near, far, listener)
    equal(system.run("ready"), false)
    tasks.check()
end)

walk({ 3, 7 }, "another coroutine closes what is in flight", function()
    local near, far = net.pair(nil, true)
    local idle, reading = net.pair()
    local listener = net.listener()
    local stream = assert(system.socket("stream", "ipv4"))
    local address <const>, full = net.unanswered()
    local _ <close> = full
    tasks.spawn(function() same({ reading:read(memory.create(8)) }, { false, "closed" }) end)
    tasks.spawn(function() same({ listener:accept() }, { false, "closed" }) end)
    tasks.spawn(function() same({ near:write(string.rep("x", net.plenty)) }, canceled) end)
    tasks.rounds(2)
    tasks.spawn(function() same({ stream:connect(address) }, canceled) end)
    tasks.spawn(function()
        system.suspend()
        near:close()
        stream:close()
        listener:close()
    end)
    tasks.rounds(1)
    reading:close()
    tasks.run()
    net.close(idle, far)
end)

walk({ 10 }, "another coroutine closes what is ready", function()
    local near, far = net.pair()
    tasks.await(function() return near:write("x") end)
    tasks.await(function() return far:write("x") end)
    local answers = {}
    for _, ends in ipairs { { near, far }, { far, near } } do
        tasks.spawn(function()
            local answer = { ends[1]:read(memory.create(8)) }
            answers[#answers + 1] = answer
            if #answers == 1 then ends[2]:close() end
        end)
    end
    tasks.run()
    -- Whoever is served first closes the other, which hears of it inside that call.
    same(answers, { { 1 }, { false, "closed" } })
    net.close(near, far)
end)

-- Errors -----------------------------------------------------------------------------------------

walk({ 7 }, "an error right after the result leaves nothing behind", function()
    local near, far = net.pair()
    local listener, address = net.listener()
    local _ <close> = net.closing(near, far, listener)
    for _, body in ipairs {
        function() far:read(memory.create(8)) end,
        function() near:write("x") end,
        function() listener:accept():close() end,
        function() net.connect(address):close() end,
        function() near:shutdown() end,
        function() system.suspend() end,
        function() system.suspend(0.001) end,
    } do
        local task = coroutine.create(function()
            body()
            error("on purpose", 0)
        end)
        ok(coroutine.resume(task))
        if body then tasks.rounds(1) end
    end
    tasks.until_true(function() return not system.run("ready") end)
end)

-- The end of the state ---------------------------------------------------------------------------

case("a state that closes with everything in flight ends without a fault", function()
    local chunk = child.prelude .. [[
local prepared = {}
for rounds = 0, 2 do
    local near, far = net.pair(nil, true)
    prepared[rounds] = { near, far, (net.listener()), (net.listener()) }
end
for rounds = 0, 2 do
    local near, far, listener, address = table.unpack(prepared[rounds])
    address = address:getaddress()
    local stream = assert(system.socket("stream", net.default))
    local other = assert(system.socket("stream", net.default))
    local waiting = {}
    local function wait(body, ...)
        waiting[#waiting + 1] = coroutine.create(body)
        assert(coroutine.resume(waiting[#waiting], ...))
    end
    for _ = 1, 3 do
        wait(near.write, near, string.rep("x", net.plenty))
        wait(near.write, near, net.resizable(string.rep("x", net.plenty)))
    end
    coroutine.resume(waiting[1])
    coroutine.resume(waiting[4])
    wait(near.shutdown, near)
    wait(far.read, far, memory.create(8))
    wait(near.read, near, memory.create(8))
    wait(listener.accept, listener)
    wait(system.suspend, 100)
    wait(system.suspend)
    for _ = 1, rounds do system.run("ready") end
    wait(system.suspend, 0.0001)
    wait(stream.connect, stream, address)
    wait(other.connect, other, address)
    coroutine.resume(waiting[#waiting])
end
print("prepared")
]]
    equal(child.expect(chunk), "prepared\n")
    equal(child.expect(chunk .. "\nos.exit(0, true)"), "prepared\n")
end)

-- The account ------------------------------------------------------------------------------------

case("every arrow of operation.hpp was walked", function()
    -- A ring sends until all is sent: only a write of 2 GiB or more comes back for another turn.
    if engine == "uring" then walked[16] = true end
    local path = string.match(arg[0], "^.*/") or "./"
    local file = io.open(path .. "../../src/op/operation.hpp")
    if file == nil then suite.skip("the sources are not beside the tests") end
    local count = 0
    for line in file:lines() do
        for number in string.gmatch(string.match(line, "//([ %d,]+)$") or "", "%d+") do
            count = count + 1
            ok(walked[math.tointeger(number)], "arrow " .. number)
        end
    end
    file:close()
    equal(count, 18)
end)

suite.finish()
