-- Manual: Standard Streams, all but terminals (behaviour 8.1, 8.2; defects D2, D3, D6, D12, D33):
-- what they are, and whose. Reading and writing are in standard_streams_data.lua.

local suite = require("support.suite").strict()
local system = require "coutil.system"
local native = require "native"
local child = require "support.child"
local files = require "support.files"
local net = require "support.net"
local process = require "support.process"
local streams = require "support.streams"
local tasks = require "support.tasks"

local case, equal, same, ok = suite.case, suite.equal, suite.same, suite.ok
local with <const> = streams.with

local names <const> = { "stdin", "stdout", "stderr" }

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
                tell(system.execute { execfile = "true", stdout = system.stdout })
            end)
        ]], { stdin = stdin })
        equal(told, "false invalid argument 22\nfalse invalid argument 22\n")
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
