-- Children for the tests of system.execute: what they print, how they are, whether they are gone.

local suite = require "support.suite"
local system = require "coutil.system"
local memory = require "memory"
local native = require "native"
local net = require "support.net"
local tasks = require "support.tasks"

local process = {}

-- The results of execute with these arguments, once it is over. Others may go on waiting.
function process.run(...)
    local results
    tasks.spawn(function(...) results = tasks.results(system.execute(...)) end, ...)
    tasks.until_true(function() return results end)
    return results
end

-- What the command, a table, prints to its standard output (or to `field`); then how it ended.
-- Others may go on waiting.
function process.output(command, field)
    field = field or "stdout"
    command[field] = "r"
    local output, results
    tasks.spawn(function() results = tasks.results(system.execute(command)) end)
    local stream <close> = command[field]
    tasks.spawn(function() output = results and "" or net.read_all(stream) end)
    tasks.until_true(function() return output and results end)
    return output, results
end

-- What the shell prints that executes this; it must end well. `command` has other fields.
function process.shell(script, command)
    command = command or {}
    command.execfile = "/bin/sh"
    command.arguments = { "-c", script }
    local output, results = process.output(command)
    suite.same(results, { n = 2, "exit", 0 })
    return output
end

-- The state of a process, a letter, as the kernel tells; nil when there is no such process.
function process.state(pid)
    local file <close> = io.open("/proc/" .. pid .. "/stat")
    return file and string.match(file:read("a") or "", "%) (%a)")
end

-- Waits, without running the scheduler, until the body returns something true; returns that.
local function await(body, what)
    local limit = system.nanosecs() + 10 * 1000000000
    local found = body()
    while not found do
        assert(system.nanosecs() < limit, what)
        system.suspend(0.001, "~")
        found = body()
    end
    return found
end

-- Waits until the process has that state, or none.
function process.await_state(pid, state)
    await(function() return process.state(pid) == state end, "the process is in another state")
end

-- The words of a process, with a zero byte behind each. They are there a moment after the program.
function process.words(pid)
    return await(function()
        local file <close> = assert(io.open("/proc/" .. pid .. "/cmdline"))
        local text = file:read("a")
        return text ~= "" and text
    end, "no words")
end

local sleepers = {}

-- A child that lives until it is killed, and the task that awaits it, which keeps the results in
-- the command, a table: its field `results`.
function process.sleeper(command)
    command = command or {}
    command.execfile = "/bin/sleep"
    command.arguments = { "60" }
    local task = tasks.spawn(function()
        command.results = tasks.results(system.execute(command))
    end)
    assert(command.pid, "no child")
    sleepers[#sleepers + 1] = command
    return command, task
end

function process.kill(command, signal)
    assert(native.kill(command.pid, signal or 9))
end

-- A case after which there is no child, running or dead. What reaps abandoned children does so
-- behind the program's back, and so gets the time it needs to be done.
function process.case(name, body)
    suite.case(name, function()
        local _, opened = native.descriptors()
        sleepers = {}
        local done, problem = xpcall(body, debug.traceback)
        if not done then -- the cases to come find nobody of this one
            for _, command in ipairs(sleepers) do native.kill(command.pid, 9) end
            tasks.rounds(100)
            error(problem, 0)
        end
        await(native.childless, "a child is left")
        collectgarbage()
        collectgarbage()
        await(function() return select(2, native.descriptors()) == opened end,
              "descriptors are left")
    end)
end

-- A file that can be executed, with this text and mode, in a to-be-closed variable.
function process.script(text, mode, path)
    path = path or os.tmpname()
    local file <close> = assert(io.open(path, "w"))
    assert(file:write(text))
    assert(os.execute("chmod " .. (mode or "755") .. " " .. path))
    return setmetatable({ path = path }, { __close = function() os.remove(path) end })
end

process.buffer = memory.create(65536)

-- The first child makes the engine open what it keeps.
process.run("/bin/true")

return process
