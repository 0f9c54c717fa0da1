-- Manual: system.execute, children and what becomes of them (behaviour 1.4, 2.6, 9.4, D8, D39):
-- abandoned ones run on and are reaped, those of the host are left alone, all without a zombie.

local suite = require("support.suite").strict()
local system = require "coutil.system"
local native = require "native"
local net = require "support.net"
local tasks = require "support.tasks"
local child = require "support.child"
local process = require "support.process"

local case, equal, same, ok = process.case, suite.equal, suite.same, suite.ok

local lost <const> = { n = 3, false, "Unknown system error -10", 10 }

local function awaiting()
    return system.engine("counters").awaiting
end

-- Leaving ----------------------------------------------------------------------------------------

-- The child runs on, keeps no run alive, and is reaped when it ends, whatever the loop does.
local function is_abandoned(command)
    equal(awaiting(), 0)
    equal(system.run(), false)
    ok(process.state(command.pid) ~= "Z" and process.state(command.pid))
    process.kill(command)
    process.await_state(command.pid, nil) -- run is not called
end

case("an explicit resume leaves the child running, and gives its values", function()
    for _, values in ipairs { { n = 0 }, { n = 2, nil, nil }, { n = 3, "exit", 0, false } } do
        local command, task = process.sleeper()
        assert(coroutine.resume(task, table.unpack(values, 1, values.n)))
        same(command.results, values)
        is_abandoned(command)
    end
end)

case("it may come after run has waited for the child", function()
    local command, task = process.sleeper()
    tasks.rounds(3)
    assert(coroutine.resume(task, "enough"))
    same(command.results, { n = 1, "enough" })
    is_abandoned(command)
end)

case("a closed coroutine leaves its child", function()
    for _, rounds in ipairs { 0, 3 } do
        local command, task = process.sleeper()
        tasks.rounds(rounds)
        equal(coroutine.close(task), true)
        equal(command.results, nil)
        is_abandoned(command)
    end
end)

case("the coroutine may execute again at once", function()
    local first, second = {}, {}
    local task = tasks.spawn(function()
        first.execfile, first.arguments = "/bin/sleep", { "60" }
        same(tasks.results(system.execute(first)), { n = 1, "next" })
        second.execfile, second.arguments = "/bin/sh", { "-c", "exit 4" }
        second.results = tasks.results(system.execute(second))
    end)
    assert(coroutine.resume(task, "next"))
    tasks.run()
    same(second.results, { n = 2, "exit", 4 })
    process.kill(first)
    process.await_state(first.pid, nil)
end)

case("leaving when the end is known but not yet delivered", function()
    for _, leave in ipairs { function(task) assert(coroutine.resume(task, "mine")) end,
                             coroutine.close } do
        local commands, list = {}, {}
        local resumed = 0
        for index = 1, 2 do -- whoever is served first leaves for the other
            local command = { execfile = "/bin/true" }
            commands[index] = command
            list[index] = tasks.spawn(function()
                command.results = tasks.results(system.execute(command))
                resumed = resumed + 1
                if resumed == 1 then leave(list[3 - index]) end
            end)
        end
        for index = 1, 2 do process.await_state(commands[index].pid, "Z") end
        tasks.run()
        local told = 0
        for index = 1, 2 do
            local results = commands[index].results
            told = told + (results and results[1] == "exit" and 1 or 0)
            ok(results == nil or results[1] == "exit" or results[1] == "mine")
            equal(process.state(commands[index].pid), nil)
        end
        equal(told, 1)
    end
end)

case("leaving a child that is dead, before run has seen it", function()
    local command = { execfile = "/bin/true" }
    local task = tasks.spawn(function() system.execute(command) end)
    process.await_state(command.pid, "Z")
    assert(coroutine.resume(task))
    process.await_state(command.pid, nil)
end)

case("many children may be abandoned", function()
    local commands = {}
    for index = 1, 50 do
        local task
        commands[index], task = process.sleeper()
        coroutine.close(task)
    end
    equal(system.run(), false)
    for index = 50, 1, -1 do process.kill(commands[index]) end
    for index = 1, 50 do process.await_state(commands[index].pid, nil) end
    -- There is somebody to do it again after all were gone.
    local command, task = process.sleeper()
    coroutine.close(task)
    is_abandoned(command)
end)

case("a waiting coroutine is not collected", function()
    local command = process.sleeper()
    collectgarbage()
    collectgarbage()
    process.kill(command)
    tasks.run()
    same(command.results, { n = 2, "TERMINATE", 9 })
end)

case("an error in the coroutine that is resumed leaves nothing", function()
    coroutine.wrap(function()
        system.execute("/bin/true")
        error("this is only a warning")
    end)()
    tasks.run()
end)

-- Closing the state ------------------------------------------------------------------------------

