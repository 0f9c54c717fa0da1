-- Memory runs out (design/style.md 6): the n-th request of the Lua state fails, n = 1, 2, 3… After
-- each failure descriptors, records and anchors are where they were, and the next run works.

local suite = require("support.suite").strict()
local system = require "coutil.system"
local memory = require "memory"
local net = require "support.net"
local exhaust = require "support.exhaustion"

local case, ok = suite.case, suite.ok

local function plainly(body)
    assert(coroutine.resume(coroutine.create(body)))
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
    ok(count > 3)
end)

-- The anchors are in a table that doubles: the next place after these makes it grow.
case("more waits than there are places for, so that the tables grow", function()
    for _, places in ipairs { 1024, 2048, 4096 } do
        local count = exhaust(function(start)
            start(function() system.suspend(1000) end)
        end, function(start)
            for _ = 1, places do start(function() system.suspend(1000) end) end
        end)
        ok(count > 5, count)
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

suite.finish()
