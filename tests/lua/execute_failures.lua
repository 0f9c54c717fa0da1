-- Manual: system.execute, errors and failures (behaviour 1.7, 9.1, 9.2, 9.4, 10.3): their texts and
-- order, and that nothing is left behind: no child, no descriptor, no SIGCHLD.

local suite = require("support.suite").strict()
local system = require "coutil.system"
local memory = require "memory"
local native = require "native"
local tasks = require "support.tasks"
local shell = require "support.shell"
local shortage = require "support.shortage"
local process = require "support.process"

local case, equal, same, ok, fails = process.case, suite.equal, suite.same, suite.ok, suite.fails

-- Expects that the call raises this in a task.
local function raises(text, ...)
    local words = table.pack(...)
    return fails(function()
        tasks.await(function() system.execute(table.unpack(words, 1, words.n)) end)
    end, text)
end

-- Errors -----------------------------------------------------------------------------------------

case("that the caller cannot yield is seen before anything else", function()
    for _, argument in ipairs { "/bin/true", {}, 7, true, print } do
        fails(function() system.execute(argument) end, "unable to yield")
    end
    fails(function() system.execute() end, "unable to yield")
end)

case("a command is a string or a table", function()
    local text = "bad argument #1 to 'execute' (table or string expected)"
    raises(text)
    for _, argument in ipairs { true, print, memory.create(1) } do raises(text, argument) end
    raises(text, nil, "word")
end)

case("words are strings or numbers", function()
    raises("bad argument #2 to 'execute' (string expected, got nil)", "/bin/true", nil)
    raises("bad argument #3 to 'execute' (string expected, got table)", "/bin/true", 1, {})
    raises("bad argument #4 to 'execute' (string expected, got coutil:netaddress)",
           "/bin/true", 1, "", system.address("ipv4"))
end)

case("execfile is a string", function()
    local text = "bad field execfile (must be a string)"
    raises(text, {})
    raises(text, { execfile = true })
    raises(text, { execfile = {} })
    same(process.run { execfile = 7 }, { n = 3, false, "no such file or directory", 2 })
end)

case("runpath is a string or nil", function()
    local text = "bad field runpath (must be a string)"
    for _, value in ipairs { true, {}, print } do
        raises(text, { execfile = "/bin/true", runpath = value })
    end
    raises(text, { execfile = "/bin/true", runpath = false })
    same(process.run { execfile = "/bin/true", runpath = 7 },
         { n = 3, false, "no such file or directory", 2 })
end)

case("arguments is a table of strings and numbers", function()
    for _, value in ipairs { true, "word", 7, print } do
        raises("bad argument #1 to 'execute' (field 'arguments' must be a table)",
               { execfile = "/bin/true", arguments = value })
    end
    for _, value in ipairs { true, {}, print } do
        raises("bad value #2 in field 'arguments' (must be a string)",
               { execfile = "/bin/true", arguments = { "x", value, false } })
    end
    local empty = setmetatable({}, { __len = function() return 1 end })
    raises("bad value #1 in field 'arguments' (must be a string)",
           { execfile = "/bin/true", arguments = empty })
end)

case("environment is a table or packed", function()
    local types = { boolean = true, string = "x", number = 7, ["function"] = print,
                    ["coutil:netaddress"] = system.address("ipv4"), ["FILE*"] = io.stdout }
    for name, value in pairs(types) do
        raises("bad argument #3 to 'execute' (coutil:procesenv expected, got " .. name .. ")",
               { execfile = "/bin/true", environment = value })
    end
end)

case("names and values of an environment are what they can be", function()
    for text, variables in pairs {
        ["bad name 'A=B' in environment (cannot contain '=')"] = { ["A=B"] = "x" },
        ["bad name 'A' in environment (cannot contain '=')"] = { A = true },
        ["bad name 'boolean' in environment"] = { [true] = "x" },
        ["bad name 'table' in environment"] = { [{}] = "x" },
    } do
        raises(text, { execfile = "/bin/true", environment = variables })
    end
end)