case("a state that closes drops the wait; its children live on", function()
    for _, ending in ipairs { "", "system.run('ready')", "coroutine.close(task)" } do
        local output = child.expect(child.prelude .. [[
            local command = { execfile = "/bin/sleep", arguments = { "60" }, stdout = false,
                              stderr = false }
            local task = tasks.spawn(function()
                system.execute(command)
                print("resumed")
            end)
            print(command.pid)
        ]] .. ending .. " os.exit(0, true)")
        local pid = math.tointeger(tonumber(output))
        process.await_state(ok(pid, output), "S")
        native.kill(pid, 9)
    end
end)

case("a state that closes with a dead child says nothing of it", function()
    equal(child.expect(child.prelude .. [[
        local process = require "support.process"
        local command = { execfile = "/bin/true" }
        tasks.spawn(function()
            system.execute(command)
            print("resumed")
        end)
        process.await_state(command.pid, "Z")
        os.exit(0, true)
    ]]), "")
end)

case("a coroutine that run executes may end the process", function()
    local output, how, code = child.run(child.prelude .. [[
        tasks.spawn(function() system.execute("/bin/sh", "-c", "exec sleep 60 >&- 2>&-") end)
        tasks.spawn(function()
            system.execute("/bin/true")
            os.exit(3, true)
        end)
        system.run()
    ]])
    equal(output, "")
    same({ how, code }, { "exit", 3 })
    os.execute("true")
end)

-- The host's children ----------------------------------------------------------------------------

case("children of the host keep their ends", function()
    local own = native.fork()
    if own == 0 then native.exit(9) end
    local pipe = assert(io.popen("exit 8"))
    local command = process.sleeper()
    tasks.rounds(3)
    same({ os.execute("exit 7") }, { nil, "exit", 7 })
    process.kill(command, 15)
    process.run("/bin/true")
    tasks.run()
    same(command.results, { n = 2, "terminate", 15 })
    same({ pipe:close() }, { nil, "exit", 8 })
    same({ native.wait(own) }, { "exit", 9 })
end)

case("a child that the host has reaped is told as lost", function()
    local command = process.sleeper()
    process.kill(command)
    same({ native.wait(command.pid) }, { "signal", 9 })
    tasks.run()
    same(command.results, lost)
    command = process.sleeper()
    tasks.rounds(3)
    process.kill(command)
    same({ native.wait(command.pid) }, { "signal", 9 })
    tasks.run()
    same(command.results, lost)
end)

case("an abandoned child that the host has reaped is forgotten", function()
    local command, task = process.sleeper()
    coroutine.close(task)
    process.kill(command)
    native.wait(command.pid) -- or we were faster
    process.await_state(command.pid, nil)
end)

case("where SIGCHLD is ignored the end is lost, but the wait ends", function()
    native.disposition(17, "ignore")
    local command = process.sleeper { stdout = "r" }
    local text = tasks.results(process.output { execfile = "echo", arguments = { "heard" } })
    process.kill(command)
    tasks.run()
    native.disposition(17, "default")
    same(command.results, lost)
    equal(text[1], "heard\n")
    same(text[2], lost)
    equal(tasks.await(net.read_all, command.stdout), "")
    command.stdout:close()
end)

case("a handler of SIGCHLD is the host's, and hears of our children", function()
    local before = native.caught()
    native.disposition(17, "count")
    same(process.run("/bin/true"), { n = 2, "exit", 0 })
    same(process.run("/bin/false"), { n = 2, "exit", 1 })
    local caught = native.caught() - before
    native.disposition(17, "default")
    equal(caught, 2)
end)

case("no handler of SIGCHLD is installed", function()
    local function dispositions()
        local file <close> = assert(io.open("/proc/self/status"))
        return string.match(file:read("a"), "SigIgn:%s*%x+\nSigCgt:%s*%x+")
    end
    local before = dispositions()
    local command = process.sleeper()
    tasks.rounds(3)
    equal(dispositions(), before)
    process.kill(command)
    tasks.run()
end)

-- Many -------------------------------------------------------------------------------------------

case("a thousand children at once, each with its own end", function()
    local count <const> = 1000
    local old = native.limit(4096)
    if not old then suite.skip("the limit of descriptors cannot be raised") end
    local near, far = net.pair() -- what all of them read, until it ends
    local results, pids, over = {}, {}, 0
    for index = 1, count do
        local command = { execfile = "/bin/sh", stdin = far, stdout = false,
                          arguments = { "-c", "read line; exit " .. index % 256 } }
        tasks.spawn(function()
            results[index] = tasks.results(system.execute(command))
            over = over + 1
        end)
        pids[index] = assert(command.pid)
    end
    tasks.rounds(2)
    equal(over, 0)
    for index = 1, count do ok(process.state(pids[index])) end
    near:close()
    tasks.run(60)
    native.limit(old)
    far:close()
    for index = 1, count do
        same(results[index], { n = 2, "exit", index % 256 })
        equal(process.state(pids[index]), nil)
    end
end)

case("children one after the other leave nothing", function()
    local ended = 0
    tasks.spawn(function()
        for _ = 1, 300 do
            same(tasks.results(system.execute("/bin/true")), { n = 2, "exit", 0 })
            ended = ended + 1
        end
    end)
    tasks.run(60)
    equal(ended, 300)
end)

suite.finish()
