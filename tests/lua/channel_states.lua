-- Manual: Channels, system.awaitch (behaviour 2.6, 15.6, D32): between the main state and state
-- coroutines, each on its own thread.

local suite = require("support.suite").strict()
local system = require "coutil.system"
local channel = require "coutil.channel"
local coroutines = require "coutil.coroutine"
local child = require "support.child"
local gates = require "support.gate"
local tasks = require "support.tasks"
local waiters = require "support.waiters"

local equal, same, ok = suite.equal, suite.same, suite.ok

local function case(name, body)
    suite.case(name, function()
        body()
        collectgarbage()
        collectgarbage()
        same(channel.getnames(), {}, "names")
    end)
end

-- What every chunk begins with.
local prelude <const> = gates.prelude .. [[
local assert, error, print, tostring = _G.assert, _G.error, _G.print, _G.tostring
local coroutine = require "coroutine"
local table = require "table"
local system = require "coutil.system"
local channel = require "coutil.channel"
local function run(body)
    local done, problem
    coroutine.wrap(function() done, problem = _G.pcall(body) end)()
    system.run()
    assert(done, problem)
end
]]

local function load(text)
    return assert(coroutines.load(prelude .. text))
end

-- Starts a state coroutine. The returned function waits for its end, and returns what it returned.
local function start(text, ...)
    local co = load(text)
    local results
    tasks.spawn(function(...)
        results = table.pack(system.resume(co, ...))
        assert(results[1], results[2])
    end, ...)
    return function()
        tasks.until_true(function() return results ~= nil end)
        co:close()
        return table.unpack(results, 2, results.n)
    end
end

-- As tasks.await, while states run.
local function await(body, ...)
    local results
    tasks.spawn(function(...) results = table.pack(body(...)) end, ...)
    tasks.until_true(function() return results ~= nil end)
    return table.unpack(results, 1, results.n)
end

local pointer <const> = debug.upvalueid(load, 1) -- a light userdata

case("values of all kinds pass between states, both ways", function()
    local values <const> = table.pack(nil, true, 1, 1.0, -0.0, math.mininteger, "a\0b", pointer,
                                      ("x"):rep(100000), nil)
    local finish = start([[
        local ch = channel.create "x"
        run(function()
            local got = table.pack(system.awaitch(ch, "in"))
            local back = table.pack(system.awaitch(ch, "in", table.unpack(got, 2, got.n)))
            assert(back[1] and back.n == 1)
        end)
    ]])
    local ch <close> = channel.create "x"
    equal(await(system.awaitch, ch, "out", table.unpack(values, 1, values.n)), true)
    local got = table.pack(await(system.awaitch, ch, "out"))
    same(got, table.pack(true, table.unpack(values, 1, values.n)))
    finish()
end)

case("names exist for all states, as long as one of them uses them", function()
    local ch = channel.create "mine\0\1"
    local finish = start([[
        local names = channel.getnames()
        assert(names["mine\0\1"] and not names["mine"])
        kept = channel.create "yours"
        return channel.getnames { yours = 1, other = 1 }.other == nil
    ]])
    equal(finish(), true)
    ch:close()
    local co = load [[ kept = channel.create "kept"; coroutine.yield() ]]
    tasks.await(system.resume, co)
    same(channel.getnames(), { kept = true })
    co:close()
    same(channel.getnames(), {})
end)

case("a wait is matched though its state does not run", function()
    local ch <close> = channel.create "x"
    local co = load [[
        ch = channel.create "x"
        result = nil
        coroutine.wrap(function() result = table.pack(system.awaitch(ch, "in", "waits")) end)()
        coroutine.yield()
        assert(result == nil)
        assert(system.run() == false)
        return table.unpack(result, 1, result.n)
    ]]
    same({ tasks.await(system.resume, co) }, { true })
    same({ ch:sync("out", "syncs") }, { true, "waits" })
    same({ ch:sync("out", "late") }, { false, "empty" })
    same({ tasks.await(system.resume, co) }, { true, true, "syncs" })
    co:close()
end)