case("fields are looked at in their order, each once", function()
    local seen = {}
    local command = setmetatable({}, { __index = function(_, name)
        seen[#seen + 1] = name
        return name == "execfile" and "/bin/true" or nil
    end })
    same(process.run(command), { n = 2, "exit", 0 })
    same(seen, { "execfile", "runpath", "stdin", "stdout", "stderr", "arguments", "environment" })
    local order = { "execfile", "runpath", "stdin", "stdout", "stderr", "arguments" }
    for from = 1, #order do -- all from here on are wrong: this one is told
        local wrong = { environment = true }
        for index, name in ipairs(order) do
            if index >= from then wrong[name] = true end
        end
        wrong.execfile = wrong.execfile or "/bin/true"
        raises(order[from], wrong)
    end
end)

case("what is closed is only found when all fields are right", function()
    local closed = assert(system.socket("stream", "ipv4"))
    closed:close()
    raises("bad value #1", { execfile = "/bin/true", stdin = closed, arguments = { true } })
end)

case("an error leaves no pid; created streams stand in their fields all the same", function()
    local command = { execfile = "/bin/true", stdin = "w", stdout = "rs", arguments = 7 }
    raises("field 'arguments'", command)
    equal(command.pid, nil)
    equal(getmetatable(command.stdin).__name, "coutil:pipeactive")
    equal(getmetatable(command.stdout).__name, "coutil:pipeshare")
end)

case("an error while pid is set leaves a child that is reaped all the same", function()
    local pid
    local command = setmetatable({ execfile = "/bin/sleep", arguments = { "60" } }, {
        __newindex = function(_, _, value)
            pid = value
            error("not today")
        end,
    })
    raises("not today", command)
    equal(system.engine("counters").awaiting, 0)
    native.kill(pid, 9)
    process.await_state(pid, nil)
end)

case("a program may wait while pid is set", function()
    local waits = {}
    local command = setmetatable({ execfile = "/bin/true" }, {
        __newindex = function()
            for index = 1, 300 do -- more than there was room for
                waits[index] = coroutine.wrap(function() system.suspend(0.001) end)
                waits[index]()
            end
        end,
    })
    same(process.run(command), { n = 2, "exit", 0 })
    tasks.run()
end)

case("a child that ends while pid is set is told of", function()
    local command = setmetatable({ execfile = "/bin/sh", arguments = { "-c", "exit 6" } }, {
        __newindex = function(_, _, pid)
            process.await_state(pid, "Z")
        end,
    })
    same(process.run(command), { n = 2, "exit", 6 })
    local nested = setmetatable({ execfile = "/bin/sh", arguments = { "-c", "exit 6" } }, {
        __newindex = function(_, _, pid)
            process.await_state(pid, "Z")
            coroutine.wrap(function() system.suspend(0.001) end)()
            if not system.isrunning() then system.run() end
        end,
    })
    same(process.run(nested), { n = 2, "exit", 6 })
end)

case("pid cannot be waited for in a metamethod", function()
    local command = setmetatable({ execfile = "/bin/true" }, {
        __newindex = function() system.suspend() end,
    })
    raises("unable to yield", command)
end)

-- Failures ---------------------------------------------------------------------------------------

local missing <const> = { n = 3, false, "no such file or directory", 2 }
local denied <const> = { n = 3, false, "permission denied", 13 }

-- The results of a call that does not yield.
local function at_once(...)
    local results
    tasks.spawn(function(...) results = tasks.results(system.execute(...)) end, ...)
    return results
end

case("a program that is not there fails at once", function()
    same(at_once("/nowhere/program"), missing)
    same(at_once("no-such-program-anywhere"), missing)
    same(at_once(""), missing)
    same(at_once { execfile = "" }, missing)
    same(at_once { execfile = "/bin/true", runpath = "/nowhere" }, missing)
    same(at_once { execfile = "/bin/true", runpath = "" }, missing)
end)

case("so does one without its interpreter", function()
    local script <close> = process.script("#!/nowhere/interpreter\n")
    same(at_once(script.path), missing)
end)

case("what may not be executed, or is none, is denied", function()
    local script <close> = process.script("exit 0\n", "644")
    same(at_once(script.path), denied)
    same(at_once("/tmp"), denied)
    same(at_once("/dev/null"), denied)
end)

case("paths fail as the kernel says", function()
    same(at_once("/bin/true/x"), { n = 3, false, "not a directory", 20 })
    same(at_once { execfile = "/bin/true", runpath = "/bin/true" },
         { n = 3, false, "not a directory", 20 })
    same(at_once("/" .. string.rep("x", 300)), { n = 3, false, "name too long", 36 })
    same(at_once(string.rep("x", 300)), { n = 3, false, "name too long", 36 })
    local place <close> = shell.directory()
    assert(os.execute(string.format("ln -s b %s/a && ln -s a %s/b", place.path, place.path)))
    same(at_once(place.path .. "/a"), { n = 3, false, "too many symbolic links encountered", 40 })
end)

case("words that are too long fail", function()
    local long = string.rep("x", 1 << 20)
    local problem <const> = { n = 3, false, "argument list too long", 7 }
    same(at_once("/bin/true", long), problem)
    same(at_once { execfile = "true", arguments = { long } }, problem)
    same(at_once { execfile = "/bin/true", environment = { A = long } }, problem)
end)

case("a failure sets the streams' fields and no pid", function()
    local command = { execfile = "/nowhere/program", stdin = "w", stdout = "r", stderr = "rs" }
    same(at_once(command), missing)
    equal(command.pid, nil)
    for _, name in ipairs { "stdin", "stdout", "stderr" } do
        local stream = command[name]
        same(tasks.results(stream:getaddress()), { n = 3, false, "bad file descriptor", 9 })
        equal(stream:close(), true)
    end
end)

case("a failure opens nothing that lasts, and no signal tells of it", function()
    local before = native.descriptors()
    local caught = native.caught()
    native.disposition(17, "count")
    for _ = 1, 20 do
        same(at_once { execfile = "/nowhere/program", stdin = "w", stdout = "r" }, missing)
        same(at_once { execfile = "/bin/true", runpath = "/nowhere", stdin = false }, missing)
        same(at_once("/tmp"), denied)
        ok(native.childless())
        same(native.descriptors(), before)
    end
    equal(native.caught(), caught)
    native.disposition(17, "default")
end)

case("a host that ignores SIGCHLD is told of failures all the same", function()
    native.disposition(17, "ignore")
    same(at_once("/nowhere/program"), missing)
    native.disposition(17, "default")
end)

case("without descriptors it fails, and works again later", function()
    local problem <const> = { n = 3, false, "too many open files", 24 }
    local results = {}
    shortage(function()
        results[1] = at_once("/bin/true")
        results[2] = at_once { execfile = "/bin/true", stdin = "w", stdout = "r" }
        results[3] = at_once { execfile = "/bin/true", stdin = false }
    end)
    for _, each in ipairs(results) do same(each, problem) end
    equal(#results, 3)
    same(process.run("/bin/true"), { n = 2, "exit", 0 })
end)

case("a failed call leaves the coroutine free for the next", function()
    tasks.await(function()
        same(tasks.results(system.execute("/nowhere/program")), missing)
        same(tasks.results(system.execute("/bin/true")), { n = 2, "exit", 0 })
        same(tasks.results(system.execute("/nowhere/program")), missing)
        equal(system.suspend(), true)
        same(tasks.results(system.execute { execfile = "/bin/true", stdin = "w" }),
             { n = 2, "exit", 0 })
    end)
end)

case("after a fork there is no scheduler to wait with", function()
    local pid = native.fork()
    if pid == 0 then
        local done, problem = coroutine.resume(coroutine.create(system.execute), "/bin/true")
        local right = not done and string.find(problem, "scheduler not usable after fork", 1, true)
        native.exit(right and 0 or 1)
    end
    same({ native.wait(pid) }, { "exit", 0 })
end)

suite.finish()
