-- Memory runs out (design/style.md 6): the n-th request of the Lua state fails, n = 1, 2, 3… After
-- each failure descriptors, records and anchors are where they were, and the next run works.
-- With another heap preloaded it is the n-th request of the engine itself.

local suite = require("support.suite").strict()
local system = require "coutil.system"
local memory = require "memory"
local net = require "support.net"
local paths = require "support.paths"
local native = require "native"
local exhaust = require "support.exhaustion"

local case, equal, ok = suite.case, suite.equal, suite.ok

local function plainly(body)
    assert(coroutine.resume(coroutine.create(body)))
end

-- Whether the scenario has met failures at all. The engine keeps what it once has, and asks seldom.
local function met(count, least, least_of_engine)
    ok(count > (native.failsheap() and least_of_engine or least), count .. " failures")
end

-- Ends what still waits, when half of a scenario failed.
local function bounded(rounds)
    for _ = 1, rounds do
        if not system.run("ready") then return end
        system.suspend(0.0001, "~")
    end
end

case("suspensions of all kinds", function()
    local count = exhaust(function(start)
        start = start or plainly
        for _, seconds in ipairs { 0, 0.0001, 0.0002 } do
            start(function()
                system.suspend(seconds)
                system.suspend()
            end)
        end
        bounded(20)
    end)
    met(count, 3, 0)
end)

-- The anchors are in a table that doubles: the next place after these makes it grow.
case("more waits than there are places for, so that the tables grow", function()
    for _, places in ipairs { 1024, 2048, 4096 } do
        local count = exhaust(function(start)
            start(function() system.suspend(1000) end)
        end, function(start)
            for _ = 1, places do start(function() system.suspend(1000) end) end
        end)
        met(count, 5, 1)
    end
end)

case("addresses and sockets", function()
    exhaust(function()
        local address = system.address("ipv4", "127.0.0.1", 0)
        address.literal = "127.0.0.1"
        ok(address.binary and tostring(address))
        for _, kind in ipairs { "stream", "passive" } do
            local socket <close> = assert(system.socket(kind, "ipv4"))
            assert(socket:bind(address))
            assert(socket:getaddress())
            ok(not socket:getaddress("peer"))
        end
    end)
end)

case("accept and connect", function()
    local listener, address = net.listener(nil, 4096) -- a failure may leave one pending
    exhaust(function(start)
        start = start or plainly
        local stream <close> = assert(system.socket("stream", "ipv4"))
        local accepted
        start(function() accepted = assert(listener:accept()) end)
        start(function() assert(stream:connect(address)) end)
        bounded(20)
        if accepted then accepted:close() end
    end)
    listener:close()
end)

case("read, write and shutdown of strings and memories", function()
    local listener, address = net.listener(nil, 4096)
    local data = { string.rep("x", 3000), memory.create(string.rep("y", 3000)),
                   net.resizable(string.rep("z", 3000)) }
    exhaust(function(start)
        start = start or plainly
        local near <close> = assert(system.socket("stream", "ipv4"))
        local far
        start(function() far = listener:accept() end)
        start(function() near:connect(address) end)
        bounded(20)
        if not far then return end
        local _ <close> = net.closing(far)
        start(function()
            local buffer = memory.create(16384)
            while far:read(buffer) do end
        end)
        for _, bytes in ipairs(data) do
            start(function() near:write(bytes) end)
        end
        start(function() near:write("left behind") end)
        start(function() near:shutdown() end)
        bounded(20)
    end)
    listener:close()
end)

-- From the first lookup on the engine keeps a descriptor for its workers.
plainly(function() system.findaddr("localhost") end)
system.run()

case("names", function()
    exhaust(function(start)
        start = start or plainly
        start(function()
            local found <close> = assert(system.findaddr("::1", 80))
            ok(found:next() and found:getaddress())
        end)
        start(function() assert(system.findaddr("localhost", 8080)) end)
        start(function() assert(system.nameaddr(80)) end)
        start(function() assert(system.nameaddr("::1")) end)
        for _ = 1, 2000 do
            if not system.run("ready") then break end
            system.suspend(0.0001, "~")
        end
    end)
end)

-- What the first wait for a signal opens is kept.
do
    local task <const> = coroutine.create(system.awaitsig)
    assert(coroutine.resume(task, "winresize"))
    assert(coroutine.close(task))
end

-- This signal does nothing to a process that does not wait for it.
case("waits for signals, which leave no handler behind", function()
    local process <const> = native.getpid()
    exhaust(function(start)
        start = start or plainly
        for _ = 1, 2 do
            start(function()
                system.awaitsig("winresize")
                system.awaitsig("winresize")
                system.suspend()
            end)
        end
        assert(system.emitsig(process, "winresize"))
        assert(system.emitsig(process, "winresize"))
        bounded(20)
    end)
    for line in io.lines("/proc/self/status") do
        local caught <const> = line:match("^SigCgt:%s*(%x+)")
        equal(caught and tonumber(caught, 16) >> 27 & 1 or 0, 0)
    end
end)

case("datagrams of strings, numbers and tables", function()
    exhaust(function(start)
        start = start or plainly
        local far <close> = assert(system.socket("datagram", "ipv4"))
        local near <close> = assert(system.socket("datagram", "ipv4"))
        assert(far:bind(net.loopback()))
        local address = assert(far:getaddress())
        start(function()
            local buffer, from = memory.create(100), system.address("ipv4")
            while far:read(buffer, 1, -1, from) do end
        end)
        for _, data in ipairs { "text", 12.5, { "a", 1, memory.create("b") } } do
            start(function() near:write(data, 1, -1, address) end)
        end
        bounded(5)
        assert(near:connect(address))
        start(function() near:write("left behind") end)
    end)
end)

