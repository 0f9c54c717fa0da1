-- Manual: system.execute (behaviour 9.1 to 9.4): words and tables, where programs are found, what a
-- child inherits, how it tells its end.

local suite = require("support.suite").strict()
local system = require "coutil.system"
local native = require "native"
local net = require "support.net"
local tasks = require "support.tasks"
local child = require "support.child"
local shell = require "support.shell"
local process = require "support.process"

local case, equal, same, ok = process.case, suite.equal, suite.same, suite.ok

-- Ends -------------------------------------------------------------------------------------------

case("an exit is told by its status", function()
    for _, status in ipairs { 0, 1, 2, 126, 127, 128, 255 } do
        same(process.run("/bin/sh", "-c", "exit " .. status), { n = 2, "exit", status })
    end
    equal(math.type(process.run("/bin/true")[2]), "integer")
end)

local named <const> = {
    TERMINATE = 9, abort = 6, brokenpipe = 13, clocktime = 14, cpulimit = 24, cputime = 26,
    cputotal = 27, filelimit = 25, hangup = 1, interrupt = 2, polling = 29, quit = 3,
    sysargerr = 31, terminate = 15, trap = 5, userdef1 = 10, userdef2 = 12,
}

case("a signal that kills is told by its name and number", function()
    for name, number in pairs(named) do
        local command = process.sleeper()
        process.kill(command, number)
        tasks.run()
        same(command.results, { n = 2, name, number })
    end
end)

case("a signal without a name is told as signal", function()
    for _, number in ipairs { 4, 7, 8, 11, 30, 34, 50, 64 } do
        local command = process.sleeper()
        process.kill(command, number)
        tasks.run()
        same(command.results, { n = 2, "signal", number })
    end
end)

case("being stopped and continued is no end", function()
    local command = process.sleeper()
    process.kill(command, 19)
    process.await_state(command.pid, "T")
    tasks.rounds(3)
    process.kill(command, 18)
    process.await_state(command.pid, "S")
    tasks.rounds(3)
    equal(command.results, nil)
    process.kill(command, 15)
    tasks.run()
    same(command.results, { n = 2, "terminate", 15 })
end)

-- Starting ---------------------------------------------------------------------------------------

case("the child is there when the call yields, and pid is its number", function()
    local command = process.sleeper()
    equal(math.type(command.pid), "integer")
    ok(process.state(command.pid))
    process.kill(command)
    tasks.run()
    equal(command.results[1], "TERMINATE")
end)

case("nothing is yielded", function()
    local waiting = coroutine.create(system.execute)
    same(tasks.results(coroutine.resume(waiting, "/bin/true")), { n = 1, true })
    tasks.run()
    equal(coroutine.status(waiting), "dead")
end)

case("a child that ended before run began is told all the same", function()
    local command = { execfile = "/bin/sh", arguments = { "-c", "exit 5" } }
    local results
    tasks.spawn(function() results = tasks.results(system.execute(command)) end)
    process.await_state(command.pid, "Z")
    equal(results, nil)
    tasks.run()
    same(results, { n = 2, "exit", 5 })
end)

case("children run at the same time, and each tells its own end", function()
    local results = {}
    for status = 1, 20 do
        tasks.spawn(function()
            results[status] = tasks.results(system.execute("/bin/sh", "-c", "exit " .. status))
        end)
    end
    tasks.run()
    for status = 1, 20 do same(results[status], { n = 2, "exit", status }) end
end)

case("a child that ended resumes in step, and run then says that nothing waits", function()
    local command = process.sleeper()
    process.kill(command)
    process.await_state(command.pid, "Z")
    equal(system.run("step"), false)
    ok(command.results)
end)

-- Words ------------------------------------------------------------------------------------------

-- A program that prints its arguments, the name it was started with first.
local show <const> = [[printf '%s|' "$0" "$@"]]

local function printed(...)
    local path = os.tmpname()
    local words = table.pack(...)
    local script = "exec > " .. path .. "; " .. show
    same(process.run("/bin/sh", "-c", script, table.unpack(words, 1, words.n)),
         { n = 2, "exit", 0 })
    local text = shell.read(path)
    os.remove(path)
    return text
