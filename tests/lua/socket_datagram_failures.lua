-- Datagram sockets when something is wrong (behaviour 1.4 to 1.6, 5.3, 7.7): errors of earlier
-- datagrams, no room, waiting coroutines that leave, sockets that are closed, collected or shared.

local suite = require("support.suite").strict()
local memory = require "memory"
local system = require "coutil.system"
local native = require "native"
local child = require "support.child"
local net = require "support.net"
local tasks = require "support.tasks"

local case, equal, same, ok, fails = suite.case, suite.equal, suite.same, suite.ok, suite.fails

-- A case for each domain.
local function both(name, body)
    for _, domain in ipairs(net.domains) do
        case(name .. " (" .. domain .. ")", function() body(domain) end)
    end
end

local function bound(domain, address)
    local socket = assert(system.socket("datagram", domain or "ipv4"))
    assert(socket:bind(address or net.loopback(domain)))
    return socket, socket:getaddress()
end

-- An address to which nobody is bound.
local function nowhere(domain)
    local socket, address = bound(domain)
    socket:close()
    return address
end

-- Runs the function as a task to its end while others wait.
local function meanwhile(body)
    local ended = false
    tasks.spawn(function()
        body()
        ended = true
    end)
    tasks.until_true(function() return ended end)
end

local refused <const> = { n = 3, false, "connection refused", 111 }
local canceled <const> = { n = 3, false, "operation canceled", 125 }
local done <const> = { n = 1, true }

-- Errors of earlier datagrams --------------------------------------------------------------------

both("a datagram that nobody wanted fails the next write, and only that", function(domain)
    local address = nowhere(domain)
    local near <close> = assert(system.socket("datagram", domain))
    assert(near:connect(address))
    tasks.spawn(function()
        equal(near:write("lost"), true)
        same(tasks.results(near:write("told")), refused)
        local far <close> = bound(domain, address)
        equal(near:write("arrives"), true)
        local buffer = memory.create(10)
        equal(buffer:tostring(1, far:read(buffer)), "arrives")
    end)
    tasks.run()
end)

both("a datagram that nobody wanted fails the next read, and only that", function(domain)
    local address = nowhere(domain)
    local near <close> = assert(system.socket("datagram", domain))
    assert(near:connect(address))
    local buffer = memory.create(10)
    tasks.spawn(function()
        equal(near:write("lost"), true)
        same(tasks.results(near:read(buffer)), refused)
    end)
    tasks.run()
    local far <close> = bound(domain, address)
    tasks.spawn(function() equal(buffer:tostring(1, near:read(buffer)), "alive") end)
    tasks.rounds(2)
    tasks.spawn(function() assert(far:write("alive", 1, -1, near:getaddress())) end)
    tasks.run()
end)

