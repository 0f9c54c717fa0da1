-- What local sockets fail with (behaviour 1.3 to 1.6, 7.3, 7.6, D29): nobody at the path, full
-- backlogs, two connects at once, peers that are gone, processes out of descriptors.

local suite = require("support.suite").strict()
local system = require "coutil.system"
local memory = require "memory"
local native = require "native"
local net = require "support.net"
local tasks = require "support.tasks"
local shortage = require "support.shortage"

local case, equal, same, ok = suite.case, suite.equal, suite.same, suite.ok

-- A case for each domain.
local function both(name, body)
    for _, domain in ipairs(net.local_domains) do
        case(name .. " (" .. domain .. ")", function()
            body(domain)
            tasks.run()
        end)
    end
end

local refused <const> = { false, "connection refused", 111 }
local missing <const> = { false, "no such file or directory", 2 }
local invalid <const> = { false, "invalid argument", 22 }
local connecting <const> = { false, "connection already in progress", 114 }
local is_connected <const> = { false, "socket is already connected", 106 }
local not_connected <const> = { false, "socket is not connected", 107 }
local broken_pipe <const> = { false, "broken pipe", 32 }
local too_many <const> = { false, "too many open files", 24 }

local function make(kind, domain)
    return assert(system.socket(kind, domain))
end

local function listening(domain, name, backlog)
    local passive = make("passive", domain)
    assert(passive:bind(name))
    assert(passive:listen(backlog or 16))
    return passive
end

-- Connects as a task and expects this after a yield.
local function connects(stream, name, expected)
    local results
    tasks.spawn(function() results = { stream:connect(name) } end)
    equal(results, nil, "connect has not yielded")
    tasks.run()
    same(results, expected)
end

-- Connecting -------------------------------------------------------------------------------------

both("connect tells why not after yielding, and may be tried again", function(domain)
    local path = net.path()
    local file, bound_only, stale = net.path(), net.path(), net.path()
    io.open(file, "w"):close()
    local idle <close> = make("passive", domain)
    assert(idle:bind(bound_only))
    local fd = native.socket("local", "stream")
    equal(native.bind(fd, stale, 1), 0)
    native.close(fd)
    local datagram_path = net.path()
    local datagram = native.socket("local", "datagram")
    equal(native.bind(datagram, datagram_path), 0)
    local stream <close> = make("stream", domain)
    for _ = 1, 2 do
        connects(stream, path, missing)
        connects(stream, path .. "/below", missing)
        connects(stream, file .. "/below", { false, "not a directory", 20 })
        connects(stream, file, refused)
        connects(stream, "/tmp", refused)
        connects(stream, bound_only, refused)
        connects(stream, stale, refused)
        connects(stream, net.abstract(), refused)
        connects(stream, datagram_path, { false, "protocol wrong type for socket", 91 })
        same({ coroutine.wrap(stream.write)(stream, "x") }, broken_pipe)
        same({ coroutine.wrap(stream.read)(stream, memory.create(1)) }, not_connected)
        same({ coroutine.wrap(stream.shutdown)(stream) }, not_connected)
        equal(stream:getaddress(), "")
        same({ stream:getaddress("peer") }, not_connected)
        same({ stream:bind(net.path()) }, invalid) -- it has a descriptor now
    end
    local passive <close> = listening(domain, path)
    connects(stream, path, { true })
    local far <close> = tasks.await(function() return passive:accept() end)
    tasks.await(function() return far:write("at last") end)
    equal(tasks.await(function() return net.read_all(stream, 7) end), "at last")
    for _, name in ipairs { path, net.path(), "" } do
        same({ coroutine.wrap(stream.connect)(stream, name) }, is_connected)
    end
    native.close(datagram)
    for _, name in ipairs { file, stale, datagram_path } do os.remove(name) end
end)