end

case("words are strings and numbers, and end at a zero byte", function()
    equal(printed("name", "a b", "", 7, 1.5, "cut\0off", "'\"$x"), "name|a b||7|1.5|cut|'\"$x|")
end)

case("the program's name is the word that named it", function()
    local script <close> = process.script("#!/bin/sh\nreadlink /proc/$$/exe >/dev/null\n")
    same(process.run(script.path), { n = 2, "exit", 0 })
    local own = { "-c", "tr '\\0' '|' </proc/$$/cmdline" }
    local output = process.output { execfile = "sh", arguments = own }
    equal(string.match(output, "^[^|]*"), "sh")
end)

case("there may be many words", function()
    local words = {}
    for index = 1, 5000 do words[index] = "w" .. index end
    equal(printed("name", table.unpack(words, 1, 200)),
          "name|" .. table.concat(words, "|", 1, 200) .. "|")
    local output = process.output { execfile = "sh", arguments = { "-c", "echo $#", "name",
                                                                 table.unpack(words) } }
    equal(output, "5000\n")
end)

case("without arguments the program gets its name and nothing else", function()
    local command = { execfile = "/bin/cat", stdin = "w" }
    local results
    tasks.spawn(function() results = tasks.results(system.execute(command)) end)
    equal(process.words(command.pid), "/bin/cat\0")
    command.stdin:close()
    tasks.run()
    same(results, { n = 2, "exit", 0 })
end)

