-- Manual: Standard Streams, all but terminals (behaviour 8.1, 8.2; defects D2, D3, D6, D12, D33).

local suite = require("support.suite").strict()
local system = require "coutil.system"
local memory = require "memory"
local native = require "native"
local child = require "support.child"
local files = require "support.files"
local net = require "support.net"
local process = require "support.process"
local shell = require "support.shell"
local streams = require "support.streams"
local tasks = require "support.tasks"

local case, equal, same, ok = suite.case, suite.equal, suite.same, suite.ok

local names <const> = { "stdin", "stdout", "stderr" }

-- Calls the body with a descriptor of that kind, for the child, and with another end if there is
-- one; then closes both.
local function with(kind, body)
    local far
    local near = kind
    if kind == "pipe in" then
        near, far = native.pipe()
    elseif kind == "pipe out" then
        far, near = native.pipe()
    elseif kind == "unix" or kind == "tcp" or kind == "udp" then
        local family = kind == "unix" and "local" or "ip"
        if kind == "unix" then
            local name = net.abstract()
            local listener = native.socket("local", "stream")
            native.bind(listener, name, 1)
            near = native.socket("local", "stream")
            assert(native.connect(near, name))
            far = assert(native.accept(listener))
            native.close(listener)
        else
            near = assert(native.socket(family, kind == "udp" and "datagram" or "stream"))
        end
    end
    local done, problem = xpcall(body, debug.traceback, near, far)
    streams.close(near, far)
    if not done then error(problem, 0) end
end

-- Kinds ------------------------------------------------------------------------------------------

local describe <const> = [[
for _, name in ipairs { "stdin", "stdout", "stderr" } do
    local stream = system[name]
    tell(name, stream and string.match(tostring(stream), "^(.-): "),
         stream and stream.getdomain and stream:getdomain())
end
]]

local function is(fd, class, in_domain)
    local told = streams.run(describe, { stdin = fd, stdout = fd, stderr = fd })
    for _, name in ipairs(names) do
        local line = string.format("%s %s %s\n", name, class, in_domain or "nil")
        ok(string.find(told, line, 1, true), told)
    end
end

case("regular files and devices are files", function()
    for _, path in ipairs { files.make("text"), "/dev/null", "/dev/zero" } do
        local fd = assert(native.open(path, 2))
        is(fd, "coutil:file")
        native.close(fd)
    end
end)

case("pipes, FIFOs and Unix streams are share streams", function()
    for _, kind in ipairs { "pipe in", "pipe out", "unix" } do
        with(kind, function(fd) is(fd, "coutil:pipeshare", "share") end)
    end
    local path = files.path("fifo")
    assert(native.mkfifo(path))
    local fd = assert(native.open(path, 2))
    is(fd, "coutil:pipeshare", "share")
    native.close(fd)
end)

case("TCP sockets are streams of their domain, listening ones too", function()
    with("tcp", function(fd) is(fd, "coutil:tcpactive", "ipv4") end)
    for _, domain in ipairs { "ipv4", "ipv6" } do
        local fd, listener = net.fd_of(net.listener, domain)
        is(fd, "coutil:tcpactive", domain)
        listener:close()
    end
end)

case("UDP sockets are datagram sockets", function()
    with("udp", function(fd) is(fd, "coutil:udp", "ipv4") end)
    local fd, socket = net.fd_of(system.socket, "datagram", "ipv6")
    is(fd, "coutil:udp", "ipv6")
    socket:close()
end)

case("terminals are terminals", function()
    local master, slave = streams.terminal()
    is(slave, "coutil:terminal")
    streams.close(master, slave)
end)

case("anything else is nil, with a warning", function()
    local useless = {
        -1,
        assert(native.open("/")),
        assert(native.socket("local", "datagram")),
        assert(native.socket("local", "packets")),
    }
    for _, fd in ipairs(useless) do
        local told, output = streams.run(describe .. "io.stderr:write(' ')",
                                         { stdin = fd, stdout = fd })
        ok(string.find(told, "stdin nil nil\nstdout nil nil\n", 1, true), told)
        equal(output, [[
Lua warning: [coutil] stdin: socket type not supported
Lua warning: [coutil] stdout: socket type not supported
 ]])
        if fd >= 0 then native.close(fd) end
    end
end)