both("a stream bound before may fail and try again", function(domain)
    local own, path = net.path(), net.path()
    local stream <close> = make("stream", domain)
    assert(stream:bind(own))
    connects(stream, path, missing)
    local passive <close> = listening(domain, path)
    connects(stream, path, { true })
    local far <close> = tasks.await(function() return passive:accept() end)
    equal(far:getaddress("peer"), own)
end)

both("a full backlog is a failure, and room for one more is not", function(domain)
    local name = net.abstract()
    local passive <close> = listening(domain, name, 0)
    local first <close> = make("stream", domain)
    local second <close> = make("stream", domain)
    connects(first, name, { true })
    for _ = 1, 3 do
        connects(second, name, { false, "resource temporarily unavailable", 11 })
    end
    local far <close> = tasks.await(function() return passive:accept() end)
    connects(second, name, { true })
    local other <close> = tasks.await(function() return passive:accept() end)
    tasks.await(function() return second:write("second") end)
    equal(tasks.await(function() return net.read_all(other, 6) end), "second")
    ok(far)
end)

both("a second connect while the first is not told is in progress", function(domain)
    local name = net.abstract()
    local passive <close> = listening(domain, name)
    for _, where in ipairs { name, net.abstract() } do
        local stream <close> = make("stream", domain)
        local first, second
        tasks.spawn(function() first = { stream:connect(where) } end)
        tasks.spawn(function() second = { stream:connect(name) } end)
        same(second, connecting) -- at once
        equal(first, nil)
        tasks.run()
        same(first, where == name and { true } or refused)
        if where == name then
            same({ coroutine.wrap(stream.connect)(stream, name) }, is_connected)
        else
            connects(stream, name, { true })
        end
    end
    ok(passive)
end)

both("what is written before connect is told arrives", function(domain)
    local name = net.abstract()
    local passive <close> = listening(domain, name)
    local stream <close> = make("stream", domain)
    tasks.spawn(function() same({ stream:connect(name) }, { true }) end)
    tasks.spawn(function() equal(stream:write("early "), true) end)
    tasks.spawn(function() equal(stream:write { "by", "tes" }, true) end)
    tasks.spawn(function() equal(stream:shutdown(), true) end)
    local far <close> = tasks.await(function() return passive:accept() end)
    equal(tasks.await(function() return net.read_all(far) end), "early bytes")
end)

both("whoever leaves connect leaves a connected stream", function(domain)
    local name = net.abstract()
    local passive <close> = listening(domain, name)
    for _, leave in ipairs { coroutine.resume, coroutine.close } do
        local stream <close> = make("stream", domain)
        local task = tasks.spawn(function() stream:connect(name) end)
        leave(task, "left")
        equal(system.engine("counters").goingon, 0)
        equal(system.run("ready"), false)
        same({ coroutine.wrap(stream.connect)(stream, name) }, is_connected)
        local far <close> = tasks.await(function() return passive:accept() end)
        tasks.await(function() return stream:write("x") end)
        equal(tasks.await(function() return net.read_all(far, 1) end), "x")
        -- The failure of one that was left is forgotten as well.
        local other <close> = make("stream", domain)
        leave(tasks.spawn(function() other:connect(net.abstract()) end), "left")
        connects(other, name, { true })
        tasks.await(function() return passive:accept() end):close()
    end
end)

both("close cancels a connect that is not told yet", function(domain)
    local name = net.abstract()
    local passive <close> = listening(domain, name)
    for _, where in ipairs { name, net.abstract() } do
        local stream = make("stream", domain)
        local results
        tasks.spawn(function() results = { stream:connect(where) } end)
        stream:close()
        equal(results, nil)
        stream = nil -- luacheck: ignore 311
        collectgarbage()
        collectgarbage()
        tasks.run()
        same(results, { false, "operation canceled", 125 })
        do
            local dropped = make("stream", domain)
            coroutine.resume(tasks.spawn(function() dropped:connect(where) end))
        end
        collectgarbage()
        collectgarbage()
    end
    ok(passive)
end)