case("options that are text", function()
    exhaust(function()
        local socket <close> = assert(system.socket("datagram", "ipv6"))
        assert(socket:setoption("mcastiface", "::%lo"))
        equal(socket:getoption("mcastiface"), "::%lo")
        ok(not socket:setoption("mcastjoin", 1, 2, 3))
        ok(not pcall(socket.setoption, socket, "unknown"))
    end)
end)

case("closing what coroutines wait on", function()
    exhaust(function(start)
        start = start or plainly
        local listener <close> = assert(system.socket("passive", "ipv4"))
        assert(listener:listen(1))
        start(function() listener:accept() end)
        bounded(2)
        listener:close()
        bounded(5)
    end)
end)

-- Runs until nobody waits: workers take their time.
local function all_done()
    repeat until not system.run("step")
end

case("calls on paths", function()
    local at <close> = paths.directory()
    local listed <close> = paths.directory() -- what failures leave behind is in the other one
    paths.write(at "file", "text")
    paths.write(listed "file", "text")
    local failures = exhaust(function(start)
        start = start or plainly
        for _, way in ipairs { "", "~" } do
            start(function()
                system.makedir(at "d", 448, way)
                system.removefile(at "d", "d" .. way)
            end)
            start(function()
                for name, kind in system.listdir(listed.path, way) do ok(name and kind) end
            end)
            start(function() system.fileinfo(at "file", way .. "?MBcp=@r") end)
            start(function() system.fileinfo(at "file", way .. "?MBc@r") end)
            start(function() ok(not pcall(system.fileinfo, at "none", way .. "M")) end)
            start(function()
                local path, file = system.maketemp(at "t", way .. "fo")
                if path then
                    file:grant("rw", way)
                    file:touch(way .. "b", 7)
                    file:info(way .. "?M")
                    file:close(way)
                    os.remove(path)
                end
            end)
        end
        all_done()
    end)
    met(failures, 50, 10)
end)

case("files: opening, reading, writing, copying", function()
    local at <close> = paths.directory()
    paths.write(at "source", ("x"):rep(10000))
    local failures = exhaust(function(start)
        start = start or plainly
        for _, way in ipairs { "", "~" } do
            start(function()
                local file <close> = assert(system.openfile(at "new", way .. "rwnt", "rw"))
                local source <close> = assert(system.openfile(at "source", way))
                file:write(12.5, 1, -1, nil, way)
                file:write("text", 1, -1, 100, way)
                file:write(memory.create(5000), 1, -1, nil, way)
                file:write(source, 1, 10000, nil, way)
                file:read(memory.create(20000), 1, -1, 0, way)
                file:resize(10, way)
                file:flush(way)
                file:close(way)
            end)
            start(function() ok(not system.openfile(at "none", way)) end)
        end
        all_done()
    end)
    met(failures, 20, 10)
end)

case("what is learned about the system, and the environment", function()
    local count = exhaust(function()
        system.procinfo("enThkvV$HUbfMr1lLct")
        for _ in assert(system.cpuinfo("mcunsdi")) do ok(true) end
        for _ in assert(system.netinfo("all", "nidlmtbTB")) do ok(true) end
        local packed = system.packenv({ A = "1", [2] = 3.5, long = string.rep("x", 5000) })
        ok(packed.A and system.unpackenv(packed) and system.getenv().PATH)
        ok(system.setenv("CORING_TEST_VARIABLE", string.rep("x", 5000)))
        ok(system.getenv("CORING_TEST_VARIABLE"))
        ok(system.getdir() and system.getpriority(0))
    end)
    met(count, 20, 1)
end)

-- What tells a loop of a worker's end is opened at the first call and kept.
coroutine.wrap(system.random)(memory.create(100000))
system.run()

case("random bytes, few and many", function()
    local few, many = memory.create(100), memory.create(100000)
    local count = exhaust(function(start)
        start = start or plainly
        local ended = 0
        for _, buffer in ipairs { few, many } do
            start(function()
                system.random(buffer)
                ended = ended + 1
            end)
        end
        ok(#system.random(many, 1, -1, "~") == #many)
        for _ = 1, 1000 do
            if ended == 2 or not system.run("ready") then return end
            system.suspend(0.0001, "~")
        end
    end)
    met(count, 3, 1)
end)

-- The first child makes the engine open what it keeps.
coroutine.wrap(system.execute)("/bin/true")
system.run()

case("children, in words and in tables, with streams; none is left", function()
    -- Children that were abandoned are reaped by another thread, in its own time.
    local function settle()
        repeat system.suspend(0.0001, "~") until native.childless()
        system.suspend(0.002, "~")
    end
    local count = exhaust(function(start)
        start = start or plainly
        local command = { execfile = "cat", stdin = "w", stdout = "rs", stderr = false,
                          arguments = { "-", 7 }, environment = { PATH = "/bin", [1] = 2 } }
        local done, problem = pcall(function()
            start(function()
                system.execute("/bin/true", "word", 7)
            end)
            start(function()
                system.execute(command)
            end)
        end)
        -- Nothing is allocated here: the failure may still be to come.
        if command.stdin ~= "w" then command.stdin:close() end
        if command.stdout ~= "rs" then command.stdout:close() end
        local ran, reason = pcall(system.run)
        settle()
        if not (done and ran) then error(problem or reason, 0) end
    end)
    met(count, 20, 5)
end)

suite.finish()
