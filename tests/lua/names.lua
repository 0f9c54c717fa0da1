-- Manual: system.findaddr, system.nameaddr, addresses:* (behaviour 6.3, 6.4, 1.7, D42): arguments
-- and their order, modes, the objects, and leaving. What files and servers say about names is in
-- names_files.lua, lookups that take long are in names_slow.lua.

local suite = require("support.suite").strict()
local system = require "coutil.system"
local memory = require "memory"
local native = require "native"
local tasks = require "support.tasks"
local child = require "support.child"

local case, equal, same, ok, fails = suite.case, suite.equal, suite.same, suite.ok, suite.fails

local function find(...)
    return tasks.await(system.findaddr, ...)
end

local function name(...)
    return tasks.await(system.nameaddr, ...)
end

-- All a search found, as texts.
local function listed(...)
    local found <close> = assert(find(...))
    local texts = {}
    repeat
        local address = found:getaddress()
        equal(found:getdomain(), address.type)
        texts[#texts + 1] = tostring(address) .. " " .. found:getsocktype()
    until not found:next()
    return texts
end

local names_of <const> = { [system.findaddr] = "findaddr", [system.nameaddr] = "nameaddr" }

-- Expects the error of a call where it could wait; "#1: text" is one about the first argument.
local function raises(text, call, ...)
    text = string.gsub(text, "^#(%d): (.*)$", function(number, message)
        return ("#%d to 'coutil.system.%s' (%s)"):format(number, names_of[call], message)
    end)
    local arguments = table.pack(...)
    local done, problem
    coroutine.wrap(function()
        done, problem = pcall(call, table.unpack(arguments, 1, arguments.n))
    end)()
    equal(done, false, "it did not raise " .. text)
    if not string.find(problem, text, 1, true) then
        error(string.format("error %q expected, got %q", text, problem), 2)
    end
end

-- Expects a failure of the call itself, which does not suspend.
local function fails_at_once(expected, call, ...)
    local results
    local arguments = table.pack(...)
    local task = coroutine.create(function()
        results = { call(table.unpack(arguments, 1, arguments.n)) }
    end)
    assert(coroutine.resume(task))
    same(results, expected)
end

find("localhost") -- from the first lookup on the engine keeps a descriptor for its workers

-- Arguments --------------------------------------------------------------------------------------

case("neither function works where it cannot yield, whatever its arguments", function()
    for _, call in ipairs {
        function() system.findaddr() end, function() system.findaddr({}, {}, {}) end,
        function() system.findaddr("::1", 80) end, function() system.nameaddr() end,
        function() system.nameaddr("x", "y") end, function() system.nameaddr(80) end,
    } do
        fails(call, "unable to yield")
    end
end)

case("findaddr checks name, service, mode, and then what they say together", function()
    raises("#1: string expected, got table", system.findaddr, {}, {}, {})
    raises("#2: string expected, got table", system.findaddr, nil, {}, {})
    raises("#3: string expected, got table", system.findaddr, nil, nil, {})
    raises("unknown mode char (got 'x')", system.findaddr, nil, nil, "4xm")
    raises("#1: name or service must be provided", system.findaddr, nil, nil,
           "4m")
    raises("#1: name or service must be provided", system.findaddr)
    raises("#2: service must be provided for '*'", system.findaddr, "*", nil,
           "4m")
    raises("#3: 'm' is invalid for IPv4", system.findaddr, "::1", 99999, "4m")
    raises("#3: 'm' is invalid for IPv4", system.findaddr, "", nil, "m4")
    raises("#2: invalid port", system.findaddr, "", 99999)
    raises("string expected, got boolean", system.findaddr, true)
    raises("string expected, got FILE*", system.findaddr, io.stdout)
end)

case("names in error messages are those of the call", function()
    tasks.await(function()
        fails(function() system.findaddr({}) end, "#1 to 'findaddr' (string expected, got table)")
        local message = fails(function() system.findaddr("a", "b", "?") end, "unknown mode char")
        ok(string.find(message, "names.lua:%d+: unknown mode char %(got '%?'%)$"), message)
        fails(function() system.nameaddr(-1) end, "bad argument #1 to 'nameaddr' (invalid port)")
    end)
end)

case("findaddr refuses numbers that are no port, however they are written", function()
    for _, service in ipairs {
        99999, 65536, -1, math.maxinteger, math.mininteger, "65536", "-1", "+65536", " 70000",
        "99999999999999999999999",
    } do
        raises("#2: invalid port", system.findaddr, "::1", service)
    end
    same(listed("::1", 65535, "s"), { "[::1]:65535 stream" })
    same(listed("::1", "0", "s"), { "[::1]:0 stream" })
    same(listed("::1", "00080", "s"), { "[::1]:80 stream" })
end)

case("a service number stands for its decimal text", function()
    same({ find("::1", 80.0) }, { false, "service not available for socket type", 3010 })
    same({ find("::1", 80.5) }, { false, "service not available for socket type", 3010 })
    same({ find("::1", 1e15) }, { false, "service not available for socket type", 3010 })
end)

case("a name may be a number, and ends at a zero byte", function()
    same(listed(127.1, 80, "s"), { "127.0.0.1:80 stream" })
    same(listed("127.0.0.1\0.example", "80\0x", "s\0x"), { "127.0.0.1:80 stream" })
    equal(name("127.0.0.1\0.example"), "127.0.0.1")
end)

case("more arguments than three are ignored, and nil is as good as nothing", function()
    same(listed("::1", 80, "s", {}), { "[::1]:80 stream" })
    same(listed("::1", nil, nil, "x"), { "[::1]:0 stream", "[::1]:0 datagram" })
end)

case("a name that is empty, too long, or no UTF-8 fails in the call", function()
    local long = string.rep("a.", 127) .. "ab" -- of 256 bytes
    for _, call in ipairs { system.findaddr, system.nameaddr } do
        fails_at_once({ false, "invalid argument", 22 }, call, "")
        fails_at_once({ false, "invalid argument", 22 }, call, "\0localhost")
        fails_at_once({ false, "invalid argument", 22 }, call, long)
        fails_at_once({ false, "invalid argument", 22 }, call, string.rep("x", 100000))
        fails_at_once({ false, "invalid Unicode character", 4080 }, call, "b\xfccher.invalid")
    end
end)

-- Modes ------------------------------------------------------------------------------------------

case("a literal is its own address, for streams first and for datagrams", function()
    same(listed("127.0.0.1"), { "127.0.0.1:0 stream", "127.0.0.1:0 datagram" })
    same(listed("::1", 80), { "[::1]:80 stream", "[::1]:80 datagram" })
    same(listed("::1", 80, "ds"), { "[::1]:80 stream", "[::1]:80 datagram" })
    same(listed("::1", 80, "s"), { "[::1]:80 stream" })
    same(listed("::1", 80, "d"), { "[::1]:80 datagram" })
end)

case("a literal of the other family is a failure", function()
    same({ find("::1", 80, "4") }, { false, "address family not supported", 3000 })
    same({ find("127.0.0.1", 80, "6") }, { false, "address family not supported", 3000 })
    same(listed("127.0.0.1", 80, "4s"), { "127.0.0.1:80 stream" })
    same(listed("::1", 80, "6s"), { "[::1]:80 stream" })
    same(listed("::1", 80, "46s"), { "[::1]:80 stream" })
    same(listed("127.0.0.1", 80, "64s"), { "127.0.0.1:80 stream" })
end)

case("with m an IPv4 address is given in the form of IPv6", function()
    for _, mode in ipairs { "ms", "m6s", "m46s" } do
        same(listed("127.0.0.1", 80, mode), { "[::ffff:127.0.0.1]:80 stream" })
        same(listed("::1", 80, mode), { "[::1]:80 stream" })
    end
end)

case("no name is the loopback address", function()
    same(listed(nil, 80, "4"), { "127.0.0.1:80 stream", "127.0.0.1:80 datagram" })
    same(listed(nil, 80, "6d"), { "[::1]:80 datagram" })
    local both = listed(nil, "80", "46s")
    table.sort(both)
    same(both, { "127.0.0.1:80 stream", "[::1]:80 stream" })
end)

case("'*' is the wildcard address, on which streams are passive", function()
    same(listed("*", 80, "4"), { "0.0.0.0:80 passive", "0.0.0.0:80 datagram" })
    same(listed("*", 80, "6s"), { "[::]:80 passive" })
    same(listed("*", 80, "6d"), { "[::]:80 datagram" })
    local found <close> = assert(find("*", 0, "4s"))
    local socket <close> = assert(system.socket(found:getsocktype(), found:getdomain()))
    equal(socket:bind(found:getaddress()), true)
    equal(socket:listen(1), true)
end)

case("with n only addresses are taken, and no name is looked up", function()
    same(listed("127.0.0.1", 80, "ns"), { "127.0.0.1:80 stream" })
    same({ find("localhost", 80, "n") }, { false, "unknown node or service", 3008 })
end)

case("an unknown service is a failure, and an unknown name another", function()
    same({ find("::1", "no such service") },
         { false, "service not available for socket type", 3010 })
    same({ find("*", "*") }, { false, "unknown node or service", 3008 })
    same({ find(nil, "*") }, { false, "unknown node or service", 3008 })
    same({ name("*") }, { false, "unknown node or service", 3008 })
end)

case("the scope of an address stays inside it", function()
    local found <close> = assert(find("fe80::1%lo", 80, "6d"))
    local address = found:getaddress()
    equal(tostring(address), "[fe80::1]:80")
    -- It is told by the system: without a scope a link-local address cannot be bound.
    local plain = system.address("ipv6", "fe80::1", 0)
    ok(address ~= plain)
    address.port = 0
    ok(address == plain)
    local function bind(to)
        local socket <close> = assert(system.socket("passive", "ipv6"))
        return select(3, socket:bind(to))
    end
    equal(bind(plain), 22)
    equal(bind(address), 99)
    -- It is copied with the rest into an address that is there already.
    local copy = system.address("ipv6")
    equal(rawequal(found:getaddress(copy), copy), true)
    copy.port = 0
    equal(bind(copy), 99)
end)

-- Addresses --------------------------------------------------------------------------------------

case("the list stands on the first address, goes on to the last, and back", function()
    local found <close> = assert(find("::1", 80))
    equal(found:getsocktype(), "stream")
    equal(found:next(), true)
    equal(found:getsocktype(), "datagram")
    for _ = 1, 3 do
        equal(found:next(), false)
        equal(found:getsocktype(), "datagram")
    end
    equal(select("#", found:reset()), 0)
    equal(found:getsocktype(), "stream")
    equal(found:next(), true)
end)

case("getaddress gives a new address or fills the one it is given", function()
    local found <close> = assert(find("127.0.0.1", 80))
    local first, second = found:getaddress(), found:getaddress()
    ok(first == second and not rawequal(first, second))
    local mine = system.address("ipv4", "1.2.3.4:5")
    ok(rawequal(found:getaddress(mine), mine))
    equal(tostring(mine), "127.0.0.1:80")
    first.port = 1
    equal(found:getaddress().port, 80)
    for _, other in ipairs { 5, "x", {}, io.stdout, found, false } do
        equal(tostring(found:getaddress(other)), "127.0.0.1:80")
    end
    equal(tostring(found:getaddress(nil)), "127.0.0.1:80")
    fails(function() found:getaddress(system.address("ipv6")) end,
          "bad argument #1 to 'getaddress' (wrong domain)")
end)

case("a closed list refuses all its methods", function()
    local found = assert(find("::1", 80))
    equal(found:close(), true)
    local methods = { "close", "getaddress", "getdomain", "getsocktype", "next", "reset" }
    for _, method in ipairs(methods) do
        fails(function() found[method](found) end, "#1 to '?' (closed coutil:netaddrlist)")
        fails(function() found[method](io.stdout) end, "coutil:netaddrlist expected, got FILE*")
        fails(function() found[method]() end, "coutil:netaddrlist expected, got no value")
    end
    fails(function() found:next() end, "calling 'next' on bad self (closed coutil:netaddrlist)")
    fails(function() found:close() end, "calling 'close' on bad self (closed coutil:netaddrlist)")
    do
        local again <close> = found -- nor does the end of its scope mind
        ok(again)
    end
end)

case("the class has the methods of the manual, and an ordinary metatable", function()
    local found <close> = assert(find("::1", 80))
    local class = getmetatable(found)
    equal(class.__name, "coutil:netaddrlist")
    ok(string.find(tostring(found), "^coutil:netaddrlist: 0x"))
    local names = {}
    for method in pairs(class.__index) do names[#names + 1] = method end
    table.sort(names)
    same(names, { "close", "getaddress", "getdomain", "getsocktype", "next", "reset" })
    ok(class.__gc and class.__close)
    class.__gc(found)
    class.__close(found)
    fails(function() found:next() end, "closed coutil:netaddrlist")
end)

case("lists are collected", function()
    local weak = setmetatable({}, { __mode = "k" })
    for _ = 1, 10 do weak[assert(find("::1", 80))] = true end
    collectgarbage()
    collectgarbage()
    equal(next(weak), nil)
end)

-- nameaddr ---------------------------------------------------------------------------------------

case("nameaddr checks the mode first, and of strings not at all", function()
    raises("unknown mode char (got 'x')", system.nameaddr, {}, "ldx")
    raises("#2: string expected, got table", system.nameaddr, nil, {})
    raises("#1: coutil:netaddress expected, got table", system.nameaddr, {})
    raises("#1: coutil:netaddress expected, got nil", system.nameaddr, nil)
    raises("#1: coutil:netaddress expected, got no value", system.nameaddr)
    raises("coutil:netaddress expected, got luamem_Ref", system.nameaddr, memory.create())
    raises("unknown mode char (got 'x')", system.nameaddr, 99999, "x")
    equal(name("::1", "x"), "::1")
    equal(name("::1", {}), "::1")
end)

case("nameaddr of a number wants a port", function()
    for _, port in ipairs { -1, 65536, 80.5, 1e100, 0 / 0, math.huge, math.mininteger } do
        raises("#1: invalid port", system.nameaddr, port)
    end
end)

case("a port has one name, or its number", function()
    for _, mode in ipairs { "", "d", "l", "liuad" } do
        same(tasks.results(name(0, mode)), { "0", n = 1 })
    end
    same(tasks.results(name(0.0)), { "0", n = 1 })
end)

case("literals are their own canonical names, unchanged", function()
    for _, text in ipairs { "127.0.0.1", "::1", "0::0001", "::ffff:1.2.3.4", "127.1", "1" } do
        same(tasks.results(name(text)), { text, n = 1 })
    end
end)

-- Waiting ----------------------------------------------------------------------------------------

local calls <const> = {
    function() return system.findaddr("::1", 80) end, -- answered on the spot
    function() return system.findaddr("localhost") end,
    function() return system.findaddr("::1", "no such service") end,
    function() return system.nameaddr("::1") end,
    function() return system.nameaddr("localhost") end,
    function() return system.nameaddr(80) end,
    function() return system.nameaddr(system.address("ipv4", "127.0.0.1:80")) end,
}

case("every lookup suspends once, and yields nothing", function()
    for _, call in ipairs(calls) do
        local results
        local task = coroutine.create(function() results = table.pack(call()) end)
        same(table.pack(coroutine.resume(task)), { true, n = 1 })
        equal(results, nil)
        tasks.run()
        ok(results.n > 0)
    end
end)

case("an explicit resume right away gives its values, and the lookup ends unseen", function()
    for _, call in ipairs(calls) do
        local results
        local task = tasks.spawn(function()
            results = table.pack(call())
            ok(select("#", call()) > 0) -- the next one works at once
        end)
        coroutine.resume(task, nil, "left", nil)
        same(results, { nil, "left", nil, n = 3 })
        tasks.run()
        equal(coroutine.status(task), "dead")
    end
end)

case("a coroutine may be closed while it looks up a name", function()
    for _, call in ipairs(calls) do
        for _ = 1, 20 do
            local task = coroutine.create(call)
            assert(coroutine.resume(task))
            equal(coroutine.close(task), true)
        end
        tasks.run()
    end
end)

case("a lookup answered on the spot gives way to an explicit resume too", function()
    local looking, served = {}, {}
    for index = 1, 2 do
        looking[index] = tasks.spawn(function()
            local results = table.pack(system.findaddr("::1", 80))
            served[#served + 1] = results
            if #served == 1 then coroutine.resume(looking[3 - index], "left") end
        end)
    end
    tasks.run()
    equal(type(served[1][1]), "userdata")
    same(served[2], { "left", n = 1 })
end)

case("many at once are all answered", function()
    local done = 0
    for index = 1, 500 do
        tasks.spawn(function()
            for _ = 1, 3 do
                local found <close> = assert(calls[index % 2 + 1]())
                ok(found:getaddress())
                done = done + 1
            end
        end)
    end
    tasks.run(60)
    equal(done, 1500)
end)

case("a lookup begins during the call, and goes on while nobody runs the scheduler", function()
    local found
    tasks.spawn(function() found = system.findaddr("localhost") end)
    system.suspend(0.01, "~")
    tasks.run()
    ok(found)
end)

case("an error after the results leaves nothing behind", function()
    for _, call in ipairs(calls) do
        local task = coroutine.create(function()
            call()
            error("of the program")
        end)
        assert(coroutine.resume(task))
        equal(system.run(), false)
        local _, problem = coroutine.close(task)
        ok(string.find(problem, "of the program", 1, true))
    end
end)

case("a state may be closed with lookups in all stages", function()
    for _, ending in ipairs {
        "os.exit(true, true)",
        "system.run('ready') os.exit(true, true)",
        "tasks.spawn(function() system.suspend() os.exit(true, true) end) system.run()",
    } do
        child.expect(child.prelude .. [[
            for index = 1, 50 do
                for _, arguments in ipairs { { "localhost" }, { "::1", 80 } } do
                    local task = coroutine.create(system.findaddr)
                    assert(coroutine.resume(task, table.unpack(arguments)))
                    if index % 3 == 0 then coroutine.resume(task) end
                    if index % 5 == 0 then coroutine.close(task) end
                end
                coroutine.wrap(system.nameaddr)(index)
            end
        ]] .. ending)
    end
end)

case("a forked child cannot look names up, and ends with its parent's lookups pending", function()
    local waiting = {}
    for index = 1, 20 do
        waiting[index] = coroutine.create(calls[index % #calls + 1])
        assert(coroutine.resume(waiting[index]))
    end
    local pid = native.fork()
    if pid == 0 then
        for _, call in ipairs(calls) do
            local done, problem = coroutine.resume(coroutine.create(call))
            if done or not string.find(problem, "scheduler not usable after fork", 1, true) then
                native.exit(1)
            end
        end
        for index = 1, 10 do coroutine.close(waiting[index]) end
        waiting = nil -- luacheck: ignore 311
        collectgarbage()
        -- Without the ceremony of an exit: what the threads of the parent hold would count as lost.
        native.exit(0)
    end
    same({ native.wait(pid) }, { "exit", 0 })
    tasks.run()
end)

case("finalizers that look names up while arguments are made strings do no harm", function()
    local count <const> = 300
    local finalized = 0
    local function mark()
        setmetatable({}, { __gc = function()
            finalized = finalized + 1
            coroutine.wrap(system.findaddr)("::1", 80)
            if finalized < count then mark() end
        end })
    end
    mark()
    collectgarbage("incremental", 1, 1000, 1) -- all the time, in small steps
    local port = 10000
    repeat
        port = port + 1
        assert(coroutine.resume(coroutine.create(system.findaddr), "::1", port))
        if port % 1000 == 0 then system.run("ready") end
    until finalized == count or port == 65535
    collectgarbage("incremental", 200, 100, 13)
    tasks.run()
    ok(finalized > 50, finalized)
end)

suite.finish()
