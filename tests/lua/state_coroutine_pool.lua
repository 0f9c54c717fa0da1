-- State coroutines and the workers that run them (behaviour 1.4, 2.6, 15.2, D35, D40): how many run
-- at once, in which order, what is left of those that did not begin, and ends of processes. Each
-- case has a process of its own.

local suite = require("support.suite").strict()
local child = require "support.child"

local case, equal, ok = suite.case, suite.equal, suite.ok

local prelude <const> = child.prelude .. [[
local coroutines = require "coutil.coroutine"
local gates = require "support.gate"
local suite = require "support.suite"
local equal, same, ok = suite.equal, suite.same, suite.ok
local function load(text)
    return assert(coroutines.load(gates.prelude .. text))
end
local function start(body, ...)
    local task = coroutine.create(body)
    assert(coroutine.resume(task, ...))
    assert(coroutine.status(task) == "suspended")
    return task
end
]]

local function expect(chunk, threads)
    local environment = { UV_THREADPOOL_SIZE = threads and tostring(threads) or false }
    return child.expect(prelude .. chunk, { environment = environment })
end

case("as many run at once as UV_THREADPOOL_SIZE says", function()
    for _, threads in ipairs { 1, 2, 7 } do
        expect([[
            local threads = ]] .. threads .. [[
            local opened = {}
            for index = 1, threads do
                opened[index] = gates.create()
                start(system.resume, load "pass(...)", opened[index].path)
            end
            for _, gate in ipairs(opened) do gate:await() end
            for _, gate in ipairs(opened) do gate:open() end
            equal(system.run(), false)
        ]], threads)
    end
end)

case("by default four run at once", function()
    expect [[
        local opened = {}
        for index = 1, 4 do
            opened[index] = gates.create()
            start(system.resume, load "pass(...)", opened[index].path)
        end
        for _, gate in ipairs(opened) do gate:await() end
        for _, gate in ipairs(opened) do gate:open() end
        equal(system.run(), false)
    ]]
end)

case("those for which there is no worker wait in the order of the calls, as running", function()
    expect([==[
        local gate <close> = gates.create()
        local first = load "pass(...)"
        start(system.resume, first, gate.path)
        local path = os.tmpname()
        for index = 1, 20 do
            local co = load [[
                local file = require "io".open(..., "a")
                file:write(select(2, ...), " ")
                file:close()
            ]]
            start(function() system.resume(co, path, index) end)
            equal(co:status(), "running")
        end
        gate:await()
        equal(io.open(path):read("a"), "")
        gate:open()
        equal(system.run(), false)
        equal(io.open(path):read("a"), "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 ")
        os.remove(path)
    ]==], 1)
end)

case("one that was left before a worker took it stays suspended and has no arguments", function()
    expect([[
        for _, leave in ipairs { coroutine.resume, coroutine.close } do
            local gate <close> = gates.create()
            start(system.resume, load "pass(...)", gate.path)
            gate:await()
            local co = load "return ..."
            local task = start(system.resume, co, "dropped")
            equal(co:status(), "running")
            ok(leave(task, 1))
            equal(co:status(), "suspended")
            equal(system.engine("counters").goingon, 0)
            same(table.pack(coroutine.resume(coroutine.create(system.resume), co, {})),
                 { true, false, "unable to transfer argument #2 (got table)", n = 3 })
            local results
            start(function() results = table.pack(system.resume(co, "kept")) end)
            gate:open()
            equal(system.run(), false)
            same(results, { true, "kept", n = 2 })
        end
    ]], 1)
end)

-- The worker has come to the third one, so the others are finished and posted. Whoever is resumed
-- first leaves the other.
case("results that were not delivered yet are dropped when their coroutine is left", function()
    expect([[
        for _, leave in ipairs { coroutine.resume, coroutine.close } do
            local gate <close> = gates.create()
            local states, waiting, got = {}, {}, 0
            for index = 1, 2 do
                states[index] = load "require 'coroutine'.yield(...) return 'more'"
                waiting[index] = start(function()
                    local done = system.resume(states[index], 1)
                    if done == true then got = got + 1 end
                    if coroutine.status(waiting[3 - index]) == "suspended" then
                        leave(waiting[3 - index], "left")
                    end
                end)
            end
            start(system.resume, load "pass(...)", gate.path)
            gate:await()
            equal(system.run("step"), true)
            equal(got, 1)
            for index = 1, 2 do
                equal(coroutine.status(waiting[index]), "dead")
                equal(states[index]:status(), "suspended")
            end
            gate:open()
            equal(system.run(), false)
            for index = 1, 2 do
                tasks.spawn(function()
                    same(table.pack(system.resume(states[index])), { true, "more", n = 2 })
                end)
            end
            tasks.run()
        end
    ]], 1)
end)

