-- When the process runs out of descriptors (behaviour 7.1, 7.5, defects D33, D46): socket fails
-- clearly; an acceptor keeps waiting while one pending connection at a time is dropped; nothing
-- spins and nothing leaks; loading the module raises an ordinary error.

local suite = require("support.suite").strict()
local system = require "coutil.system"
local memory = require "memory"
local net = require "support.net"
local tasks = require "support.tasks"
local child = require "support.child"
local without_descriptors = require "support.shortage"

local case, equal, same, ok = suite.case, suite.equal, suite.same, suite.ok

case("socket fails with too many open files", function()
    without_descriptors(function()
        for _, kind in ipairs { "stream", "passive" } do
            for _, domain in ipairs(net.domains) do
                same({ system.socket(kind, domain) }, { false, "too many open files", 24 })
            end
        end
    end)
    assert(system.socket("stream", "ipv4")):close()
end)

case("what is open goes on working without further descriptors", function()
    local near, far = net.pair()
    without_descriptors(function()
        tasks.spawn(function() equal(net.read_all(far, 5), "hello") end)
        tasks.spawn(function()
            system.suspend(0.001)
            equal(near:write("hello"), true)
        end)
        tasks.run()
    end)
    net.close(near, far)
end)

for _, domain in ipairs(net.domains) do
    case("an acceptor keeps waiting and pending connections are dropped (" .. domain .. ")",
         function()
        local listener, address = net.listener(domain)
        local clients = {}
        for index = 1, 3 do clients[index] = net.connect(address) end
        local accepted
        local acceptor = tasks.spawn(function() accepted = listener:accept() end)
        without_descriptors(function()
            -- Each of them sees the end, while the acceptor waits.
            local ended = 0
            for _, client in ipairs(clients) do
                tasks.spawn(function()
                    equal(client:read(memory.create(1)), false)
                    ended = ended + 1
                end)
            end
            tasks.until_true(function() return ended == #clients end)
            equal(coroutine.status(acceptor), "suspended")
            equal(accepted, nil)
        end)
        net.close(table.unpack(clients))
        -- With descriptors again, the next one is accepted.
        local client
        tasks.spawn(function() client = net.connect(address) end)
        tasks.run()
        ok(accepted)
        net.close(client, accepted, listener)
    end)
end

-- The pause between two drops grows, so that a flood costs little.
case("running out of descriptors does not use the processor", function()
    local listener, address = net.listener(nil, 128)
    local clients = {}
    for index = 1, 60 do clients[index] = net.connect(address) end
    local acceptor = tasks.spawn(function() listener:accept() end)
    local used
    without_descriptors(function()
        used = os.clock()
        tasks.spawn(function() system.suspend(0.3) end)
        repeat system.run("step") until system.engine("counters").awaiting == 1
        used = os.clock() - used
        equal(coroutine.status(acceptor), "suspended")
    end)
    ok(used < 0.1, used)
    listener:close()
    net.close(table.unpack(clients))
    tasks.run()
end)

case("an acceptor that pauses can be left and its listener closed", function()
    for _, leave in ipairs { coroutine.resume, coroutine.close } do
        local listener, address = net.listener()
        local clients = { net.connect(address), net.connect(address), net.connect(address) }
        without_descriptors(function()
            local acceptor = tasks.spawn(function() equal(listener:accept(), nil) end)
            tasks.rounds(2)
            equal(coroutine.status(acceptor), "suspended")
            leave(acceptor)
            equal(system.run("ready"), false)
            tasks.spawn(function() same({ listener:accept() }, { false, "closed" }) end)
            tasks.rounds(2)
            listener:close()
        end)
        net.close(table.unpack(clients))
    end
end)

-- D33.
case("loading the module without descriptors raises an ordinary error", function()
    local engines = { "auto", "epoll" }
    local name, reason = system.engine()
    if name == "uring" or reason == "requested" then engines[3] = "uring" end
    for _, engine in ipairs(engines) do
        local output = child.expect([[
local open = package.loadlib(package.searchpath("coutil", package.cpath),
                             "luaopen_coutil_system")
require "support.shortage"(function() print(pcall(open)) end)
print(type(require "coutil.system"))
]], { environment = { COUTIL_ENGINE = engine } })
        local first, second = string.match(output, "^(.-)\n(.-)\n$")
        ok(string.find(first, "^false\t.*too many open files$"), output)
        equal(second, "table")
    end
end)

case("a child shell with few descriptors meets them as errors and not as faults", function()
    for limit = 4, 14 do
        local output, how, code = child.run([[
local done, problem = pcall(function()
    local system = require "coutil.system"
    local sockets = {}
    repeat
        local socket, message = system.socket("passive", "ipv4")
        sockets[#sockets + 1] = socket or nil
    until not socket
    local listener = sockets[1]
    if listener then
        assert(listener:listen(1))
        coroutine.wrap(function() listener:accept() end)()
    end
    coroutine.wrap(function() system.suspend(0.01) system.halt() end)()
    system.run()
end)
io.write(done and "done" or problem)
]], { before = "ulimit -n " .. limit .. ";" })
        -- With very few, not even the programs on the way to the interpreter start.
        if string.find(output, "error while loading shared libraries", 1, true) == nil then
            same({ how, code }, { "exit", 0 }, output)
            ok(output == "done" or string.find(output, "not found", 1, true) or
               string.find(output, "cannot open shared object", 1, true) or
               string.find(string.lower(output), "too many open files", 1, true), output)
        end
    end
end)

suite.finish()