case("with arguments, even none, the program's name is execfile", function()
    for _, arguments in ipairs { {}, { "-" }, { "-", 7 } } do
        local command = { execfile = "cat", stdin = "w", stdout = false, stderr = false,
                          arguments = arguments }
        tasks.spawn(function() system.execute(command) end)
        local words = table.concat(arguments, "\0")
        equal(process.words(command.pid),
              "cat\0" .. words .. (#arguments > 0 and "\0" or ""))
        command.stdin:close()
        tasks.run()
    end
end)

case("the table of arguments is read with metamethods, and left as it was", function()
    local arguments = setmetatable({ "-c" }, {
        __index = function(_, index) return ({ nil, show, "name", "word" })[index] end,
        __len = function() return 4 end,
    })
    local output = process.output { execfile = "sh", arguments = arguments }
    equal(output, "name|word|")
    same(arguments, { "-c" })
    local numbers = { "-c", show, 1, 2.5 }
    equal((process.output { execfile = "sh", arguments = numbers }), "1|2.5|")
    same(numbers, { "-c", show, 1, 2.5 })
end)

case("the command is read with metamethods", function()
    local set = {}
    local command = setmetatable({}, {
        __index = { execfile = "/bin/true" },
        __newindex = function(_, name, value) set[name] = value end,
    })
    same(process.run(command), { n = 2, "exit", 0 })
    equal(math.type(set.pid), "integer")
    equal(next(command), nil)
end)

case("words after the table are ignored", function()
    same(process.run({ execfile = "/bin/true" }, {}, false), { n = 2, "exit", 0 })
end)

case("a command serves many times", function()
    local command = { execfile = "/bin/sh", arguments = { "-c", "exit 3" }, stdin = false }
    local pids = {}
    for _ = 1, 3 do
        same(process.run(command), { n = 2, "exit", 3 })
        pids[#pids + 1] = command.pid
    end
    ok(pids[1] ~= pids[2] and pids[2] ~= pids[3])
end)

-- Finding the program ----------------------------------------------------------------------------

case("a name is looked for in the PATH, a path with a slash is not", function()
    local place <close> = shell.directory()
    local _ <close> = process.script("#!/bin/sh\nexit 11\n", "755", place.path .. "/coring-probe")
    local path = system.getenv("PATH")
    assert(system.setenv("PATH", "/nowhere:" .. place.path .. ":" .. path))
    same(process.run("coring-probe"), { n = 2, "exit", 11 })
    equal(process.run("./coring-probe")[1], false)
    assert(system.setenv("PATH", path))
    equal(process.run("coring-probe")[1], false)
    same(process.run(place.path .. "/coring-probe"), { n = 2, "exit", 11 })
end)

case("with an environment, its own PATH counts", function()
    local place <close> = shell.directory()
    local _ <close> = process.script("#!/bin/sh\nexit 12\n", "755", place.path .. "/coring-probe")
    local found = { execfile = "coring-probe", environment = { PATH = place.path } }
    same(process.run(found), { n = 2, "exit", 12 })
    local lost = { execfile = "true", environment = { PATH = "/nowhere" } }
    same(process.run(lost), { n = 3, false, "no such file or directory", 2 })
end)

case("without a PATH the system's own directories are searched", function()
    same(process.run { execfile = "true", environment = {} }, { n = 2, "exit", 0 })
    local path = system.getenv("PATH")
    assert(system.setenv("PATH", nil))
    local results = process.run("true")
    assert(system.setenv("PATH", path))
    same(results, { n = 2, "exit", 0 })
end)

case("an empty directory in the PATH is the one the program begins in", function()
    local place <close> = shell.directory()
    local _ <close> = process.script("#!/bin/sh\nexit 13\n", "755", place.path .. "/coring-probe")
    for _, path in ipairs { "", ":", "/nowhere:", "/nowhere::/bin", ":/nowhere" } do
        local command = { execfile = "coring-probe", runpath = place.path,
                          environment = { PATH = path } }
        same(process.run(command), { n = 2, "exit", 13 }, path)
    end
end)

case("relative paths and directories count from runpath", function()
    local place <close> = shell.directory()
    assert(os.execute("mkdir " .. place.path .. "/sub"))
    local _ <close> = process.script("#!/bin/sh\npwd\n", "755", place.path .. "/sub/coring-probe")
    for _, command in ipairs {
        { execfile = "sub/coring-probe" },
        { execfile = "./sub/coring-probe" },
        { execfile = "coring-probe", environment = { PATH = "sub" } },
    } do
        command.runpath = place.path
        equal((process.output(command)), place.path .. "\n")
    end
end)

case("runpath changes the child's directory and not ours", function()
    local before = system.getdir()
    equal(process.shell("pwd", { runpath = "/" }), "/\n")
    equal(process.shell("pwd"), before .. "\n")
    equal(system.getdir(), before)
end)

case("a script without an interpreter line is run by the shell, with its arguments", function()
    local place <close> = shell.directory()
    local path = place.path .. "/coring-probe"
    local _ <close> = process.script(show .. "\n", "755", path)
    equal((process.output { execfile = path, arguments = { "a", "b c" } }), path .. "|a|b c|")
    equal((process.output { execfile = path }), path .. "|")
    local found = { execfile = "coring-probe", arguments = { "x" },
                    environment = { PATH = place.path } }
    equal((process.output(found)), path .. "|x|")
    same(process.run { execfile = path, stdout = false }, { n = 2, "exit", 0 })
end)

case("the search goes on after a file that may not be executed", function()
    local place <close> = shell.directory()
    assert(os.execute("mkdir " .. place.path .. "/a " .. place.path .. "/b"))
    local _ <close> = process.script("exit 1", "644", place.path .. "/a/coring-probe")
    local _ <close> = process.script("exit 14", "755", place.path .. "/b/coring-probe")
    local path = place.path .. "/a:/dev/null:" .. place.path .. "/b"
    same(process.run { execfile = "coring-probe", environment = { PATH = path } },
         { n = 2, "exit", 14 })
    path = place.path .. "/a:/nowhere"
    same(process.run { execfile = "coring-probe", environment = { PATH = path } },
         { n = 3, false, "permission denied", 13 })
end)

-- Environment ------------------------------------------------------------------------------------

local function variables(command)
    command.execfile = "/usr/bin/env"
    local found = {}
    for _, line in ipairs(shell.lines((process.output(command)))) do
        local name, value = string.match(line, "^(.-)=(.*)$")
        found[name] = value
    end
    return found
end

case("the environment is inherited as it is now", function()
    assert(system.setenv("CORING_PROBE", "one"))
    equal(variables({}).CORING_PROBE, "one")
    assert(system.setenv("CORING_PROBE", "two"))
    equal(variables({}).CORING_PROBE, "two")
    assert(system.setenv("CORING_PROBE", nil))
    equal(variables({}).CORING_PROBE, nil)
    equal(variables({}).PATH, system.getenv("PATH"))
end)

case("an environment given as a table or packed is all there is", function()
    local wanted = { ONE = "1", TWO = 2, EMPTY = "", LONG = string.rep("x", 5000) }
    local expected = { ONE = "1", TWO = "2", EMPTY = "", LONG = wanted.LONG }
    same(variables { environment = wanted }, expected)
    local packed = system.packenv(wanted)
    same(variables { environment = packed }, expected)
    same(variables { environment = packed }, expected)
    same(variables { environment = {} }, {})
    equal(wanted.TWO, 2)
end)

case("numeric names become strings, and the table stays as it was", function()
    local wanted = { "first", [2.5] = "other" }
    same(variables { environment = wanted }, { ["1"] = "first", ["2.5"] = "other" })
    same(wanted, { "first", [2.5] = "other" })
end)

-- What a child inherits --------------------------------------------------------------------------

-- The lines of /proc/PID/status that concern signals, and the mask of new files.
local function status_of(text)
    local found = {}
    for name, value in string.gmatch(text, "(%w+):%s*(%w+)") do found[name] = value end
    return found
end

case("handlers, ignored signals and the mask are not inherited", function()
    for _, number in ipairs { 1, 2, 10, 13, 17, 28 } do
        native.disposition(number, number ~= 17 and number % 2 == 0 and "ignore" or "count")
        native.block(number, true)
    end
    local output = process.output { execfile = "cat", arguments = { "/proc/self/status" } }
    for _, number in ipairs { 1, 2, 10, 13, 17, 28 } do
        native.disposition(number, "default")
        native.block(number, false)
    end
    local status = status_of(output)
    for _, name in ipairs { "SigBlk", "SigIgn", "SigCgt", "SigPnd", "ShdPnd" } do
        equal(tonumber(status[name], 16), 0, name)
    end
end)

case("our own mask is as before", function()
    native.block(12, true)
    local before = string.match(shell.read("/proc/self/status"), "SigBlk:%s*(%x+)")
    process.run("/bin/true")
    process.run("/bin/nowhere")
    local after = string.match(shell.read("/proc/self/status"), "SigBlk:%s*(%x+)")
    native.block(12, false)
    equal(after, before)
end)

case("group, session and umask are inherited", function()
    local function identity(text)
        return { string.match(text, "%) %a %d+ (%d+) (%d+)") }
    end
    local own = shell.read("/proc/self/stat")
    local output = process.output { execfile = "cat", arguments = { "/proc/self/stat" } }
    same(identity(output), identity(own))
    equal(string.match(output, "%) %a (%d+)"), string.match(own, "^(%d+)")) -- its parent
    local umask = "Umask:%s*(%d+)"
    output = process.output { execfile = "cat", arguments = { "/proc/self/status" } }
    equal(string.match(output, umask), string.match(shell.read("/proc/self/status"), umask))
end)

-- The descriptors that a list of `ls -l` names, but for the one it was made with.
local function listed(text)
    local found = {}
    for number, target in string.gmatch(text, "(%d+) %-> ([^\n]*)") do
        found[tonumber(number)] = string.find(target, "^/proc/%d+/fd$") == nil or nil
    end
    return found
end

-- The descriptors of a child above 2.
local function descriptors_of_child(command)
    command.execfile = "ls"
    command.arguments = { "-l", "/proc/self/fd" }
    local found = listed((process.output(command)))
    for fd = 0, 2 do found[fd] = nil end
    return found
end

case("the child has no descriptor of ours, and all that are not close-on-exec", function()
    local near, far = net.pair()
    local listener <close> = net.listener()
    local inherited = assert(io.open("/dev/null"))
    local other = process.sleeper { stdin = "w", stdout = "rws" }
    local expected = {}
    for fd in pairs(native.descriptors()) do
        if fd > 2 and not native.flags(fd) then expected[fd] = true end
    end
    ok(next(expected) ~= nil and listener)
    same(descriptors_of_child {}, expected)
    same(descriptors_of_child { stdin = "w", stderr = "r", runpath = "/" }, expected)
    same(descriptors_of_child { stdin = near, stderr = false }, expected)
    inherited:close()
    net.close(near, far, other.stdin, other.stdout)
    process.kill(other)
    tasks.run()
end)

case("a process whose standard descriptors are closed can execute", function()
    local path = os.tmpname()
    child.expect(child.prelude .. string.format([[
        local path = %q
        local function run(command)
            local results
            tasks.spawn(function() results = tasks.results(system.execute(command)) end)
            if type(command.stdout) == "userdata" then
                local buffer = memory.create(100)
                tasks.spawn(function()
                    assert(command.stdin:write("through"))
                    assert(command.stdin:shutdown())
                    local text = net.read_all(command.stdout)
                    assert(text == "through", text)
                    assert(command.stderr:read(buffer) == false)
                end)
            end
            tasks.run()
            assert(results[1] == "exit" and results[2] == 0, tostring(results[2]))
        end
        run { execfile = "cat", stdin = "w", stdout = "r", stderr = "r" }
        run { execfile = "sh", arguments = { "-c", "exec ls -l /proc/self/fd > " .. path } }
        run { execfile = "sh", arguments = { "-c", "exec ls -l /proc/self/fd > " .. path .. 2 },
              stdin = false, stdout = false, stderr = false }
        os.exit(0, true)
    ]], path), { before = "exec <&- >&- 2>&-;" })
    local inherited, given = listed(shell.read(path)), listed(shell.read(path .. 2))
    os.remove(path)
    os.remove(path .. 2)
    for _, found in ipairs { inherited, given } do
        for fd in pairs(found) do -- those that others have left to this very process
            if fd > 2 then found[fd] = nil end
        end
    end
    same(inherited, { [1] = true }) -- the shell's redirection
    same(given, { [0] = true, [1] = true, [2] = true })
end)

-- Blocking mode ----------------------------------------------------------------------------------

local function flags_seen_by_child(command, number)
    local line = process.output({
        execfile = "sh",
        arguments = { "-c", "x=$(grep flags: /proc/$$/fdinfo/" .. number .. "); echo $x >&2" },
        stdin = command.stdin, stdout = command.stdout,
    }, "stderr")
    local octal = ok(string.match(line, "flags:%s*(%d+)"), line)
    return tonumber(octal, 8)
end

local nonblocking <const> = 2048

case("a pipe that does not wait does so for the child, and stays as it is for us", function()
    local place <close> = shell.directory()
    local path = place.path .. "/pipe"
    assert(os.execute("mkfifo " .. path))
    local both <close> = assert(io.open(path, "r+")) -- else the others would wait for an end
    for number, mode in pairs { [0] = "r", [1] = "w" } do
        local fd, pipe = net.fd_of(io.open, path, mode)
        native.nonblocking(fd, true)
        local command = { [mode == "r" and "stdin" or "stdout"] = pipe }
        equal(flags_seen_by_child(command, number) & nonblocking, 0)
        equal(select(2, native.flags(fd)), true)
        pipe:close()
    end
    ok(both)
end)

case("a socket waits in the child; we do not rely on its flag", function()
    local near, far, here = net.pair()
    native.nonblocking(here, true)
    equal(flags_seen_by_child({ stdin = near }, 0) & nonblocking, 0)
    tasks.spawn(function() assert(far:write("still works")) end)
    equal(tasks.await(net.read_all, near, 11), "still works")
    net.close(near, far)
end)

suite.finish()
