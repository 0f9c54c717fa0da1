-- Manual: system.execute, standard streams of the new process (behaviour 7.6, 9.2, 9.3): discarded,
-- given as Lua files and sockets, or created.

local suite = require("support.suite").strict()
local system = require "coutil.system"
local memory = require "memory"
local native = require "native"
local net = require "support.net"
local tasks = require "support.tasks"
local shell = require "support.shell"
local process = require "support.process"

local case, equal, same, ok, fails = process.case, suite.equal, suite.same, suite.ok, suite.fails

-- What descriptor `number` of the child is, and its flags; told on another one.
local function described(command, number)
    local teller = number == 2 and "stdout" or "stderr"
    command.execfile = "sh"
    -- The shell's own redirections would change what is looked at.
    command.arguments = { "-c", string.format(
        "x=$(readlink /proc/$$/fd/%d; grep flags /proc/$$/fdinfo/%d); echo \"$x\" >&%d",
        number, number, number == 2 and 1 or 2) }
    local output = process.output(command, teller)
    local target, flags = string.match(output, "^(.-)\nflags:%s*(%d+)")
    ok(target, output)
    return target, tonumber(flags, 8) & 3
end

local names <const> = { [0] = "stdin", "stdout", "stderr" }

-- Discarded --------------------------------------------------------------------------------------

case("false is the null device: read-only as input, read-write as output", function()
    for number, name in pairs(names) do
        local target, access = described({ [name] = false }, number)
        equal(target, "/dev/null")
        equal(access, number == 0 and 0 or 2)
    end
end)

case("numbers, plain tables and functions count as false", function()
    for _, value in ipairs { 7, 1.5, {}, print, coroutine.create(print) } do
        equal((described({ stdin = value }, 0)), "/dev/null")
    end
end)

case("nil leaves the streams as ours are", function()
    local own = shell.expect("readlink /proc/" .. native.getpid() .. "/fd/0")
    equal((described({}, 0)), own)
end)

-- Lua files --------------------------------------------------------------------------------------

case("Lua files serve as input and output", function()
    local place <close> = shell.directory()
    local source <close> = assert(io.open(place.path .. "/from", "w+"))
    local target <close> = assert(io.open(place.path .. "/to", "w"))
    assert(source:write("one\ntwo\n"))
    assert(source:seek("set"))
    same(process.run { execfile = "cat", stdin = source, stdout = target }, { n = 2, "exit", 0 })
    equal(shell.read(place.path .. "/to"), "one\ntwo\n")
    same(process.run { execfile = "echo", arguments = { "three" }, stdout = target },
         { n = 2, "exit", 0 })
    equal(shell.read(place.path .. "/to"), "one\ntwo\nthree\n")
    equal(io.type(target), "file")
end)

case("one file serves as two streams, in order", function()
    local place <close> = shell.directory()
    local file <close> = assert(io.open(place.path .. "/both", "w"))
    local script = "echo a; echo b >&2; echo c"
    local command = { execfile = "sh", arguments = { "-c", script }, stdout = file, stderr = file }
    same(process.run(command), { n = 2, "exit", 0 })
    equal(shell.read(place.path .. "/both"), "a\nb\nc\n")
end)

case("files of openfile serve as well, and share their position with the child", function()
    local place <close> = shell.directory()
    local source = assert(io.open(place.path .. "/from", "w"))
    assert(source:write("one\ntwo\n"))
    source:close()
    tasks.spawn(function()
        local from <close> = assert(system.openfile(place.path .. "/from"))
        local to <close> = assert(system.openfile(place.path .. "/to", "wn", "rw"))
        local buffer <const> = memory.create(4)
        equal(from:read(buffer), 4)
        equal(to:write("begin "), 6)
        same(tasks.results(system.execute { execfile = "cat", stdin = from, stdout = to }),
             { n = 2, "exit", 0 })
        equal(from:read(buffer), 0)
        equal(to:write("end\n"), 4)
    end)
    tasks.run()
    equal(shell.read(place.path .. "/to"), "begin two\nend\n")
end)

case("an open FIFO serves a child that waits for its input", function()
    local place <close> = shell.directory()
    shell.expect("mkfifo " .. place.path .. "/fifo")
    local output
    tasks.spawn(function()
        local fifo <close> = assert(system.openfile(place.path .. "/fifo"))
        local command = { execfile = "cat", stdin = fifo, stdout = "r" }
        tasks.spawn(function() tasks.results(system.execute(command)) end)
        output = net.read_all(command.stdout)
    end)
    tasks.spawn(function()
        local fifo = assert(system.openfile(place.path .. "/fifo", "w"))
        system.suspend(0.05) -- the child has been waiting by now
        assert(fifo:write("late"))
        fifo:close()
    end)
    tasks.run()
    equal(output, "late")
end)

