-- Manual: Standard Streams, all but terminals (behaviour 8.1, 8.2): reading and writing.

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
local with <const> = streams.with

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

suite.finish()
