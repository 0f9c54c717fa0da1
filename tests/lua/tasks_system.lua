-- Tasks with sockets, timers, files, names, signals and children of their own, which go from thread
-- to thread by plain yields while reads, writes and timers are pending (Appendix A 8): nothing is
-- lost, done twice, or left in a ring.

local suite = require("support.suite").strict()
local threads = require "coutil.threads"
local channels = require "coutil.channel"
local system = require "coutil.system"
local native = require "native"
local pools = require "support.pools"
local tasks = require "support.tasks"
local child = require "support.child"

local case, equal, same, ok = suite.case, suite.equal, suite.same, suite.ok

do
    local pool <close> = threads.create(1)
    pools.add(pool, "yield('warm', 'out')")
    pools.receive "warm"
    coroutine.close(tasks.spawn(system.awaitsig, "userdef1"))
end

-- For chunks: both ends of a connection, coroutines whose errors are told, and rounds on one thread
-- after the other.
local moving <const> = [[
    fresh()
    local string, table = require "string", require "table"
    local memory = require "memory"
    local going = 0
    local function go(body, ...)
        going = going + 1
        local done, problem = coroutine.resume(coroutine.create(function(...)
            local done, problem = pcall(body, ...)
            going = done and going - 1 or error(problem, 0)
        end), ...)
        assert(done, problem)
    end
    -- Runs the rounds of all coroutines; after each the task yields.
    local function move(mode)
        while going > 0 do
            system.run(mode or "ready")
            yield()
        end
    end
    local function pair(domain)
        local listener <close> = assert(system.socket("passive", domain))
        assert(listener:bind(domain == "ipv4" and system.address("ipv4", "127.0.0.1", 0) or
                             "\0coring-tasks-" .. tostring(listener)))
        assert(listener:listen(1))
        local near, far = assert(system.socket("stream", domain))
        go(function() assert(near:connect(assert(listener:getaddress()))) end)
        go(function() far = assert(listener:accept()) end)
        move()
        return near, far
    end
    -- Bytes of which each tells its place.
    local function pattern(size)
        local words = {}
        for at = 1, size // 8 do words[at] = string.format("%08x", at * 2654435761 & 0xffffffff) end
        return table.concat(words)
    end
]]

local function report(pool, count)
    for _ = 1, count do
        local done, problem = pools.receive "report"
        ok(done, problem)
    end
    ok(pool)
end

-- Runs the body, text, in `count` tasks of a pool; each must come to its end.
local function travel(count, body, ...)
    local pool <close> = threads.create(3)
    for _ = 1, count do
        pools.add(pool, moving .. "local function body(...)\n" .. body .. [[
            end
            local done, problem = pcall(body, ...)
            yield("report", "out", done, problem)
        ]], ...)
    end
    report(pool, count)
end