case("run sleeps until another state comes", function()
    local gate <close> = gates.create()
    local ch <close> = channel.create "x"
    local waiter = waiters.start(system.awaitch, ch, "in")
    local finish = start([[
        pass(...)
        local ch = channel.create "x"
        system.suspend(0.02, "~")
        assert(ch:sync("out", "woken"))
    ]], gate.path)
    gate:open()
    tasks.run()
    waiters.expect_results(waiter, true, "woken")
    finish()
end)

case("a match that another state made is consumed by an explicit resume", function()
    for _, leave in ipairs { coroutine.resume, coroutine.close } do
        local ch <close> = channel.create "x"
        local waiter = waiters.start(system.awaitch, ch, "in", "taken")
        -- Its end is in the same mailbox, behind the match; nothing has been opened yet.
        local co = load [[
            local done, value = channel.create "x":sync("out", "lost")
            assert(done and value == "taken")
            local io = require "io"
            io.open(..., "w"):close()
        ]]
        local gate <close> = gates.create()
        local results
        tasks.spawn(function() results = table.pack(system.resume(co, gate.path)) end)
        local file = io.open(gate.path, "r") -- until the state opens it
        file:close()
        equal(coroutine.status(waiter.thread), "suspended")
        ok(leave(waiter.thread, "left"))
        if leave == coroutine.resume then waiters.expect_results(waiter, "left") end
        same({ ch:sync("out") }, { false, "empty" })
        -- The channel and the coroutine's record serve the next wait while the mail is unopened.
        local next_one = waiters.start(system.awaitch, ch, "in", "next")
        same({ ch:sync("out", "kept") }, { true, "next" })
        tasks.run()
        waiters.expect_results(next_one, true, "kept")
        same(results, { true, n = 1 })
        co:close()
    end
end)

case("a match that another state made is delivered when the channel's scope is left", function()
    local gate <close> = gates.create()
    local waiter
    local co = load [[
        assert(channel.create "x":sync("out", "values"))
        require "io".open(..., "w"):close()
    ]]
    do
        local ch <close> = channel.create "x"
        waiter = waiters.start(system.awaitch, ch, "in")
        tasks.spawn(function() ok(system.resume(co, gate.path)) end)
        io.open(gate.path, "r"):close()
    end
    waiters.expect_waiting(waiter)
    tasks.run()
    waiters.expect_results(waiter, true, "values")
    co:close()
end)

case("a state that closes takes its waits from the channels", function()
    local ch <close> = channel.create "x"
    local co = load [[
        ch = {}
        for index = 1, 10 do
            ch[index] = channel.create "x"
            coroutine.wrap(function() system.awaitch(ch[index], "in", index) end)()
        end
        coroutine.yield()
    ]]
    tasks.await(system.resume, co)
    same({ ch:sync("out") }, { true, 1 })
    co:close()
    same({ ch:sync("out") }, { false, "empty" })
end)

case("a state closes with matches on their way to it", function()
    local ch <close> = channel.create "x"
    for _ = 1, 20 do
        local co = load [[
            ch = {}
            threads = {}
            for index = 1, 10 do
                ch[index] = channel.create "x"
                threads[index] = coroutine.create(function()
                    system.awaitch(ch[index], "in", index)
                    error "resumed"
                end)
                coroutine.resume(threads[index])
            end
            coroutine.yield()
            for index = 1, 3 do coroutine.close(threads[index]) end
            coroutine.yield()
        ]]
        tasks.await(system.resume, co)
        for index = 1, 6 do
            same({ ch:sync("out", ("x"):rep(1000)) }, { true, index })
        end
        tasks.await(system.resume, co) -- leaves three whose mail was not opened
        co:close()
        same({ ch:sync("out") }, { false, "empty" })
    end
end)

case("channels that finalizers make while their state closes do not stay", function()
    for _, after in ipairs { "", "coroutine.wrap(system.awaitch)(late, 'in')" } do
        local co = load([[
            kept = _G.setmetatable({}, { __gc = function()
                local late = channel.create "late"
                ]] .. after .. [[
            end })
        ]])
        tasks.await(system.resume, co)
        co:close()
        same(channel.getnames(), {})
    end
end)