case("a file of openfile is read on from where a child left it, cached or not", function()
    local place <close> = shell.directory()
    local path = place.path .. "/file"
    local text = string.rep("0123456789abcdef", 3 * 4096 / 16)
    local made = assert(io.open(path, "wb"))
    made:setvbuf("no")
    for from = 1, #text, 4096 do -- page by page, as the cache is to lose them
        made:write(string.sub(text, from, from + 4095))
    end
    made:close()
    tasks.spawn(function()
        local file <close> = assert(system.openfile(path))
        same(tasks.results(system.execute { execfile = "dd", arguments = { "bs=100", "count=1" },
                                            stdin = file, stdout = false, stderr = false }),
             { n = 2, "exit", 0 })
        native.evict(path, 4096)
        local buffer = memory.create(#text)
        equal(file:read(buffer), #text - 100)
        equal(buffer:tostring(1, #text - 100), string.sub(text, 101))
    end)
    tasks.run()
end)

case("a closed file of openfile is a failure", function()
    tasks.spawn(function()
        local file = assert(system.openfile("/dev/null"))
        file:close()
        same(tasks.results(system.execute { execfile = "true", stdin = file }),
             { n = 3, false, "invalid argument", 22 })
    end)
    tasks.run()
end)

case("handles of io.popen serve as well", function()
    local pipe <close> = assert(io.popen("printf 'from a pipe'"))
    local output = process.output { execfile = "cat", stdin = pipe }
    equal(output, "from a pipe")
    local place <close> = shell.directory()
    local sink = assert(io.popen("cat >" .. place.path .. "/sink", "w"))
    same(process.run { execfile = "echo", arguments = { "to a pipe" }, stdout = sink },
         { n = 2, "exit", 0 })
    sink:close()
    equal(shell.read(place.path .. "/sink"), "to a pipe\n")
end)

case("standard streams may change places", function()
    local path = process.script([[
        local system = require "coutil.system"
        local script = "readlink /proc/$$/fd/0 /proc/$$/fd/2; true"
        coroutine.wrap(function()
            system.execute { execfile = "sh", arguments = { "-c", script },
                             stdin = io.stderr, stdout = io.stderr, stderr = io.stdin }
        end)()
        system.run()
    ]])
    local _ <close> = path
    local interpreter = shell.quote(require("support.child").interpreter)
    local pipe <close> = io.popen(interpreter .. " " .. path.path .. " 2>&1 >/dev/null </dev/null")
    local output = pipe:read("a")
    local lines = shell.lines(output)
    ok(string.find(lines[1] or "", "^pipe:"), output)
    equal(lines[2], "/dev/null")
end)

-- Sockets ----------------------------------------------------------------------------------------

case("a connected TCP stream serves as input and output, and stays ours", function()
    for _, domain in ipairs(net.domains) do
        local near, far = net.pair(domain)
        local results
        tasks.spawn(function()
            local command = { execfile = "cat", stdin = near, stdout = near }
            results = tasks.results(system.execute(command))
        end)
        tasks.spawn(function()
            assert(far:write("there and back"))
            equal(net.read_all(far, 14), "there and back")
            assert(far:shutdown())
        end)
        tasks.run()
        same(results, { n = 2, "exit", 0 })
        tasks.spawn(function() assert(near:write("still ours")) end)
        equal(tasks.await(net.read_all, far, 10), "still ours")
        net.close(near, far)
    end
end)

case("a TCP stream may be given in any state", function()
    local stream <close> = assert(system.socket("stream", "ipv4"))
    local target = described({ stdin = stream }, 0)
    ok(string.find(target, "^socket:"), target)
end)

case("a connected local stream serves, others' streams are of no use", function()
    local command = { execfile = "cat", stdin = "rw", stdout = "r" }
    local results
    tasks.spawn(function() results = tasks.results(system.execute(command)) end)
    -- Our end of the first child's input is the second one's output.
    same(process.run { execfile = "echo", arguments = { "across" }, stdout = command.stdin },
         { n = 2, "exit", 0 })
    equal(results, nil)
    command.stdin:close()
    equal(tasks.await(net.read_all, command.stdout), "across\n")
    command.stdout:close()
    same(results, { n = 2, "exit", 0 })
end)

-- Created ----------------------------------------------------------------------------------------

-- A child whose streams are created with these modes.
local function created(modes)
    local command = process.sleeper(modes)
    return command, function()
        for _, name in pairs(names) do
            if command[name] then net.close(command[name]) end
        end
        process.kill(command)
        tasks.run()
    end
end

case("a string makes a local stream and is replaced by it before the call yields", function()
    local command, close = created { stdin = "w", stdout = "r", stderr = "rw" }
    for _, name in pairs(names) do
        local stream = command[name]
        equal(getmetatable(stream).__name, "coutil:pipeactive")
        equal(stream:getdomain(), "local")
        equal(stream:getaddress(), "")
        equal(stream:getaddress("peer"), "")
    end
    close()
end)

case("with s it is a share stream", function()
    for _, modes in ipairs { "s", "rs", "srw" } do
        local command, close = created { stdin = modes, stdout = false, stderr = false }
        equal(getmetatable(command.stdin).__name, "coutil:pipeshare")
        equal(command.stdin:getdomain(), "share")
        close()
    end
end)

case("created streams are close-on-exec and block", function()
    local before = native.descriptors()
    local _, close = created { stdin = "w", stdout = "r", stderr = "rw" }
    local count = 0
    for fd in pairs(native.descriptors()) do
        if not before[fd] then
            count = count + 1
            equal(native.flags(fd), true)
            local _, nonblocking = native.flags(fd)
            equal(nonblocking, false)
        end
    end
    equal(count, 4) -- and what tells of the end
    close()
end)

local not_connected <const> = { n = 3, false, "socket is not connected", 107 }
local broken <const> = { n = 3, false, "broken pipe", 32 }

-- The results of an operation that does not yield.
local function at_once(method, ...)
    local results
    tasks.spawn(function(...) results = tasks.results(method(...)) end, ...)
    return results
end

case("a stream only does what its modes allow", function()
    local buffer = memory.create(8)
    local command, close = created { stdin = "w", stdout = "r", stderr = "" }
    local input, output, neither = command.stdin, command.stdout, command.stderr
    same(at_once(input.read, input, buffer), not_connected)
    same(at_once(output.write, output, "x"), broken)
    same(at_once(output.shutdown, output), not_connected)
    same(at_once(neither.read, neither, buffer), not_connected)
    same(at_once(neither.write, neither, "x"), broken)
    same(at_once(neither.shutdown, neither), not_connected)
    close()
end)

case("share streams obey their modes too", function()
    local buffer = memory.create(8)
    local command, close = created { stdin = "ws", stdout = "rs", stderr = "s" }
    same(at_once(command.stdin.read, command.stdin, buffer), not_connected)
    same(at_once(command.stdout.write, command.stdout, "x"), broken)
    same(at_once(command.stdout.write, command.stdout, "x", 1, -1, command.stdin), broken)
    same(at_once(command.stderr.read, command.stderr, buffer), not_connected)
    same(at_once(command.stderr.shutdown, command.stderr), not_connected)
    close()
end)

case("bytes go through a child in both directions, more than any buffer holds", function()
    local text = net.text(1 << 20)
    local command = { execfile = "cat", stdin = "w", stdout = "r" }
    local results, got
    tasks.spawn(function() results = tasks.results(system.execute(command)) end)
    tasks.spawn(function()
        assert(command.stdin:write(text))
        assert(command.stdin:shutdown())
    end)
    tasks.spawn(function() got = net.read_all(command.stdout) end)
    tasks.run()
    same(results, { n = 2, "exit", 0 })
    ok(got == text)
    net.close(command.stdin, command.stdout)
end)

case("one stream can be both directions of a conversation", function()
    local command = { execfile = "sh", stdin = "rw",
                      arguments = { "-c", "read line; echo \"got $line\" >&0" } }
    local results
    tasks.spawn(function() results = tasks.results(system.execute(command)) end)
    tasks.spawn(function() assert(command.stdin:write("this\n")) end)
    equal(tasks.await(net.read_all, command.stdin), "got this\n")
    same(results, { n = 2, "exit", 0 })
    command.stdin:close()
end)

case("the end of the child is the end of its output", function()
    local command = { execfile = "sh", arguments = { "-c", "echo last words; exit 3" },
                      stdout = "r" }
    local results
    tasks.spawn(function() results = tasks.results(system.execute(command)) end)
    process.await_state(command.pid, "Z")
    equal(tasks.await(net.read_all, command.stdout), "last words\n")
    same(results, { n = 2, "exit", 3 })
    tasks.spawn(function()
        same(tasks.results(command.stdout:read(memory.create(1))),
             { n = 3, false, "end of file", 4095 })
    end)
    tasks.run()
    command.stdout:close()
end)

case("writing to a child that is gone fails, and does not kill us", function()
    local command = { execfile = "/bin/true", stdin = "w" }
    tasks.spawn(function() system.execute(command) end)
    tasks.run()
    tasks.spawn(function() same(tasks.results(command.stdin:write("x")), broken) end)
    tasks.run()
    command.stdin:close()
end)

case("output that the child wrote is there after its end was told", function()
    local command = { execfile = "echo", arguments = { "kept" }, stdout = "r", stderr = "r" }
    same(process.run(command), { n = 2, "exit", 0 })
    equal(tasks.await(net.read_all, command.stdout), "kept\n")
    equal(tasks.await(net.read_all, command.stderr), "")
    net.close(command.stdout, command.stderr)
end)

case("a stream that the program sets aside lives on its own", function()
    local command = { execfile = "cat", stdin = "w", stdout = "r" }
    local results
    tasks.spawn(function() results = tasks.results(system.execute(command)) end)
    local stdin <close> = command.stdin
    local stdout <close> = command.stdout
    command.stdin, command.stdout = nil, nil
    tasks.spawn(function() assert(stdin:write("aside") and stdin:shutdown()) end)
    equal(tasks.await(net.read_all, stdout), "aside")
    same(results, { n = 2, "exit", 0 })
end)

case("streams nobody keeps are collected, and the child sees the end", function()
    local results
    tasks.spawn(function()
        local command = { execfile = "cat", stdin = "w", stdout = false }
        tasks.spawn(function() results = tasks.results(system.execute(command)) end)
        command.stdin = nil
    end)
    collectgarbage()
    collectgarbage()
    tasks.run()
    same(results, { n = 2, "exit", 0 })
end)

case("the fields of a waiting command are not collected", function()
    local pid, results
    local metatable = { __newindex = function(command, name, value)
        pid = value
        rawset(command, name, value)
    end }
    tasks.spawn(function()
        local command = { execfile = "cat", stdin = "w", stdout = false }
        results = tasks.results(system.execute(setmetatable(command, metatable)))
    end)
    collectgarbage()
    collectgarbage()
    tasks.rounds(3)
    process.await_state(pid, "S") -- its input has not ended
    native.kill(pid, 15)
    tasks.run()
    same(results, { n = 2, "terminate", 15 })
end)

-- Errors -----------------------------------------------------------------------------------------

local function refused(value, text)
    for _, name in pairs(names) do
        local command = { execfile = "/bin/true", [name] = value }
        local problem = fails(function() tasks.await(system.execute, command) end,
                              string.format(text, name))
        ok(problem)
        equal(command.pid, nil)
    end
end

case("true is no stream", function()
    refused(true, "bad field %s (got true)")
end)

case("an unknown mode is named", function()
    refused("z", "unknown '%s' mode char (got 'z')")
    refused("rwx", "unknown '%s' mode char (got 'x')")
end)

case("other objects are no streams", function()
    local passive <close> = assert(system.socket("passive", "ipv4"))
    local share <close> = assert(system.socket("stream", "share"))
    local listener <close> = assert(system.socket("passive", "local"))
    for _, value in ipairs { passive, share, listener, memory.create(1), system.address("ipv4"),
                             system.packenv {}, setmetatable({}, {}) } do
        refused(value, "bad field %s (invalid stream)")
    end
end)

local invalid <const> = { n = 3, false, "invalid argument", 22 }

case("what was closed or has no descriptor is an invalid argument", function()
    local closed = assert(system.socket("stream", "ipv4"))
    closed:close()
    local blank <close> = assert(system.socket("stream", "local"))
    local gone = assert(system.socket("stream", "local"))
    gone:close()
    local file = assert(io.open("/dev/null"))
    file:close()
    local pipe = assert(io.popen("true"))
    pipe:close()
    for _, value in ipairs { closed, blank, gone, file, pipe } do
        for _, name in pairs(names) do
            same(process.run { execfile = "/bin/true", [name] = value }, invalid)
        end
    end
end)

case("a stream the program closes while its field is set is an invalid argument", function()
    local command = setmetatable({}, {
        __index = { execfile = "/bin/true", stdin = "w" },
        __newindex = function(_, _, stream) stream:close() end,
    })
    same(process.run(command), invalid)
end)

suite.finish()
