-- Closing sockets, states and processes with operations in flight (behaviour 1.6, 2.6): what the
-- peer gets and sees, when the port is free, how interpreters end. Where a process has to end, it
-- is a child interpreter; where somebody shares a socket, it is a fork.

local suite = require("support.suite").strict()
local system = require "coutil.system"
local memory = require "memory"
local native = require "native"
local net = require "support.net"
local tasks = require "support.tasks"
local child = require "support.child"

local case, equal, same, ok = suite.case, suite.equal, suite.same, suite.ok

local function both(name, body)
    for _, domain in ipairs(net.domains) do
        case(name .. " (" .. domain .. ")", function() body(domain) end)
    end
end

-- What arrives at the descriptor until its end, without the scheduler. Waits for a peer elsewhere.
local function drain(fd)
    local parts = {}
    repeat
        local bytes = assert(native.recv(fd, 65536, true))
        parts[#parts + 1] = bytes
    until bytes == ""
    return table.concat(parts)
end

-- Bytes ------------------------------------------------------------------------------------------

both("a write followed by close delivers the bytes and reports true", function(domain)
    for _, start in ipairs { tasks.spawn, tasks.spawn_busy } do
        for _, make in ipairs { tostring, memory.create, net.resizable } do
            local near, far = net.pair(domain)
            local results = {}
            start(function()
                for index, text in ipairs { "one ", "two ", "three" } do
                    tasks.spawn(function() results[index] = near:write(make(text)) end)
                end
                near:close()
            end)
            tasks.run()
            same(results, { true, true, true })
            equal(tasks.await(function() return net.read_all(far) end), "one two three")
            far:close()
        end
    end
end)

both("what the kernel would have taken at the call is not dropped by close", function(domain)
    for _, start in ipairs { tasks.spawn, tasks.spawn_busy } do
        local near, far = net.pair(domain)
        local text = net.text(50000)
        start(function()
            tasks.spawn(function() equal(near:write(text), true) end)
            near:close()
        end)
        tasks.run()
        ok(tasks.await(function() return net.read_all(far) end) == text)
        far:close()
    end
end)

both("an abandoned write followed by close delivers the bytes", function(domain)
    for _, start in ipairs { tasks.spawn, tasks.spawn_busy } do
        local near, far = net.pair(domain)
        start(function()
            coroutine.resume(tasks.spawn(function() near:write("one ") end))
            coroutine.close(tasks.spawn(function() near:write("two") end))
            near:close()
        end)
        tasks.run()
        equal(tasks.await(function() return net.read_all(far) end), "one two")
        far:close()
    end
end)

-- The peer is a process that reads while this one is busy between rounds, so that there is room
-- again when the stream is closed.
both("no byte of a later write follows one that close cut short", function(domain)
    for _, abandoned in ipairs { false, true } do
        local near, far, here, there = net.pair(domain, true)
        local text = net.text(net.plenty)
        local first = tasks.spawn(function() near:write(text) end)
        tasks.spawn(function() near:write("the tail") end)
        tasks.rounds(3)
        if abandoned then
            coroutine.resume(first)
            tasks.rounds(3)
        end
        local reader = native.fork()
        if reader == 0 then
            native.close(here)
            local size, sound = 0, true
            while true do
                local bytes = native.recv(there, 65536, true)
                if bytes == nil or bytes == "" then break end
                sound = sound and bytes == string.sub(text, size + 1, size + #bytes)
                size = size + #bytes
            end
            native.exit(sound and 0 or 1)
        end
        system.suspend(0.03, "~")
        near:close()
        far:close()
        tasks.run()
        same({ native.wait(reader) }, { "exit", 0 })
    end
end)

-- The end ----------------------------------------------------------------------------------------

-- Prepares what is in flight on a stream whose peer is `far`.
local flights <const> = {
    nothing = function() end,
    read = function(near)
        tasks.spawn(function() same({ near:read(memory.create(8)) }, { false, "closed" }) end)
    end,
    write = function(near)
        tasks.spawn(function() equal(near:write(string.rep("x", net.plenty)), false) end)
    end,
    abandoned = function(near)
        coroutine.resume(tasks.spawn(function() near:write(string.rep("x", net.plenty)) end))
    end,
    all = function(near)
        tasks.spawn(function() same({ near:read(memory.create(8)) }, { false, "closed" }) end)
        for _ = 1, 3 do
            tasks.spawn(function() equal(near:write(string.rep("x", net.plenty)), false) end)
        end
        tasks.spawn(function() equal(near:shutdown(), false) end)
    end,
}

both("when close returns the peer has seen the end", function(domain)
    for name, prepare in pairs(flights) do
        for rounds = 0, 2 do
            local near, far, _, there = net.pair(domain, true)
            prepare(near)
            tasks.rounds(rounds)
            near:close()
            -- The far end has it all without anyone entering the scheduler.
            local bytes, code
            repeat
                ok(native.readable(there, 0), name .. ": the end is not there yet")
                bytes, code = native.recv(there)
            until bytes == "" or bytes == nil
            ok(bytes == "" or code == 104, name)
            far:close()
            tasks.run()
        end
    end
end)

both("when close returns the port can be bound again", function(domain)
    for rounds = 0, 2 do
        local listener, address = net.listener(domain)
        tasks.spawn(function() same({ listener:accept() }, { false, "closed" }) end)
        tasks.rounds(rounds)
        listener:close()
        local again = assert(system.socket("passive", domain))
        assert(again:bind(address))
        same({ again:listen(4) }, { true })
        -- Nobody answers for the closed one.
        tasks.spawn(function() net.connect(address):close() end)
        tasks.spawn(function() assert(again:accept()):close() end)
        tasks.run()
        again:close()
    end
end)

both("a closed listener accepts no client any more", function(domain)
    local listener, address = net.listener(domain)
    tasks.spawn(function() same({ listener:accept() }, { false, "closed" }) end)
    tasks.rounds(2)
    listener:close()
    tasks.await(function()
        local stream <close> = assert(system.socket("stream", domain))
        same({ stream:connect(address) }, { false, "connection refused", 111 })
    end)
end)

both("a stream's own port is free after close with a read in flight", function(domain)
    local listener <close>, address = net.listener(domain)
    local stream = assert(system.socket("stream", domain))
    assert(stream:bind(net.loopback(domain)))
    local port = stream:getaddress()
    local there
    tasks.spawn(function() there = assert(listener:accept()) end)
    tasks.spawn(function() assert(stream:connect(address)) end)
    tasks.run()
    tasks.spawn(function() same({ stream:read(memory.create(8)) }, { false, "closed" }) end)
    tasks.rounds(2)
    there:close() -- the other side ends first, so that the wait of TIME_WAIT is its own
    stream:close()
    local again <close> = assert(system.socket("passive", domain))
    assert(again:bind(port))
    same({ again:listen(1) }, { true })
    ok(listener)
end)

-- Only our share of a socket ends.
both("a child that shares the stream keeps it", function(domain)
    for name, prepare in pairs { read = flights.read, nothing = flights.nothing } do
        local near, far, here, there = net.pair(domain)
        prepare(near)
        tasks.rounds(2)
        local sharer = native.fork()
        if sharer == 0 then
            native.close(there)
            native.send(here, "from the child")
            native.exit(native.recv(here, 100, true) == "to the child" and 0 or 1)
        end
        near:close()
        tasks.await(function()
            equal(net.read_all(far, 14), "from the child", name)
            assert(far:write("to the child"))
            same({ far:read(memory.create(8)) }, { false, "end of file", 4095 })
        end)
        same({ native.wait(sharer) }, { "exit", 0 })
        far:close()
        tasks.run()
    end
end)

both("a child that shares the listener goes on accepting", function(domain)
    local fd, listener, address = net.fd_of(net.listener, domain)
    tasks.spawn(function() same({ listener:accept() }, { false, "closed" }) end)
    tasks.rounds(2)
    local sharer = native.fork()
    if sharer == 0 then
        ok(native.readable(fd, 10000))
        local accepted = native.accept(fd)
        native.send(accepted, "child")
        native.exit(0)
    end
    listener:close()
    tasks.await(function()
        local stream <close> = net.connect(address)
        equal(net.read_all(stream), "child")
    end)
    same({ native.wait(sharer) }, { "exit", 0 })
end)

-- Processes --------------------------------------------------------------------------------------

-- In the child `peer` is the address of a listener here, `way` how it ends.
local function serve(chunk, environment)
    local fd, listener, address = net.fd_of(net.listener, "ipv4")
    local _ <close> = listener
    environment = environment or {}
    environment.PEER_PORT = tostring(address.port)
    local command, path = child.command(child.prelude .. [[
local peer = net.loopback("ipv4", tonumber(os.getenv("PEER_PORT")))
local stream = net.connect(peer)
]] .. chunk, { environment = environment })
    local pipe = assert(io.popen("(" .. command .. ") 2>&1", "r"))
    ok(native.readable(fd, 20000), "the child does not connect")
    local there = assert(native.accept(fd))
    local text = drain(there)
    native.close(there)
    local output = pipe:read("a")
    local _, how, code = pipe:close()
    os.remove(path)
    return text, output, how, code
end

local endings <const> = {
    "os.exit(0, false)", "os.exit(0, true)", "", "stream:close() os.exit(0, false)",
}

case("a write followed by the end of the process delivers the bytes", function()
    for _, ending in ipairs(endings) do
        for _, start in ipairs { "tasks.spawn", "tasks.spawn_busy" } do
            for _, make in ipairs { "tostring", "memory.create", "net.resizable" } do
                local text, output, how, code = serve(string.format([[
%s(function()
    for _, text in ipairs { "one ", "two ", "three" } do
        tasks.spawn(function() stream:write(%s(text)) end)
    end
    %s
end)
system.run()
]], start, make, ending))
                same({ text, output, how, code }, { "one two three", "", "exit", 0 },
                     ending .. start .. make)
            end
        end
    end
end)

case("bytes written by several coroutines before the process ends keep their order", function()
    local text, output = serve [[
tasks.spawn_busy(function()
    for index = 1, 50 do
        tasks.spawn(function() stream:write(index .. ",") end)
    end
    os.exit(0, false)
end)
system.run()
]]
    local expected = {}
    for index = 1, 50 do expected[index] = index .. "," end
    equal(text, table.concat(expected))
    equal(output, "")
end)

local in_flight <const> = [[
local near, far = net.pair(nil, true)
local listener = net.listener()
local connecting = assert(system.socket("stream", "ipv4"))
local nobody, full = net.unanswered()
coroutine.wrap(function() far:read(memory.create(8)) end)()
coroutine.wrap(function() near:write(string.rep("x", net.plenty)) end)()
coroutine.wrap(function() near:write(net.resizable(string.rep("x", net.plenty))) end)()
local left = coroutine.wrap(function() near:write(string.rep("x", net.plenty)) end)
left()
left()
coroutine.wrap(function() near:shutdown() end)()
coroutine.wrap(function() listener:accept() end)()
coroutine.wrap(function() connecting:connect(nobody) end)()
coroutine.wrap(function() system.suspend(100) end)()
coroutine.wrap(function() system.suspend() end)()
]]

case("interpreters end with their code whatever is in flight", function()
    local ways = {
        { "", 0 },
        { "os.exit(3, true)", 3 },
        { "os.exit(4, false)", 4 },
        { "system.run('ready') os.exit(5, true)", 5 },
        { "system.run('step') os.exit(6, false)", 6 },
        { "system.run('ready') error('on purpose')", 1 },
        { "tasks.spawn(function() system.suspend() os.exit(7, true) end) system.run()", 7 },
        { "tasks.spawn(function() system.suspend(0.01) os.exit(8, true) end) system.run()", 8 },
        { "tasks.spawn(function() system.suspend(0.01) os.exit(9, false) end) system.run()", 9 },
        { "tasks.spawn(function() far:close() os.exit(10, true) end)", 10 },
        { "setmetatable({}, { __gc = function() near:close() far:close() end })", 0 },
        { "system.run('ready') setmetatable({}, { __gc = function() system.run('ready') " ..
          "coroutine.wrap(pcall)(far.read, far, memory.create(1)) end })", 0 },
    }
    for _, way in ipairs(ways) do
        local output, how, code = child.run(child.prelude .. in_flight .. way[1])
        same({ how, code }, { "exit", way[2] }, way[1] .. output)
        equal(string.find(output, "on purpose", 1, true) ~= nil, way[2] == 1)
        ok(way[2] == 1 or output == "", output)
    end
end)

case("no coroutine is resumed unsafely from a closing state", function()
    local output = child.expect(child.prelude .. [[
local near, far = net.pair()
for _ = 1, 10 do
    coroutine.wrap(function()
        local results = table.pack(pcall(far.read, far, memory.create(8)))
        pcall(system.suspend)
        pcall(system.run)
        local other = system.socket("stream", "ipv4")
    end)()
end
system.run("ready")
io.stderr:write("end\n")
]])
    equal(output, "end\n")
end)

suite.finish()