case("ping-pong between two states that run", function()
    local count <const> = 3000
    local finish = start([[
        local count = ...
        local ch = channel.create "x"
        run(function()
            for index = 1, count do
                local done, value = system.awaitch(ch, "in", -index)
                assert(done and value == index)
            end
        end)
        return "finished"
    ]], count)
    local ch = channel.create "x"
    tasks.spawn(function()
        for index = 1, count do
            local done, value = system.awaitch(ch, "out", index)
            assert(done and value == -index)
        end
    end)
    tasks.run(30)
    equal(finish(), "finished")
    ch:close()
end)

case("many states at both ends of a few channels lose nothing and invent nothing", function()
    local states <const>, each <const>, width <const> = 4, 300, 5
    local finishes = {}
    for state = 1, states do
        finishes[state] = start([[
            local state, each, width = ...
            local sent, got = 0, 0
            local left = each * width
            for lane = 1, width do
                local ends = state % 2 == 0 and "in" or "out"
                coroutine.wrap(function()
                    local ch <close> = channel.create("lane " .. lane % 2)
                    for index = 1, each do
                        local value = state * 1000000 + lane * 10000 + index
                        sent = sent + value
                        local done, other
                        if ends == "out" and index % 3 == 0 then -- the others wait
                            repeat
                                done, other = ch:sync(ends, value)
                                if not done then system.suspend() end
                            until done
                        else
                            done, other = system.awaitch(ch, ends, value)
                        end
                        assert(done)
                        got = got + other
                        left = left - 1
                    end
                end)()
            end
            system.run()
            assert(left == 0)
            return sent, got
        ]], state, each, width)
    end
    local sent, got = 0, 0
    for state = 1, states do
        local mine, theirs = finishes[state]()
        sent, got = sent + mine, got + theirs
    end
    equal(got, sent)
    tasks.run()
end)

-- Matches and resumes race. Who was resumed by hand may have been matched or not; but nobody is
-- matched twice, and whoever was told of a match had one.
case("whoever leaves while another state comes is matched once or not at all", function()
    local count <const> = 5000
    local finish = start([[
        local count = ...
        local ch <close> = channel.create "x"
        local taken = {}
        repeat
            local done, value = ch:sync("out", #taken + 1)
            if done then
                assert(value > (taken[#taken] or 0))
                taken[#taken + 1] = value
            end
        until value == count
        assert(ch:sync("out", "never") == false)
        return table.concat(taken, " ")
    ]], count)
    local ch <close> = channel.create "x"
    local told = {}
    local function note(index, results)
        equal(results[1], true)
        told[index] = results[2]
    end
    for index = 1, count - 1 do
        local waiter = waiters.start(system.awaitch, ch, "in", index)
        if index % 4 == 0 then
            system.run "ready"
        end
        if waiter.results then
            note(index, waiter.results)
        else
            ok(coroutine.resume(waiter.thread))
            waiters.expect_results(waiter)
        end
    end
    local last = waiters.start(system.awaitch, ch, "in", count)
    tasks.until_true(function() return last.results ~= nil end)
    note(count, last.results)
    local place, seen = 0, 0
    for index in string.gmatch(finish(), "%d+") do
        place = place + 1
        index = tonumber(index)
        if told[index] then
            equal(told[index], place, "the number of the match")
            seen = seen + 1
            told[index] = nil
        end
    end
    equal(next(told), nil, "told of a match that was not made")
    ok(seen >= 1)
end)

case("the process ends while states wait for each other", function()
    local output = child.expect([=[
        local system = require "coutil.system"
        local channel = require "coutil.channel"
        local coroutines = require "coutil.coroutine"
        local kept = {}
        for index = 1, 10 do
            local co = assert(coroutines.load [[
                local _G = require "_G"
                local coroutine = require "coroutine"
                local system, channel = require "coutil.system", require "coutil.channel"
                kept = channel.create "x"
                coroutine.wrap(function(...) system.awaitch(kept, ...) end)("in", ...)
                coroutine.yield()
            ]])
            kept[index] = co
            coroutine.wrap(system.resume)(co, index)
        end
        assert(system.run() == false)
        for index = 1, 10 do
            local ch = channel.create "x"
            kept[#kept + 1] = ch
            if index > 3 then
                assert(ch:sync "out")
            end
        end
        coroutine.wrap(system.awaitch)(kept[#kept], "in")
        print "ends"
    ]=])
    equal(output, "ends\n")
end)

suite.finish()