case("the warning about the third names it", function()
    local fd = assert(native.open("/"))
    local told = streams.run([[tell(system.stderr)]], { stderr = fd })
    equal(told, "nil\n")
    native.close(fd)
end)

-- Duplicates -------------------------------------------------------------------------------------

case("the objects have descriptors of their own, which executed programs do not get", function()
    child.expect [[
        local native = require "native"
        local before = native.descriptors()
        local system = require "coutil.system"
        local own = 0
        for fd in pairs(native.descriptors()) do
            if not before[fd] then
                assert(native.flags(fd), fd)
                own = own + 1
            end
        end
        assert(own >= 3)
    ]]
end)

case("closing them leaves the streams of the process open", function()
    local told, output = streams.run [[
        for _, name in ipairs { "stdin", "stdout", "stderr" } do
            spawn(function() tell(system[name]:close()) end)
        end
        system.run()
        tell(pcall(take, system.stdout))
        io.stdout:write("still ")
        io.stdout:flush()
        io.stderr:write("there")
        tell(io.stdin:read("a") == "")
    ]]
    ok(string.find(told, "^true\ntrue\ntrue\nfalse"), told)
    ok(string.find(told, "\ntrue\n$"), told)
    ok(output == "still there" or output == "there", output)
end)

case("the module loaded once more gives the same objects", function()
    local told = streams.run [[
        local first = system.stdin
        package.loaded["coutil.system"] = nil
        tell(require "coutil.system".stdin == first, require "coutil.system" == system)
    ]]
    equal(told, "true false\n")
end)

case("every state has objects of its own, and closing them is felt by no other", function()
    with("pipe in", function(stdin, far)
        local of = streams.start([[
            local coutil = require "coutil.coroutine"
            local chunk = [=[
                local _G = require "_G"
                warn("@on")
                local system = require "coutil.system"
                local buffer = require "memory".create(1)
                local got
                local task = require"coroutine".create(function()
                    got = system.stdin:read(buffer)
                    system.stdin:close()
                    system.stdout:write("from a state\n", 1, -1)
                    system.stdout:close()
                end)
                require"coroutine".resume(task)
                system.run()
                return got, buffer:tostring()
            ]=]
            spawn(function()
                for _ = 1, 3 do
                    local state = coutil.load(chunk)
                    tell(system.resume(state))
                    coutil.close(state)
                    collectgarbage()
                end
                tell(take(system.stdin))
                tell(system.stdout:write("from the main one\n"))
            end)
            system.run()
        ]], { stdin = stdin })
        native.write(far, "abc")
        streams.await_told(of, "true 1 c")
        native.write(far, "rest")
        local told, how, code, output = streams.finish(of)
        same({ how, code }, { "exit", 0 })
        equal(told, "true 1 a\ntrue 1 b\ntrue 1 c\nrest\n18\n")
        equal(output, string.rep("from a state\n", 3) .. "from the main one\n")
    end)
end)

case("the same holds for files, whose position all share", function()
    local stdin = assert(native.open(files.make "abcdef"))
    local told, output = streams.run([[
        local coutil = require "coutil.coroutine"
        local chunk = [=[
            local _G = require "_G"
            warn("@on")
            local system = require "coutil.system"
            local buffer = require "memory".create(2)
            system.stdin:read(buffer, 1, -1, nil, "~")
            system.stdin:close("~")
            return buffer:tostring()
        ]=]
        spawn(function()
            tell(system.resume(coutil.load(chunk)))
            collectgarbage()
            tell(take(system.stdin, 1, 2))
            tell(system.resume(coutil.load(chunk)))
            tell(take(system.stdin))
        end)
        system.run()
    ]], { stdin = stdin })
    equal(told, "true ab\ncd\ntrue ef\n\n")
    equal(output, "")
    native.close(stdin)
end)