case("one that waits for a worker can be collected once its coroutine is gone", function()
    expect([[
        local gate <close> = gates.create()
        start(system.resume, load "pass(...)", gate.path)
        gate:await()
        local weak = setmetatable({ load "error 'never'" }, { __mode = "v" })
        local task = coroutine.create(system.resume)
        coroutine.resume(task, weak[1])
        coroutine.close(task)
        task = nil
        collectgarbage()
        collectgarbage()
        equal(weak[1], nil)
        gate:open()
        equal(system.run(), false)
    ]], 1)
end)

case("closing the main state waits for those that run", function()
    local output = expect([[
        local gate = gates.create()
        start(system.resume, load "pass(...) require'os'.execute'sleep 0.1' print 'end'", gate.path)
        start(system.resume, load "print 'never'")
        gate:open()
        os.remove(gate.path)
        print "main"
        io.stdout:flush()
        keep = setmetatable({}, { __gc = function() print "finalizer" end })
    ]], 1)
    ok(string.find(output, "end", 1, true), output)
    ok(string.find(output, "main", 1, true), output)
    equal(string.find(output, "never", 1, true), nil)
end)

case("closing the main state closes suspended ones and runs their finalizers", function()
    local output = expect [[
        keep = load "kept = setmetatable({}, { __gc = function() print 'inner' end })"
        tasks.await(system.resume, keep)
        other = load [=[
            local a <close> = setmetatable({}, { __close = function() print 'variable' end })
            require "coroutine".yield()
        ]=]
        tasks.await(system.resume, other)
    ]]
    ok(output == "inner\nvariable\n" or output == "variable\ninner\n", output)
end)

case("a process ends through os.exit from inside run, with its states closed", function()
    local output = expect [[
        local co = load [=[
            kept = setmetatable({}, { __gc = function() print 'inner' end })
            require "coroutine".yield()
        ]=]
        start(function()
            system.resume(co)
            os.exit(0, true)
        end)
        system.run()
        print "never"
    ]]
    equal(output, "inner\n")
end)

case("os.exit without closing does not wait for those that run", function()
    expect [[
        local gate = gates.create()
        start(system.resume, load "pass(...)", gate.path)
        start(system.resume, load "while true do end")
        gate:await()
        os.remove(gate.path)
        os.exit(0, false)
    ]]
end)

case("a state coroutine can end the process", function()
    for _, where in ipairs { "system.run()", "system.suspend(20, '~')" } do
        local output, how, code = child.run(prelude .. [[
            start(system.resume, load "require'os'.exit(7)")
        ]] .. where)
        equal(how, "exit", output)
        equal(code, 7)
    end
end)

case("in a forked child resuming raises, and what runs in the parent is left alone", function()
    expect [[
        local gate <close> = gates.create()
        local running, sleeping = load "pass(...)", load "return 1"
        start(system.resume, running, gate.path)
        gate:await()
        local pid = native.fork()
        if pid == 0 then
            local done, problem = pcall(system.resume, sleeping)
            running, sleeping = nil, nil
            collectgarbage()
            collectgarbage()
            native.exit(not done and problem == "scheduler not usable after fork" and 0 or 1)
        end
        same({ native.wait(pid) }, { "exit", 0 })
        gate:open()
        equal(system.run(), false)
    ]]
end)

case("standard input is a chunk when no path is given", function()
    local path = os.tmpname()
    local file = assert(io.open(path, "w"))
    file:write("return 'from input', ...")
    file:close()
    local command, script = child.command(prelude .. [[
        print(tasks.await(system.resume, assert(coroutines.loadfile(nil, "t")), 1))
    ]])
    local pipe = assert(io.popen("(" .. command .. ") 2>&1 <" .. path))
    equal(pipe:read("a"), "true\tfrom input\t1\n")
    pipe:close()
    os.remove(path)
    os.remove(script)
end)

suite.finish()