both("a coroutine that waits in read hears of the error", function(domain)
    local near <close>, own = bound(domain)
    assert(near:connect(nowhere(domain)))
    local results = {}
    local buffer = memory.create(10)
    tasks.spawn(function()
        results[1] = tasks.results(near:read(buffer))
        results[2] = tasks.results(near:read(buffer))
        results[3] = tasks.results(near:read(buffer))
    end)
    tasks.rounds(2)
    for count = 1, 2 do
        meanwhile(function()
            equal(near:write("lost"), true)
            tasks.pause(3)
            equal(#results, count)
        end)
    end
    tasks.rounds(3)
    equal(results[3], nil, "nothing is left of it")
    assert(near:connect())
    tasks.spawn(function() assert(near:write("alive", 1, -1, own)) end)
    tasks.run()
    same(results, { refused, refused, { n = 2, 5, false } })
end)

both("the error does not hide a datagram that came before it", function(domain)
    local far, address = bound(domain)
    local near <close>, own = bound(domain)
    tasks.await(function() assert(far:write("before", 1, -1, own)) end)
    far:close()
    assert(near:connect(address))
    tasks.spawn(function()
        assert(near:write("lost"))
        local buffer = memory.create(10)
        same(tasks.results(near:read(buffer)), refused)
        equal(buffer:tostring(1, near:read(buffer)), "before")
    end)
    tasks.run()
end)

both("without a peer there are no such errors", function(domain)
    local address = nowhere(domain)
    local near <close> = bound(domain)
    tasks.spawn(function()
        for _ = 1, 3 do equal(near:write("lost", 1, -1, address), true) end
    end)
    tasks.run()
    equal(near:getoption("error"), nil)
end)

both("what the system refuses is told after yielding", function(domain)
    local near <close> = bound(domain)
    local yielded, results = false, nil
    tasks.spawn(function()
        results = tasks.results(near:write("x", 1, -1, net.loopback(domain, 0)))
        ok(yielded)
    end)
    yielded = true
    tasks.run()
    same(results, { n = 3, false, "invalid argument", 22 })
end)

-- No room ----------------------------------------------------------------------------------------

-- A connected socket, and one that reads what it writes, between which little fits: both stand on a
-- pair of Unix datagram sockets.
local function narrow()
    local here, near = net.fd_of(system.socket, "datagram", "ipv4")
    assert(near:connect(net.loopback("ipv4", 9)))
    local there, far = net.fd_of(system.socket, "datagram", "ipv4")
    native.narrow(here, there)
    return near, far, there
end

-- Starts a writer each for "1", "2", … until one finds no room, and `more` others. Their results,
-- their coroutines, and the number of the first that waits.
local function fill(near, more)
    local results, writers, first = {}, {}, nil
    local index = 0
    repeat
        index = index + 1
        local number <const> = index
        writers[number] = tasks.spawn(function()
            results[number] = tasks.results(near:write(tostring(number)))
        end)
        tasks.rounds(2)
        if results[number] == nil and first == nil then
            first = number
        end
        assert(number < 10000)
    until first ~= nil and number == first + more
    assert(first > 2)
    return results, writers, first
end

-- Reads "1", "2", … up to `last` from the other end.
local function expect_numbers(far, last)
    local buffer = memory.create(16)
    tasks.spawn(function()
        for number = 1, last do
            local size = assert(far:read(buffer))
            equal(buffer:tostring(1, size), tostring(number))
        end
    end)
    tasks.run()
end

case("writes that find no room wait, and go in their order", function()
    local near, far = narrow()
    local _ <close> = net.closing(near, far)
    local results, writers, first = fill(near, 20)
    tasks.rounds(3)
    equal(results[first], nil)
    expect_numbers(far, #writers)
    for number = 1, #writers do same(results[number], done) end
end)

case("a write that waits has copied its bytes", function()
    local near, far = narrow()
    local _ <close> = net.closing(near, far)
    local _, writers = fill(near, 0)
    local fixed, loose = memory.create("aaaa"), net.resizable("bbbb")
    tasks.spawn(function() equal(near:write(fixed), true) end)
    tasks.spawn(function() equal(near:write(loose), true) end)
    tasks.spawn(function() equal(near:write({ fixed, loose }, 3, 6), true) end)
    tasks.spawn(function() equal(near:write(""), true) end)
    fixed:fill("x")
    loose:resize(0)
    expect_numbers(far, #writers)
    local buffer = memory.create(16)
    tasks.spawn(function()
        for _, text in ipairs { "aaaa", "bbbb", "aabb", "" } do
            equal(buffer:tostring(1, assert(far:read(buffer))), text)
        end
    end)
    tasks.run()
end)

case("a write that was left goes all the same, at each stage", function()
    local near, far = narrow()
    local _ <close> = net.closing(near, far)
    local results, writers, first = fill(near, 12)
    -- In flight, by an explicit resume; in line, by both ways to leave.
    local function leave(number)
        equal(coroutine.resume(writers[number], "left", nil, number), true)
        same(results[number], { n = 3, "left", nil, number })
    end
    leave(first)
    leave(first + 3)
    coroutine.close(writers[first + 5])
    -- Not handed over yet: nothing runs between the call and the resume.
    local extra = #writers + 1
    writers[extra] = tasks.spawn(function()
        results[extra] = tasks.results(near:write(tostring(extra)))
    end)
    leave(extra)
    equal(system.run("ready"), true, "run waits for them")
    expect_numbers(far, #writers)
    same(results[first + 1], done)
    equal(results[first + 5], nil)
end)

case("a write that was left when it was done has gone", function()
    local near, far = narrow()
    local _ <close> = net.closing(near, far)
    local results
    local writer = tasks.spawn(function() results = tasks.results(near:write("1")) end)
    coroutine.resume(writer, "left")
    same(results, { n = 1, "left" })
    expect_numbers(far, 1)
end)

case("the coroutine may write again right after it left", function()
    local near, far = narrow()
    local _ <close> = net.closing(near, far)
    local _, writers = fill(near, 0)
    local count = #writers
    local results = {}
    local writer = tasks.spawn(function()
        results[1] = near:write(tostring(count + 1))
        results[2] = near:write(tostring(count + 2))
    end)
    coroutine.resume(writer, "left")
    expect_numbers(far, count + 2)
    same(results, { "left", true })
end)

case("close cancels the writes that wait, in the next round", function()
    local near, far = narrow()
    local _ <close> = far
    local results, writers, first = fill(near, 5)
    coroutine.resume(writers[first + 2], "left")
    equal(near:close(), true)
    equal(results[first], nil)
    tasks.run()
    for number = 1, #writers do
        same(results[number], number < first and done or
             number == first + 2 and { n = 1, "left" } or canceled)
    end
    expect_numbers(far, first - 1)
end)

case("close sends what has room by now, if it was not handed over yet", function()
    local near, far, there = narrow()
    local _ <close> = far
    local _, writers, first = fill(near, 0)
    for number = 1, first - 1 do equal(native.recv(there), tostring(number)) end
    tasks.run()
    equal(native.recv(there), tostring(first))
    -- Now one that no round has seen.
    local _, others, waiting = fill(near, 0)
    local result
    for number = 1, waiting - 1 do equal(native.recv(there), tostring(number)) end
    tasks.spawn(function() result = tasks.results(near:write("last")) end)
    near:close()
    tasks.run()
    ok(result[1] == true or result[3] == 125)
    equal(native.recv(there), result[1] and tostring(#others) or nil)
    ok(#writers > 0)
end)

case("a collected socket sends what its writers left", function()
    local function abandoned()
        local near, far = narrow()
        local _, writers = fill(near, 6)
        for _, writer in ipairs(writers) do coroutine.resume(writer) end
        return far, #writers
    end
    local far <close>, count = abandoned()
    collectgarbage()
    collectgarbage()
    expect_numbers(far, count)
end)

case("a socket that somebody writes to or reads is not collected", function()
    local came = {}
    local function forgotten()
        local near, far = narrow()
        local results, writers = fill(near, 2)
        tasks.spawn(function()
            local buffer = memory.create(16)
            for index = 1, #writers do
                came[index] = buffer:tostring(1, assert(far:read(buffer)))
            end
        end)
        return results, #writers
    end
    local results, count = forgotten()
    collectgarbage()
    collectgarbage()
    tasks.run()
    equal(came[count], tostring(count))
    same(results[count], done)
end)

-- Explicit resume and close of readers ------------------------------------------------------------

both("a reader that leaves loses no datagram, at each stage", function(domain)
    local far <close>, address = bound(domain)
    local near <close> = bound(domain)
    local buffer, from = memory.create(16), system.address(domain)
    local results
    local function reader()
        return tasks.spawn(function()
            results = tasks.results(far:read(buffer, 1, -1, from))
        end)
    end
    local function write(text)
        tasks.await(function() assert(near:write(text, 1, -1, address)) end)
    end
    local function expect(text)
        reader()
        tasks.run()
        same(results, { n = 2, #text, false })
        equal(buffer:tostring(1, #text), text)
        ok(from == near:getaddress())
    end
    -- Before it was handed over.
    coroutine.resume(reader(), 1, nil)
    same(results, { n = 2, 1, nil })
    write("one")
    expect("one")
    -- In flight, nothing there.
    local waiting = reader()
    tasks.rounds(2)
    coroutine.resume(waiting, "left")
    same(results, { n = 1, "left" })
    write("two")
    expect("two")
    -- In flight, and the datagram is there.
    waiting = reader()
    tasks.rounds(2)
    local writer = coroutine.create(function() near:write("three", 1, -1, address) end)
    assert(coroutine.resume(writer))
    coroutine.resume(waiting, "left")
    expect("three")
    -- Closed while it waits.
    waiting = reader()
    tasks.rounds(2)
    coroutine.close(waiting)
    write("five")
    expect("five")
end)

both("a reader whose datagram is ready may be resumed by another one", function(domain)
    local one <close>, first = bound(domain)
    local two <close>, second = bound(domain)
    local near <close> = bound(domain)
    local readers, results = {}, {}
    for index, socket in ipairs { one, two } do
        readers[index] = tasks.spawn(function()
            results[index] = tasks.results(socket:read(memory.create(8)))
            if results[3 - index] == nil then -- the first of the round takes the other one out
                coroutine.resume(readers[3 - index], "left")
            end
        end)
    end
    tasks.rounds(2)
    for _, address in ipairs { first, second } do
        local writer = coroutine.create(function() near:write("x", 1, -1, address) end)
        assert(coroutine.resume(writer))
    end
    tasks.run()
    local took = results[1][1] == 1 and 1 or 2
    same(results[took], { n = 2, 1, false })
    same(results[3 - took], { n = 1, "left" })
    -- Whose datagram is still there.
    local left = took == 1 and two or one
    same({ tasks.await(function() return left:read(memory.create(8)) end) }, { 1, false })
end)

both("close resumes the reader with closed, inside the call", function(domain)
    local socket, address = bound(domain)
    local results
    tasks.spawn(function() results = tasks.results(socket:read(memory.create(8))) end)
    tasks.rounds(2)
    equal(socket:close(), true)
    same(results, { n = 2, false, "closed" })
    local again <close> = bound(domain, address)
    ok(again, "the port is free")
end)

both("the reader is resumed when a to-be-closed socket leaves its scope", function(domain)
    local results
    do
        local socket <close> = bound(domain)
        tasks.spawn(function() results = tasks.results(socket:read(memory.create(8))) end)
        tasks.rounds(2)
    end
    same(results, { n = 2, false, "closed" })
end)

case("a finalizer that closes the socket while its data is made text", function()
    local socket = bound("ipv4")
    local address = socket:getaddress()
    tasks.await(function()
        local number = 0
        repeat
            setmetatable({}, { __gc = function() net.close(socket) end })
            local _, problem = pcall(function()
                for _ = 1, 1000 do
                    number = number + 1.5
                    socket:write(number, 1, -1, address)
                end
            end)
            collectgarbage("step")
        until problem
        fails(function() socket:write("x", 1, -1, address) end, "closed object")
    end)
end)

-- Other processes --------------------------------------------------------------------------------

case("a state that ends with datagrams in flight ends well", function()
    local chunk = child.prelude .. [[
        local here, near = net.fd_of(system.socket, "datagram", "ipv4")
        assert(near:connect(net.loopback("ipv4", 9)))
        local there, far = net.fd_of(system.socket, "datagram", "ipv4")
        native.narrow(here, there)
        local other = assert(system.socket("datagram", "ipv6"))
        coroutine.wrap(function() other:read(memory.create(8)) end)()
        local writers = {}
        for index = 1, 500 do
            writers[index] = coroutine.create(function() near:write(index) end)
            coroutine.resume(writers[index])
        end
        system.run("ready")
        for index = 1, 500, 2 do
            if coroutine.status(writers[index]) == "suspended" then
                coroutine.resume(writers[index])
            end
        end
        if ... == nil then system.run("ready") end
        for index = 400, 500 do writers[index] = nil end
        io.write("ended")
    ]]
    equal(child.expect(chunk), "ended")
    equal(child.expect(chunk .. " os.exit(0, true)"), "ended")
    equal(child.expect(chunk .. " near, writers = nil collectgarbage() collectgarbage()"), "ended")
end)

case("a forked child closes its copy and harms nobody", function()
    local far <close>, address = bound("ipv4")
    local near <close> = bound("ipv4")
    local results
    tasks.spawn(function() results = tasks.results(far:read(memory.create(8))) end)
    tasks.rounds(2)
    local pid = native.fork()
    if pid == 0 then
        local ended = pcall(far.close, far)
        local _, problem = pcall(near.write, near, "x", 1, -1, address)
        ended = ended and string.find(problem, "scheduler not usable after fork", 1, true)
        native.exit(ended and 0 or 1)
    end
    same({ native.wait(pid) }, { "exit", 0 })
    tasks.spawn(function() assert(near:write("x", 1, -1, address)) end)
    tasks.run()
    same(results, { n = 2, 1, false })
end)

-- A network of our own in which nobody answers: datagrams wait for the address of a neighbour, and
-- fill the buffer of their socket meanwhile.
local network = "unshare -n sh -c '" .. table.concat({
    "ip link set lo up",
    "ip link add here type veth peer name there",
    "ip addr add 10.9.0.1/24 dev here",
    "ip link set here up",
    "ip link set there up",
    'exec "$@"',
}, " && ") .. "' sh"

local has_network = child.run("", { wrap = network }) == ""

case("a full socket buffer makes writes wait until there is room", function()
    if not has_network then suite.skip("no network namespaces here") end
    local chunk = child.prelude .. [[
        local socket = assert(system.socket("datagram", "ipv4"))
        assert(socket:setoption("sndbuf", 1))
        local address = system.address("ipv4", "10.9.0.9", 9)
        assert(socket:connect(address))
        local done, order = 0, {}
        for index = 1, 30 do
            tasks.spawn(function()
                assert(socket:write(string.rep("x", 1000)))
                done = done + 1
                order[done] = index
            end)
        end
        tasks.rounds(5)
        assert(done > 0 and done < 30, done)
        -- They go where they were to go, although that is not the peer any more.
        assert(socket:connect())
        assert(os.execute("ip neigh replace 10.9.0.9 lladdr 02:00:00:00:00:09 dev here"))
        tasks.run()
        assert(done == 30, done)
        for index = 1, 30 do assert(order[index] == index) end
        local pipe = io.popen("ip -s link show dev there")
        local sent = pipe:read("a")
        pipe:close()
        local packets = tonumber(string.match(sent, "RX:.-\n%s*%d+%s+(%d+)"))
        assert(packets >= 30, sent)
        io.write("ended")
    ]]
    equal(child.expect(chunk, { wrap = network }), "ended")
end)

suite.finish()