for _, domain in ipairs { "ipv4", "local" } do
    case("streams of domain " .. domain .. " lose no byte on their way through threads", function()
        travel(4, [[
            local near, far = pair(...)
            local text = pattern(3 << 20)
            local got = {}
            local ticks = 0
            go(function()
                for first = 1, #text, 1 << 19 do
                    assert(near:write(text, first, first + (1 << 19) - 1))
                end
                assert(near:shutdown())
            end)
            go(function()
                local buffer = memory.create(100000)
                while true do
                    local count, problem = far:read(buffer)
                    if not count then
                        assert(problem == "end of file", problem)
                        return
                    end
                    got[#got + 1] = buffer:tostring(1, count)
                end
            end)
            go(function()
                for _ = 1, 20 do
                    system.suspend(0.001)
                    ticks = ticks + 1
                end
            end)
            move()
            assert(table.concat(got) == text)
            assert(ticks == 20)
            near:close()
            far:close()
        ]], domain)
    end)
end

case("an abandoned write goes on from thread to thread", function()
    travel(3, [[
        local near, far = pair "ipv4"
        local text = pattern(8 << 20)
        local writer = coroutine.create(function() near:write(text) end)
        coroutine.resume(writer)
        system.run "ready"
        yield()
        coroutine.resume(writer) -- leaves
        local size, buffer = 0, memory.create(1 << 16)
        go(function()
            while size < #text do
                local count = assert(far:read(buffer))
                assert(buffer:tostring(1, count) == string.sub(text, size + 1, size + count))
                size = size + count
            end
        end)
        move()
        near:close()
        far:close()
    ]])
end)

case("a read waits while its task is anywhere, and is served wherever it is then", function()
    travel(4, [[
        local near, far = pair "ipv4"
        local buffer, count = memory.create(64)
        go(function()
            for round = 1, 50 do
                count = nil
                count = assert(far:read(buffer))
                assert(buffer:tostring(1, count) == "round " .. round)
            end
        end)
        for round = 1, 50 do
            for _ = 1, 3 do system.run "ready" yield() end
            assert(count == nil or round > 1)
            go(function() assert(near:write("round " .. round)) end)
            while going > 1 do system.run "step" yield() end
            if round == 50 then move() end
        end
        near:close()
        far:close()
    ]])
end)

case("objects close on another thread than they were used on", function()
    travel(4, [[
        for _ = 1, 20 do
            local near, far = pair "ipv4"
            local results
            coroutine.wrap(function() results = { far:read(memory.create(8)) } end)()
            system.run "ready"
            yield()
            assert(far:close())
            assert(results[1] == false and results[2] == "closed")
            yield()
            near:close()
            assert(system.run() == false)
        end
    ]])
end)

case("coroutines leave their waits on another thread than they began them on", function()
    travel(4, [[
        local near, far = pair "ipv4"
        local buffer = memory.create(8)
        for _ = 1, 20 do
            local reader = coroutine.create(function() return far:read(buffer) end)
            coroutine.resume(reader)
            local sleeper = coroutine.create(system.suspend)
            coroutine.resume(sleeper, 100)
            system.run "ready"
            yield()
            assert(select(2, coroutine.resume(reader, "left")) == "left")
            assert(coroutine.close(sleeper))
            assert(system.run "ready" == false)
        end
        near:close()
        far:close()
    ]])
end)

case("timers expire in their order, and zero suspensions go round", function()
    travel(6, [[
        local order, rounds = {}, 0
        for at = 10, 1, -1 do
            go(function()
                system.suspend(at / 500)
                order[#order + 1] = at
            end)
        end
        go(function()
            for _ = 1, 100 do
                system.suspend()
                rounds = rounds + 1
            end
        end)
        move()
        assert(rounds == 100)
        for at = 1, 10 do assert(order[at] == at) end
    ]])
end)

case("work on files and names comes back to wherever the task is", function()
    local path = os.tmpname()
    local file = assert(io.open(path, "w"))
    file:write(string.rep("0123456789abcdef", 1 << 16))
    file:close()
    travel(4, [[
        local path = ...
        for round = 1, 4 do
            go(function()
                local file = assert(system.openfile(path, "r"))
                local buffer, size = memory.create(40000), 0
                while true do
                    local count = assert(file:read(buffer))
                    if count == 0 then break end
                    size = size + count
                end
                assert(size == 1 << 20)
                assert(file:read(buffer, 1, 16, 16 * round) == 16)
                assert(buffer:tostring(1, 16) == "0123456789abcdef")
                file:close()
            end)
            go(function() assert(system.findaddr("localhost", 80, "s4")) end)
            go(function() assert(system.random(memory.create(4096))) end)
        end
        move()
    ]], path)
    os.remove(path)
end)

case("children and signals are awaited from wherever the task is", function()
    local pool <close> = threads.create(3)
    for _ = 1, 4 do
        pools.add(pool, moving .. [[
            local done, problem = pcall(function()
                local signal
                go(function() signal = assert(system.awaitsig "userdef1") end)
                go(function()
                    local how, code = system.execute("sh", "-c", "exit 5")
                    assert(how == "exit" and code == 5)
                end)
                while going > 1 do system.run "ready" yield() end
                yield("ready", "out")
                move()
                assert(signal == "userdef1")
            end)
            yield("report", "out", done, problem)
        ]])
    end
    for _ = 1, 4 do pools.receive "ready" end
    assert(system.emitsig(native.getpid(), "userdef1"))
    report(pool, 4)
end)

case("tasks sleep in run on their threads, each in its own loop", function()
    local pool <close> = threads.create(4)
    for index = 1, 8 do
        pools.add(pool, moving .. [[
            local near, far = pair "ipv4"
            local buffer = memory.create(64)
            coroutine.wrap(function()
                for _ = 1, 100 do
                    assert(far:write(buffer, 1, assert(far:read(buffer))))
                end
            end)()
            coroutine.wrap(function()
                local buffer = memory.create(64)
                for round = 1, 100 do
                    assert(near:write("ping" .. round))
                    assert(buffer:tostring(1, assert(near:read(buffer))) == "ping" .. round)
                end
            end)()
            assert(system.run() == false)
            near:close()
            far:close()
            yield("report", "out", true, ...)
        ]], index)
    end
    report(pool, 8)
end)

case("a state that ends takes back what it has pending, in a ring and out of it", function()
    local _, before = native.descriptors()
    local pool = threads.create(2)
    for at = 1, 10 do
        pools.add(pool, moving .. [[
            local near, far = pair "ipv4"
            local buffer = memory.create(8)
            coroutine.wrap(function() far:read(buffer) end)()
            coroutine.wrap(function() near:write(pattern(4 << 20)) end)()
            coroutine.wrap(function() system.suspend(100) end)()
            coroutine.wrap(function() system.execute("true") end)()
            if ... % 2 == 0 then
                system.run "ready"
            else
                coroutine.wrap(function() error "the end of the coroutine" end)
            end
            if ... % 3 == 0 then yield() end
            if ... % 5 == 0 then error "the end of the task" end
        ]], at)
    end
    pool:close()
    equal((select(2, native.descriptors())), before)
end)

case("suspended in run, a task has sockets that close with it", function()
    local output = child.expect(child.prelude .. [[
        local threads = require "coutil.threads"
        local pools = require "support.pools"
        local pool = threads.create(1)
        pools.add(pool, "fresh() local c = channel.create 'c'" ..
            "local s = system.socket('datagram', 'ipv4')" ..
            "s:bind(system.address('ipv4', '127.0.0.1', 0))" ..
            "coroutine.wrap(function() system.awaitch(c, 'in') end)() system.run()")
        pools.await(pool, "s", "1")
        pool:resize(0)
        print(pool:close())
    ]])
    equal(output, "true\n")
end)

case("rings are as many as threads, and end with them", function()
    if system.engine() == "epoll" then suite.skip "there are no rings" end
    local _, _, before = native.descriptors()
    local pool = threads.create(3)
    for _ = 1, 30 do
        pools.add(pool, moving .. [[
            for _ = 1, 20 do
                go(function() system.suspend(0.0005) end)
                move()
            end
        ]])
    end
    local most = 0
    repeat
        local _, _, rings = native.descriptors()
        most = math.max(most, rings)
    until pool:count("n") == 0
    ok(most > before and most <= before + 3, most)
    pool:close()
    local _, _, after = native.descriptors()
    equal(after, before)
end)

case("a state coroutine goes from worker to worker with its waits", function()
    local coroutines = require "coutil.coroutine"
    local co <close> = assert(coroutines.load(pools.prelude .. moving .. [[
        local near, far = pair "ipv4"
        local buffer, count = memory.create(8)
        go(function() count = assert(far:read(buffer)) end)
        for _ = 1, 20 do
            system.run "ready"
            yield(count)
        end
        go(function() assert(near:write "x") end)
        move()
        near:close()
        far:close()
        return count
    ]]))
    local result
    repeat
        local results = { tasks.await(system.resume, co) }
        ok(results[1], results[2])
        result = results[2]
    until coroutines.status(co) == "dead"
    equal(result, 1)
    same(channels.getnames(), {})
end)

suite.finish()