-- Binding ----------------------------------------------------------------------------------------

both("bind tells why not", function(domain)
    local path = net.path()
    local passive <close> = make("passive", domain)
    same({ passive:bind(path .. "/below") }, { false, "permission denied", 13 })
    io.open(path, "w"):close()
    same({ passive:bind(path .. "/below") }, { false, "not a directory", 20 })
    same({ passive:bind("/tmp") }, { false, "address already in use", 98 })
    same({ passive:bind(path) }, { false, "address already in use", 98 })
    os.remove(path)
    local name = net.abstract()
    local other <close> = listening(domain, name)
    same({ passive:bind(name) }, { false, "address already in use", 98 })
    other:close()
    same({ passive:bind(name) }, { true }) -- free at once
    same({ passive:bind(path) }, invalid)
    same({ passive:bind(name) }, invalid)
    equal(net.exists(path), false)
end)

-- Out of descriptors -----------------------------------------------------------------------------

both("out of descriptors bind and connect fail, and leave nothing", function(domain)
    local name, path = net.abstract(), net.path()
    local passive <close> = listening(domain, name)
    local stream <close> = make("stream", domain)
    local other <close> = make("passive", domain)
    shortage(function()
        same({ other:bind(path) }, too_many)
        connects(stream, name, too_many)
        same({ stream:getaddress() }, { false, "bad file descriptor", 9 })
    end)
    equal(net.exists(path), false)
    same({ other:bind(path) }, { true })
    connects(stream, name, { true })
    ok(passive)
end)

both("out of descriptors connections are taken and ended, and the wait goes on", function(domain)
    local name = net.abstract()
    local passive <close> = listening(domain, name)
    local accepted
    tasks.spawn(function() accepted = assert(passive:accept()) end)
    tasks.rounds(2)
    local first, second = net.connect(name, domain), make("stream", domain)
    if accepted then -- in the rounds of the connect; once more, please
        accepted:close()
        accepted = nil
        tasks.spawn(function() accepted = assert(passive:accept()) end)
        tasks.rounds(2)
        first:close()
        first = native.socket("local", "stream")
        equal(native.connect(first, name), 0)
        shortage(function() tasks.rounds(50) end)
        equal(accepted, nil)
        equal(native.recv(first), "") -- the end
        native.close(first)
    end
    tasks.await(function()
        assert(second:connect(name))
        tasks.pause(200)
    end)
    tasks.until_true(function() return accepted end)
    net.close(second, accepted)
end)

-- Peers ------------------------------------------------------------------------------------------

both("a peer that closed is the end, then a broken pipe", function(domain)
    local near, far = net.pair(domain)
    local _ <close> = net.closing(near)
    far:close()
    tasks.await(function()
        same({ near:read(memory.create(1)) }, { false, "end of file", 4095 })
        same({ near:write("x") }, broken_pipe)
        same({ near:write { "x", "y" } }, broken_pipe)
    end)
end)

-- On a local socket, bytes that nobody read make the end a reset, once.
both("a peer that closed with bytes unread is a reset", function(domain)
    local near, far = net.pair(domain)
    local _ <close> = net.closing(near)
    tasks.await(function() return near:write("unread") end)
    far:close()
    tasks.await(function()
        same({ near:read(memory.create(1)) }, { false, "connection reset by peer", 104 })
        same({ near:read(memory.create(1)) }, not_connected)
        same({ near:write("x") }, broken_pipe)
    end)
end)

both("a peer that goes ends a write that waits", function(domain)
    for _, kill in ipairs { "close", "shutdown of reading" } do
        local near, far = net.pair(domain, true)
        local results
        tasks.spawn(function() results = { near:write(net.text(net.plenty)) } end)
        tasks.rounds(3)
        equal(results, nil)
        far:close()
        tasks.run()
        equal(results[1], false)
        ok(results[3] == 32 or results[3] == 104, kill)
        near:close()
    end
end)


suite.finish()
