-- Lookups that hang (behaviour 1.4, 1.6, 2.6, defects D7, D35; decision 0018): they delay nothing
-- else, and nothing of them is lost or kept when their coroutines leave or their state closes.
-- Each case is a child whose resolver waits at a gate until the test opens it.

local suite = require "support.suite"
local system = require "coutil.system"
local resolver = require "support.resolver"

local case, equal, ok = suite.case, suite.equal, suite.ok

local function prints_ok(chunk, environment)
    equal(resolver.scripted(chunk .. '\nprint "ok"', environment), "ok\n")
end

-- Others -----------------------------------------------------------------------------------------

case("with 64 lookups hanging timers and sockets go on, and then all are answered", function()
    prints_ok [[
        local results = {}
        hang(64, results)
        tasks.until_true(function() return asked() == 64 end) -- the lane has grown
        equal_threads = namethreads()
        assert(equal_threads == 64, equal_threads)
        local near, far = net.pair()
        local fired, heard
        tasks.spawn(function() fired = system.suspend(0.001) end)
        tasks.spawn(function() heard = net.read_all(far, 5) end)
        tasks.spawn(function() assert(near:write "hello") end)
        tasks.until_true(function() return fired and heard end)
        assert(heard == "hello" and #results == 0 and asked() == 64)
        local gate <close> = opengate()
        tasks.run()
        assert(#results == 64)
        for _, domain in ipairs(results) do assert(domain == "ipv4", domain) end
        net.close(near, far)
    ]]
end)

case("reverse lookups hang as well as others, and the same goes on", function()
    prints_ok [[
        local names = {}
        for index = 1, 12 do
            tasks.spawn(function()
                names[index] = table.pack(system.nameaddr(index))
                if index == 1 then assert(names[1][1] == "tcpmux" or names[1][1] == "1") end
            end)
        end
        tasks.until_true(function() -- all but those at the gate, and the one that fails
            local count = 0
            for _ in pairs(names) do count = count + 1 end
            return count == 11
        end)
        assert(names[1] == nil and names[2][1] == false and names[2][3] == 3001)
        local gate <close> = opengate()
        tasks.run()
        assert(names[1])
    ]]
end)

-- Threads ----------------------------------------------------------------------------------------

case("COUTIL_NAME_THREADS says how many lookups have a thread at once", function()
    prints_ok([[
        hang(3)
        tasks.until_true(function() return asked() == 3 end)
        local threads <const> = namethreads()
        assert(threads >= 3 and threads < 10, threads) -- a slow machine may have added some
        local gate <close> = opengate()
        tasks.run()
    ]], { COUTIL_NAME_THREADS = "3" })
    -- More than a lane grows to by itself.
    prints_ok([[
        hang(70)
        tasks.until_true(function() return asked() == 70 end)
        assert(namethreads() >= 70)
        local gate <close> = opengate()
        tasks.run()
    ]], { COUTIL_NAME_THREADS = "70" })
end)

case("a lookup behind hanging ones gets a thread of its own", function()
    prints_ok([[
        hang(1)
        tasks.until_true(function() return asked() == 1 end)
        local found
        tasks.spawn(function() found = assert(system.findaddr("localhost", 80)) end)
        tasks.until_true(function() return found end)
        assert(namethreads() >= 2)
        local gate <close> = opengate()
        tasks.run()
    ]], { COUTIL_NAME_THREADS = "1" })
end)

case("the lane stops growing at 64, and the rest is served when the gate opens", function()
    prints_ok [[
        local results = {}
        hang(80, results)
        tasks.until_true(function() return asked() == 64 end)
        system.suspend(0.06, "~") -- as much as would start some more
        assert(namethreads() == 64 and asked() == 64)
        local gate <close> = opengate()
        tasks.run()
        assert(#results == 80 and asked() == 80)
    ]]
end)

case("a full queue is a failure of the call, which does not suspend", function()
    prints_ok [[
        local waiting, failure = {}, nil
        for index = 1, 65536 + 65 do
            waiting[index] = coroutine.create(function()
                failure = table.pack(system.findaddr("gate.full"))
            end)
            assert(coroutine.resume(waiting[index]))
            if failure then break end
        end
        assert(#waiting > 65536 and failure.n == 3 and failure[1] == false, #waiting)
        assert(failure[2] == "resource temporarily unavailable" and failure[3] == 11)
        for index = 1, #waiting - 1 do coroutine.close(waiting[index]) end
        assert(goingon() <= 64)
        local gate <close> = opengate()
        tasks.run()
        assert(asked() <= 64) -- what no worker had taken never ran
    ]]
end)

-- Leaving ----------------------------------------------------------------------------------------

case("a hanging lookup that was left goes on unseen, keeps run, and frees what it holds", function()
    prints_ok [[
        for round, leave in ipairs { coroutine.resume, coroutine.close } do
            local returned
            local task = tasks.spawn(function()
                returned = table.pack(system.findaddr("gate." .. round))
            end)
            tasks.until_true(function() return asked("gate." .. round) == 1 end)
            assert(leave(task, "a", nil, nil))
            if leave == coroutine.resume then
                assert(returned.n == 3 and returned[1] == "a")
            else
                assert(returned == nil)
            end
            assert(goingon() == round and system.run("ready") == true)
        end
        -- The coroutine may look up the next name at once, and so may others.
        local again
        local task = tasks.spawn(function()
            system.findaddr("gate.3")
            again = system.findaddr("::1", 80)
        end)
        tasks.until_true(function() return asked("gate.3") == 1 end)
        coroutine.resume(task)
        tasks.until_true(function() return again end)
        assert(goingon() == 3)
        local gate <close> = opengate()
        tasks.run()
        local counters = system.engine("counters")
        assert(counters.goingon == 0 and counters.records == 0 and counters.awaiting == 0)
    ]]
end)

case("a lookup that no worker took is dropped when it is left", function()
    prints_ok([[
        hang(64)
        tasks.until_true(function() return asked() == 64 end)
        for _, leave in ipairs { coroutine.resume, coroutine.close } do
            local tasks_left = {}
            for index, call in ipairs {
                function() system.findaddr("gate.never") end,
                function() system.nameaddr("gate.never") end,
                function() system.nameaddr(80) end,
                function() system.nameaddr(system.address("ipv4", "127.0.0.1:80")) end,
            } do
                tasks_left[index] = tasks.spawn(call)
            end
            for _, task in ipairs(tasks_left) do leave(task) end
            assert(goingon() == 0)
        end
        local gate <close> = opengate()
        tasks.run()
        assert(asked() == 64 and asked("gate.never") == 0)
    ]], { COUTIL_NAME_THREADS = "64" })
end)

case("a result that is there and not delivered gives way to an explicit resume", function()
    prints_ok([[
        hang(63)
        tasks.until_true(function() return asked() == 63 end)
        local looking, served = {}, {}
        for index = 1, 2 do
            looking[index] = tasks.spawn(function()
                local results = table.pack(system.findaddr("localhost"))
                served[#served + 1] = results
                if #served == 1 then coroutine.resume(looking[3 - index], "left", nil) end
            end)
        end
        -- One worker is left: it has sent both results off when it comes to the third.
        tasks.spawn(function() system.findaddr("gate.third") end)
        repeat until asked("gate.third") == 1
        tasks.until_true(function() return #served == 2 end)
        assert(type(served[1][1]) == "userdata")
        assert(served[2].n == 2 and served[2][1] == "left")
        assert(goingon() == 0)
        local gate <close> = opengate()
        tasks.run()
    ]], { COUTIL_NAME_THREADS = "64" })
end)

-- Collection and the end of a state --------------------------------------------------------------

case("what waits for a lookup is not collected", function()
    prints_ok [[
        local results = {}
        hang(5, results)
        for _ = 1, 3 do collectgarbage() end
        tasks.until_true(function() return asked() == 5 end)
        for _ = 1, 3 do collectgarbage() end
        local gate <close> = opengate()
        tasks.run()
        assert(#results == 5)
    ]]
end)

local closings <const> = {
    ["from the main program"] = 'os.exit(true, true)',
    ["inside run"] = [[
        tasks.spawn(function()
            system.suspend()
            os.exit(true, true)
        end)
        system.run()
    ]],
    ["with abandoned lookups"] = [[
        for index = 1, 20 do
            local task = coroutine.create(system.findaddr)
            coroutine.resume(task, "gate.left" .. index)
            coroutine.resume(task)
        end
        os.exit(true, true)
    ]],
    ["without closing the state"] = 'os.exit(true, false)',
}

for how, ending in pairs(closings) do
    case("a process with hanging lookups ends " .. how, function()
        local before = system.nanosecs()
        equal(resolver.scripted([[
            hang(80)
            tasks.until_true(function() return asked() == 64 end)
            print "hanging"
            io.stdout:flush()
        ]] .. ending), "hanging\n")
        local seconds = (system.nanosecs() - before) / 1e9
        ok(seconds < 15, seconds) -- the child would be killed after 30
    end)
end

case("lua_close waits 100 ms for hanging lookups", function()
    -- Finalizers run in reverse order of marking: one before the scheduler's, and one after it.
    local output = resolver.scripted([[
        now = system.nanosecs
        hang(3)
        tasks.until_true(function() return asked() == 3 end)
        first = setmetatable({}, { __gc = function() begun = now() end })
        os.exit(true, true)
    ]], nil, 'last = setmetatable({}, { __gc = function() print(now() - begun) end })')
    local seconds = tonumber(output) / 1e9
    ok(seconds >= 0.1 and seconds < 10, output)
end)

-- Refusals ---------------------------------------------------------------------------------------

case("out of descriptors the first lookup fails in the call, and a later one works", function()
    prints_ok [[
        local shortage = require "support.shortage"
        local results
        shortage(function()
            tasks.spawn(function() results = table.pack(system.findaddr("localhost")) end)
        end)
        assert(results.n == 3 and results[2] == "too many open files" and results[3] == 24)
        assert(tasks.await(function() return system.findaddr("localhost") end))
    ]]
end)

local codes <const> = {
    { 9, "address family not supported", 3000 }, { 3, "temporary failure", 3001 },
    { 1, "bad ai_flags value", 3002 }, { 101, "request canceled", 3003 },
    { 4, "permanent failure", 3004 }, { 6, "ai_family not supported", 3005 },
    { 10, "out of memory", 3006 }, { 5, "no address", 3007 },
    { 2, "unknown node or service", 3008 }, { 12, "argument buffer overflow", 3009 },
    { 8, "service not available for socket type", 3010 },
    { 7, "socket type not supported", 3011 }, { 105, "invalid Unicode character", 4080 },
}

case("every answer of the resolver has its message and its code", function()
    local chunk, expected = {}, {}
    for index, code in ipairs(codes) do
        for at, name in ipairs { "findaddr", "nameaddr" } do
            chunk[#chunk + 1] = ('tasks.await(function() print(system.%s "fail.%d") end)'):format(
                name, code[1])
            expected[2 * index - 2 + at] = ("false\t%s\t%d\n"):format(code[2], code[3])
        end
    end
    equal(resolver.scripted(table.concat(chunk, "\n")), table.concat(expected))
end)

case("a system call that failed in the resolver tells its errno", function()
    equal(resolver.scripted [[
        tasks.await(function()
            print(system.findaddr "errno.13")
            print(system.nameaddr "errno.24")
            print(system.findaddr "errno.0")
        end)
    ]], "false\tpermission denied\t13\n" .. "false\ttoo many open files\t24\n"
        .. "false\tunknown error\t4094\n")
end)

case("raw results are left out, and nothing else is a failure", function()
    equal(resolver.scripted [[
        tasks.await(function() print(system.findaddr("raw.only", 80)) end)
    ]], "false\taddress family not supported\t97\n")
end)

suite.finish()