-- Closed at start --------------------------------------------------------------------------------

case("descriptors closed at the start stay unused, and closed for executed programs", function()
    local told, output = streams.run([[
        local names = {}
        for _ = 1, 3 do names[#names + 1] = system.socket("stream", "ipv4") end
        for fd = 0, 2 do
            tell(select(2, native.write(fd, "x")), select(2, native.read(fd)), native.flags(fd))
        end
        tell(system.stdin, system.stdout, system.stderr)
        spawn(function()
            local command = { execfile = "sh", stdout = "r", arguments = { "-c",
                "for n in 0 2; do readlink /proc/$$/fd/$n || echo closed; done" } }
            spawn(function() tell(system.execute(command)) end)
            local text = ""
            repeat
                local piece = take(command.stdout)
                text = text .. (piece or "")
            until not piece
            tell((string.gsub(text, "\n", " ")))
        end)
        spawn(function()
            local chunk = "require'_G' return require'coutil.system'.stdin"
            tell(system.resume(require"coutil.coroutine".load(chunk)))
        end)
        system.run()
        local file = io.open(arg[0])
        tell("end")
    ]], { stdin = -1, stdout = -1, stderr = -1 })
    ok(string.find(told, "^9 9 true false\n9 9 true false\n9 9 true false\n"), told)
    ok(string.find(told, "\nnil nil nil\n", 1, true), told)
    ok(string.find(told, "closed closed ", 1, true), told)
    ok(string.find(told, "exit 0\n", 1, true), told)
    ok(string.find(told, "true nil\n", 1, true), told)
    ok(string.find(told, "end\n", 1, true), told)
    equal(output, "")
end)

case("where descriptors are short, loading raises an ordinary error", function()
    local output = child.expect [[
        local native = require "native"
        local messages = {}
        for limit = 3, 40 do
            native.limit(limit)
            local loaded, problem = pcall(require, "coutil.system")
            if loaded then break end
            messages[problem] = true
        end
        native.limit(1024)
        for message in pairs(messages) do
            assert(string.find(message, "too many open files", 1, true)
                or string.find(message, "cannot open shared object", 1, true)
                or string.find(message, "not found", 1, true), message)
        end
        local before = select(2, native.descriptors())
        collectgarbage()
        require "coutil.system"
        print(type(package.loaded["coutil.system"].stderr))
    ]]
    equal(output, "userdata\n")
end)

-- Reading ----------------------------------------------------------------------------------------

case("a pipe is read to its end, which is told as that of a stream, again and again", function()
    with("pipe in", function(stdin, far)
        local of = streams.start([[
            spawn(function()
                for _ = 1, 2 do tell(take(system.stdin)) end
                for _ = 1, 2 do tell(take(system.stdin)) end
            end)
            system.run()
        ]], { stdin = stdin })
        native.write(far, "one")
        streams.await_told(of, "one")
        native.write(far, "two")
        streams.await_told(of, "two")
        native.close(far)
        equal(streams.finish(of), "one\ntwo\n" .. string.rep("false end of file 4095\n", 2))
    end)
end)

case("a file gives 0 at its end", function()
    local stdin = assert(native.open(files.make "text"))
    local told = streams.run([[
        spawn(function()
            tell(system.stdin:read(buffer))
            tell(system.stdin:read(buffer))
        end)
        system.run()
    ]], { stdin = stdin })
    equal(told, "4\n0\n")
    native.close(stdin)
end)

case("between two programs of a shell", function()
    local script <close> = process.script [[
        local system = require "coutil.system"
        local memory = require "memory"
        coroutine.wrap(function()
            local buffer = memory.create(7)
            repeat
                local count, problem = system.stdin:read(buffer)
                if count then
                    assert(system.stdout:write(string.upper(buffer:tostring(1, count))))
                end
            until not count
            assert(problem == "end of file")
        end)()
        system.run()
    ]]
    local text = string.rep("every byte in its place\n", 20000)
    local path = files.make(text)
    local output = shell.expect("cat " .. path .. " | " .. shell.quote(child.interpreter) .. " "
        .. script.path .. " | cat")
    equal(output .. "\n", string.upper(text))
end)

case("no byte is taken that was not asked for, and none by a read that was left", function()
    with("pipe in", function(stdin, far)
        native.write(far, "abcdefgh")
        local told = streams.run([[
            local reader = spawn(function() tell("got", take(system.stdin)) end)
            coroutine.resume(reader, false, "left before")
            spawn(function() tell(take(system.stdin, 1, 2)) end)
            system.run()
            reader = spawn(function() tell(take(system.stdin)) end)
            spawn(function()
                system.suspend() -- by now the reader may be ready
                coroutine.resume(reader, false, "left")
            end)
            system.run("ready")
            coroutine.close(reader)
            reader = spawn(function() take(system.stdin) end)
            coroutine.close(reader)
            spawn(function()
                local command = { execfile = "head", arguments = { "-c", "3" }, stdout = "r" }
                spawn(function() system.execute(command) end)
                tell(take(command.stdout))
            end)
            system.run()
            tell(io.stdin:read(1))
        ]], { stdin = stdin })
        local rest = string.match(told, "^got false left before nil\nab\n(.*)$")
        equal(rest, "false left nil\ncde\nf\n")
    end)
end)

case("a second reader is refused, also in the order of checks", function()
    with("pipe in", function(stdin)
        local told = streams.run([[
            tell(pcall(system.stdin.read, system.stdin, buffer))
            local reader = spawn(function() tell(take(system.stdin)) end)
            spawn(function() tell(select(2, pcall(system.stdin.read, system.stdin, buffer))) end)
            tell(select(2, pcall(system.stdin.read, system.stdin)))
            tell(select(2, pcall(system.stdin.read, system.stdin, buffer, {})))
            tell(system.stdin:close())
        ]], { stdin = stdin })
        local lines = shell.lines(told)
        ok(string.find(lines[1], "unable to yield", 1, true), told)
        ok(string.find(lines[2], "already in use", 1, true), told)
        ok(string.find(lines[3], "memory expected, got no value", 1, true), told)
        ok(string.find(lines[4], "number expected, got table", 1, true), told)
        same({ lines[5], lines[6] }, { "false closed nil", "true" })
    end)
end)

case("an empty range fails at once", function()
    with("pipe in", function(stdin)
        local told = streams.run([[spawn(function() tell(take(system.stdin, 5, 1)) end)]],
                                 { stdin = stdin })
        equal(told, "false no buffer space available 105\n")
    end)
end)

case("a pipe open for one direction is of no use for the other", function()
    with("pipe in", function(stdin)
        with("pipe out", function(stdout)
            local told = streams.run([[
                spawn(function()
                    tell(system.stdin:write("x"))
                    tell(system.stdin:shutdown())
                    tell(take(system.stdout))
                end)
            ]], { stdin = stdin, stdout = stdout })
            equal(told, "false broken pipe 32\nfalse socket is not connected 107\n"
                .. "false socket is not connected 107\n")
        end)
    end)
end)

case("a pending read does not keep the state from closing", function()
    with("pipe in", function(stdin)
        for _, last in ipairs { "", "os.exit(0, true)", "system.run('ready') os.exit(0, true)",
                                "spawn(function() system.suspend(0.001) os.exit(0, true) end) "
                                .. "system.run()", "os.exit(0)" } do
            local told = streams.run("spawn(function() take(system.stdin) end) tell('x') " .. last,
                                     { stdin = stdin })
            equal(told, "x\n")
        end
    end)
end)

-- Writing ----------------------------------------------------------------------------------------

-- Reads all that comes from the descriptor, slowly.
local function drain(fd)
    local pieces = {}
    repeat
        local piece = native.read(fd)
        pieces[#pieces + 1] = piece
    until piece == nil or piece == ""
    return table.concat(pieces)
end

case("writes go out whole and in order, however slowly they are taken", function()
    with("pipe out", function(stdout, far)
        local of = streams.start([[
            local ends = 0
            for _, letter in ipairs { "a", "b", "c" } do
                spawn(function()
                    local bytes = string.rep(letter, 100000)
                    tell(letter, system.stdout:write(letter == "b" and { bytes, bytes }
                                                     or bytes .. bytes))
                end)
            end
            spawn(function()
                for _ = 1, 5 do system.suspend(0.001) end
                tell("meanwhile")
            end)
            system.run()
        ]], { stdout = stdout })
        native.close(stdout)
        streams.await_told(of, "meanwhile")
        local text = drain(far)
        local told = streams.finish(of)
        equal(text, string.rep("a", 200000) .. string.rep("b", 200000) .. string.rep("c", 200000))
        equal(told, "meanwhile\na true\nb true\nc true\n")
    end)
end)

case("tables, memories and what is written in a busy round go out as well", function()
    with("pipe out", function(stdout, far)
        local told = streams.run([[
            local part = memory.create "memory "
            spawn(function() tell(system.stdout:write({ "table ", part, 7, " " })) end)
            spawn(function() tell(system.stdout:write(part, 2, 4)) end)
            for at = 1, 6 do
                spawn(function()
                    system.suspend()
                    tell(system.stdout:write("b"))
                end)
            end
            spawn(function() tell(system.stdout:write("")) end)
            system.run()
        ]], { stdout = stdout })
        equal(told, string.rep("true\n", 9))
        equal(native.read(far), "table memory 7 emobbbbbb")
    end)
end)

case("an abandoned write goes on, before later ones", function()
    with("pipe out", function(stdout, far)
        local of = streams.start([[
            local writer = spawn(function() tell(system.stdout:write(string.rep("a", 300000))) end)
            coroutine.resume(writer, "left")
            collectgarbage()
            spawn(function() tell(system.stdout:write("last")) end)
            system.run()
        ]], { stdout = stdout })
        native.close(stdout)
        equal(drain(far), string.rep("a", 300000) .. "last")
        equal(streams.finish(of), "left\ntrue\n")
    end)
end)

case("a pending write is canceled by close, but for what there was room for", function()
    with("pipe out", function(stdout, far)
        local told = streams.run([[
            spawn(function() tell(system.stdout:write(string.rep("a", 300000))) end)
            tell(system.stdout:close())
            system.run()
        ]], { stdout = stdout })
        equal(told, "true\nfalse operation canceled 125\n")
        ok(#native.read(far) > 0)
    end)
end)

case("what was written last goes out whatever the end is", function()
    for _, last in ipairs { "os.exit(0)", "os.exit(0, true)", "system.stdout:close() system.halt()",
                            "system.halt()" } do
        for _, kind in ipairs { "pipe out", "unix" } do
            with(kind, function(stdout, far)
                streams.run([[
                    local function last() ]] .. last .. [[ end
                    spawn(function()
                        system.suspend()
                        for _ = 1, 3 do spawn(function() system.stdout:write("abc") end) end
                        last()
                    end)
                    for _ = 1, 4 do spawn(function() system.suspend() end) end
                    system.run()
                ]], { stdout = stdout })
                native.nonblocking(far, true)
                equal(native.read(far), "abcabcabc", last)
            end)
        end
    end
end)

case("a write to a pipe nobody reads is a broken pipe, and no signal", function()
    with("pipe out", function(stdout, far)
        native.close(far)
        local told = streams.run([[
            spawn(function()
                tell(system.stdout:write("x"))
                tell(system.stdout:write("x"))
            end)
            spawn(function() tell(system.awaitsig("brokenpipe")) end)
            system.run("ready")
            system.run("ready")
            tell(native.sigpipe())
        ]], { stdout = stdout })
        equal(told, "false broken pipe 32\nfalse broken pipe 32\nhandler\n")
    end)
end)

case("a writer that waits learns that its reader is gone", function()
    with("pipe out", function(stdout, far)
        local of = streams.start([[
            spawn(function() tell(system.stdout:write(string.rep("a", 300000))) end)
            spawn(function() system.suspend(0.01) tell("waits") end)
            system.run()
        ]], { stdout = stdout })
        native.close(stdout)
        streams.await_told(of, "waits")
        native.close(far)
        equal(streams.finish(of), "waits\nfalse broken pipe 32\n")
    end)
end)

case("a pipe cannot be shut down, and can be written after that", function()
    with("pipe out", function(stdout, far)
        local told = streams.run([[
            spawn(function()
                tell(system.stdout:shutdown())
                tell(system.stdout:write("x"))
                tell(system.stdout:shutdown())
            end)
            system.run()
        ]], { stdout = stdout })
        equal(told, "false socket operation on non-socket 88\ntrue\n"
            .. "false socket operation on non-socket 88\n")
        equal(native.read(far), "x")
    end)
end)

case("a socket does not travel through a pipe", function()
    with("pipe out", function(stdout)
        local told = streams.run([[
            spawn(function()
                local socket = system.socket("stream", "ipv4")
                tell(system.stdout:write("x", 1, 1, socket))
            end)
            system.run()
        ]], { stdout = stdout })
        equal(told, "false socket operation on non-socket 88\n")
    end)
end)

case("a Unix stream is read, written and shut down as a socket", function()
    with("unix", function(stream, far)
        local of = streams.start([[
            spawn(function()
                tell(take(system.stdin))
                tell(system.stdout:write("answer"))
                tell(system.stdout:shutdown())
                tell(system.stdout:write("more"))
            end)
            system.run()
        ]], { stdin = stream, stdout = stream })
        native.write(far, "question")
        equal(streams.finish(of), "question\ntrue\ntrue\nfalse broken pipe 32\n")
        equal(native.read(far), "answer")
        equal(native.read(far), "")
    end)
end)

case("a TCP stream and a datagram socket are what they are", function()
    local fd, listener = net.fd_of(net.listener, "ipv4")
    local told = streams.run([[
        spawn(function() tell(system.stdin:write("x")) end)
        tell(system.stdin:getaddress().port > 0)
    ]], { stdin = fd })
    equal(told, "false broken pipe 32\ntrue\n")
    listener:close()
    local number, socket = net.fd_of(system.socket, "datagram", "ipv4")
    assert(socket:bind(net.loopback "ipv4"))
    local of = streams.start([[
        spawn(function()
            local from = system.address("ipv4")
            local count, cut = system.stdin:read(buffer, 1, 2, from)
            tell(count, cut, buffer:tostring(1, 2))
            tell(system.stdin:write("back", 1, -1, from))
        end)
        system.run()
    ]], { stdin = number })
    local sender <close> = assert(system.socket("datagram", "ipv4"))
    tasks.await(sender.write, sender, "there", 1, -1, socket:getaddress())
    equal(streams.finish(of), "2 true th\ntrue\n")
    local buffer = memory.create(10)
    equal(tasks.await(sender.read, sender, buffer), 4)
    socket:close()
end)

-- Flags ------------------------------------------------------------------------------------------

local use <const> = [[
spawn(function() system.stdout:write("x") end)
spawn(function() system.stdin:read(buffer) end)
system.run("ready")
system.run("ready")
]]

local ends <const> = {
    { "", "exit", 0 },
    { "error 'on purpose'", "exit", 1 },
    { "os.exit(3)", "exit", 3 },
    { "os.exit(3, true)", "exit", 3 },
    { "native.kill(native.getpid(), 9)", "signal", 9 },
    { "native.kill(native.getpid(), 15)", "signal", 15 },
}

-- Flags of both, while the child is at work and when it has ended.
local function keeps_flags(stdin, stdout)
    for _, waits in ipairs { true, false } do
        native.nonblocking(stdin, not waits)
        native.nonblocking(stdout, not waits)
        local inside = string.format("for fd = 0, 1 do tell(select(2, native.flags(fd)) == %s) end",
                                     not waits)
        for _, last in ipairs(ends) do
            local told, how, code = streams.finish(
                streams.start(use .. inside .. "\n" .. last[1], { stdin = stdin, stdout = stdout }))
            same({ how, code }, { last[2], last[3] }, told)
            equal(told, "true\ntrue\n")
            equal(select(2, native.flags(stdin)), not waits)
            equal(select(2, native.flags(stdout)), not waits)
        end
    end
end

case("the flags of shared pipes stay as they are", function()
    with("pipe in", function(stdin)
        with("pipe out", function(stdout) keeps_flags(stdin, stdout) end)
    end)
end)

case("the flags of shared sockets stay as they are", function()
    with("unix", function(stream) keeps_flags(stream, stream) end)
end)

case("the flags of terminals stay as they are", function()
    local master, slave = streams.terminal()
    keeps_flags(slave, slave)
    streams.close(master, slave)
end)

-- Children ---------------------------------------------------------------------------------------

case("executed programs take them as their streams", function()
    with("pipe in", function(stdin, far)
        with("unix", function(stdout, near)
            native.write(far, "through the child")
            native.close(far)
            local told = streams.run([[
                spawn(function()
                    tell(system.execute { execfile = "cat", stdin = system.stdin,
                                          stdout = system.stdout, stderr = system.stderr })
                end)
                system.run()
            ]], { stdin = stdin, stdout = stdout })
            equal(told, "exit 0\n")
            equal(native.read(near), "through the child")
        end)
    end)
    local fd = assert(native.open(files.make "of a file"))
    local told, output = streams.run([[
        spawn(function()
            take(system.stdin, 1, 3)
            tell(system.execute { execfile = "cat", stdin = system.stdin, stdout = system.stdout })
        end)
        system.run()
    ]], { stdin = fd })
    equal(told, "exit 0\n")
    equal(output, "a file")
    native.close(fd)
end)

case("closed ones are refused by execute", function()
    with("pipe in", function(stdin)
        local told = streams.run([[
            system.stdin:close()
            system.stdout:close("~")
            spawn(function()
                tell(system.execute { execfile = "true", stdin = system.stdin })
                tell(pcall(system.execute, { execfile = "true", stdout = system.stdout }))
            end)
        ]], { stdin = stdin })
        equal(told, "false invalid argument 22\nfalse bad field stdout (invalid stream)\n")
    end)
end)

case("a socket travels to a child through the stream made for that, and on to its own", function()
    local near, far = net.pair "ipv4"
    local script <close> = process.script [[
        local system = require "coutil.system"
        local memory = require "memory"
        local interpreter, further = arg[-1], arg[1]
        coroutine.wrap(function()
            local buffer = memory.create(10)
            local count, socket = assert(system.stdin:read(buffer))
            if further then
                local command = { execfile = interpreter, arguments = { arg[0] }, stdin = "ws" }
                local child = coroutine.wrap(system.execute)
                child(command)
                assert(command.stdin:write("x", 1, 1, socket))
                command.stdin:close()
            else
                assert(socket:write("from the grandchild"))
            end
        end)()
        system.run()
    ]]
    local command = { execfile = child.interpreter, arguments = { script.path, "further" },
                      stdin = "ws" }
    local results
    tasks.spawn(function() results = tasks.results(system.execute(command)) end)
    tasks.spawn(function()
        assert(command.stdin:write("x", 1, 1, near))
        command.stdin:close()
        near:close()
    end)
    equal(tasks.await(net.read_all, far, 19), "from the grandchild")
    tasks.run()
    same(results, { n = 2, "exit", 0 })
    net.close(far)
end)

suite.finish()
