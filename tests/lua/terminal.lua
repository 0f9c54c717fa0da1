-- Manual: Standard Streams, terminals (behaviour 8.3; defects D12, D45), on pseudo terminals.

local suite = require("support.suite").strict()
local native = require "native"
local child = require "support.child"
local process = require "support.process"
local shell = require "support.shell"
local streams = require "support.streams"

local case, equal, same, ok = suite.case, suite.equal, suite.same, suite.ok

-- Calls the body with the two ends of a pseudo terminal, and with a function that starts a chunk
-- on it, in a session of its own.
local function on_terminal(body)
    local master, slave, path = streams.terminal()
    local function start(chunk, given)
        given = given or {}
        given.stdin, given.stdout = slave, slave
        if given.session == nil then given.session = true end
        return streams.start(chunk, given)
    end
    local done, problem = xpcall(body, debug.traceback, master, slave, start, path)
    streams.close(master, slave)
    if not done then error(problem, 0) end
end

-- What a chunk on a terminal reports, which must end well.
local function told_on(slave, chunk)
    return (streams.run(chunk, { stdin = slave, stdout = slave, session = true }))
end

-- The object -------------------------------------------------------------------------------------

case("a terminal has exactly the methods of one", function()
    on_terminal(function(_, slave)
        equal(told_on(slave, [[
            local class = getmetatable(system.stdin)
            tell(class.__name, type(class.__gc), type(class.__close), class.__metatable)
            local names = {}
            for name in pairs(class.__index) do names[#names + 1] = name end
            table.sort(names)
            tell(table.concat(names, " "))
            tell(string.match(tostring(system.stdin), "^coutil:terminal: 0x%x+$") ~= nil)
            tell(system.stdin == system.stdout, system.stdin == system.stdin)
        ]]), "coutil:terminal function function nil\nclose read setmode shutdown winsize write\n"
            .. "true\nfalse true\n")
    end)
end)

case("misuse is told in the order of checks", function()
    on_terminal(function(_, slave)
        local told = told_on(slave, [[
            local methods = getmetatable(system.stdin).__index
            local function refused(name, ...) tell(select(2, pcall(methods[name], ...))) end
            for _, name in ipairs { "read", "write", "shutdown", "setmode", "winsize", "close" } do
                refused(name)
                refused(name, system)
            end
            refused("read", system.stdin, 5)
            refused("write", system.stdin, 5)
            refused("shutdown", system.stdin)
            refused("setmode", system.stdin)
            refused("setmode", system.stdin, "sane")
            refused("setmode", system.stdin, {})
            local reader = spawn(function() tell(system.stdin:read(buffer)) end)
            refused("read", system.stdin, buffer)
            tell(system.stdin:close())
            for _, name in ipairs { "read", "write", "shutdown", "setmode", "winsize", "close" } do
                refused(name, system.stdin)
            end
            getmetatable(system.stdin).__close(system.stdin)
        ]])
        local lines = shell.lines(told)
        for at = 1, 12, 2 do
            ok(string.find(lines[at], "coutil:terminal expected, got no value", 1, true), told)
            ok(string.find(lines[at + 1], "coutil:terminal expected, got table", 1, true), told)
        end
        for at, text in ipairs { "memory expected, got number", "unable to yield",
                                 "unable to yield", "#2 to '?' (invalid option '')",
                                 "#2 to '?' (invalid option 'sane')",
                                 "string expected, got table", "already in use" } do
            ok(string.find(lines[12 + at], text, 1, true), lines[12 + at])
        end
        equal(lines[20], "false closed")
        equal(lines[21], "true")
        for at = 22, 27 do ok(string.find(lines[at], "closed object", 1, true), lines[at]) end
        equal(#lines, 27)
    end)
end)

case("winsize tells columns and rows, 0 where there are none", function()
    on_terminal(function(master, slave)
        equal(told_on(slave, "tell(system.stdin:winsize())"), "0 0\n")
        assert(native.resize(master, 132, 43))
        equal(told_on(slave, "tell(system.stdout:winsize())"), "132 43\n")
    end)
end)

case("a window that changes is a signal, and its new size is there", function()
    on_terminal(function(master, _, start)
        local of = start [[
            spawn(function()
                tell(system.awaitsig("winresize"))
                tell(system.stdin:winsize())
            end)
            spawn(function() system.suspend() tell("ready") end)
            system.run()
        ]]
        streams.await_told(of, "ready")
        assert(native.resize(master, 20, 10))
        equal(streams.finish(of), "ready\nwinresize\n20 10\n")
    end)
end)

-- Reading ----------------------------------------------------------------------------------------

case("in normal mode a read gives a line, and an empty one is the end, again and again", function()
    on_terminal(function(master, _, start)
        local of = start [[
            spawn(function()
                for _ = 1, 5 do tell(take(system.stdin)) end
                tell(take(system.stdin, 1, 2))
                tell(take(system.stdin))
            end)
            system.run()
        ]]
        native.write(master, "one\ntwo\n")
        streams.await_told(of, "two\n")
        native.write(master, "\4")
        streams.await_told(of, "false end of file 4095")
        native.write(master, "\4three\nlong line\n")
        equal(streams.finish(of), "one\n\ntwo\n\n" .. string.rep("false end of file 4095\n", 2)
            .. "three\n\nlo\nng line\n\n")
    end)
end)

case("what is typed before anybody reads is not lost, nor what a read left", function()
    on_terminal(function(master, _, start)
        native.write(master, "early\n")
        local of = start [[
            local reader = spawn(function() tell(take(system.stdin)) end)
            coroutine.resume(reader, false, "left")
            spawn(function()
                local reader = spawn(function() tell(take(system.stdin)) end)
                system.suspend()
                coroutine.close(reader)
                tell(take(system.stdin))
                tell(io.read("l"))
            end)
            system.run()
        ]]
        streams.await_told(of, "early\n")
        native.write(master, "late\n")
        equal(streams.finish(of), "false left nil\nearly\n\nlate\n")
    end)
end)

case("several coroutines go on while one reads, and one may write meanwhile", function()
    on_terminal(function(master, _, start)
        local of = start [[
            local reading = true
            spawn(function() tell(take(system.stdin)) reading = false end)
            spawn(function()
                while reading do
                    system.stdout:write(".")
                    system.suspend(0.001)
                end
            end)
            system.run()
        ]]
        streams.expect(master, ".....")
        native.write(master, "go\n")
        equal(streams.finish(of), "go\n\n")
    end)
end)

case("a terminal that hangs up fails the read", function()
    local master, slave = streams.terminal()
    local of = streams.start([[
        spawn(function()
            tell("reads")
            tell(take(system.stdin))
            tell(take(system.stdin))
            tell(system.stdout:write("x"))
        end)
        system.run()
    ]], { stdin = slave, stdout = slave })
    streams.await_told(of, "reads")
    streams.close(master, slave)
    local told, how = streams.finish(of)
    equal(how, "exit")
    ok(string.find(told, "^reads\nfalse "), told)
    ok(string.find(told, "\nfalse i/o error 5\n$"), told)
end)

-- Writing ----------------------------------------------------------------------------------------

case("writes come out whole and in order, and a stopped terminal stops nobody else", function()
    on_terminal(function(master, _, start)
        local of = start [[
            spawn(function() tell(system.stdout:write(string.rep("a", 100000) .. "\n")) end)
            spawn(function() tell(system.stdout:write { "b", "c", "\n" }) end)
            spawn(function()
                for _ = 1, 5 do system.suspend(0.001) end
                tell("meanwhile")
            end)
            system.run()
        ]]
        streams.await_told(of, "meanwhile")
        local came = streams.expect(master, "bc\r\n")
        equal(came, string.rep("a", 100000) .. "\r\nbc\r\n")
        equal(streams.finish(of), "meanwhile\ntrue\ntrue\n")
    end)
end)

case("an abandoned write goes on; a pending one is canceled by close", function()
    on_terminal(function(master, _, start)
        local of = start [[
            local writer = spawn(function() tell(system.stdout:write(string.rep("a", 50000))) end)
            coroutine.resume(writer, "left")
            spawn(function() tell(system.stdout:write("end")) end)
            system.run()
            spawn(function() tell(system.stdout:write(string.rep("a", 50000))) end)
            tell(system.stdout:close())
            system.run()
        ]]
        local came = streams.expect(master, "end")
        equal(string.sub(came, 1, 50003), string.rep("a", 50000) .. "end")
        equal(streams.finish(of), "left\ntrue\ntrue\nfalse operation canceled 125\n")
    end)
end)

case("a terminal cannot be shut down, and can be written after that", function()
    on_terminal(function(master, slave)
        equal(told_on(slave, [[
            spawn(function()
                tell(system.stdout:shutdown())
                tell(system.stdout:write("still"))
            end)
            system.run()
        ]]), "false socket operation on non-socket 88\ntrue\n")
        streams.expect(master, "still")
    end)
end)

-- Modes ------------------------------------------------------------------------------------------

-- What the settings of a terminal are, without the characters that have no meaning now.
local function settings(fd)
    return { native.termios(fd) }
end

case("the modes are what they are called, and normal brings back what was found", function()
    on_terminal(function(master, slave)
        local before = settings(slave)
        local told = told_on(slave, [[
            tell(system.stdin:setmode("normal"))
            for _, mode in ipairs { "raw", "binary", "raw", "normal", "binary", "normal" } do
                tell(mode, system.stdin:setmode(mode), select(2, native.termios(0)))
            end
        ]])
        equal(told, "true\nraw true false false false true\nbinary true false false false false\n"
            .. "raw true false false false true\nnormal true true true true true\n"
            .. "binary true false false false false\nnormal true true true true true\n")
        same(settings(slave), before)
        equal(native.read(master), nil)
    end)
end)

case("in raw mode each byte comes at once, unseen; lines are still ended on output", function()
    on_terminal(function(master, _, start)
        local of = start [[
            assert(system.stdin:setmode("raw"))
            tell("raw")
            spawn(function()
                for _ = 1, 3 do tell(string.byte(take(system.stdin), 1, -1)) end
                system.stdout:write("a\nb")
                assert(system.stdout:setmode("binary"))
                system.stdout:write("a\nb")
                tell("binary")
                tell(string.byte(take(system.stdin), 1, -1))
            end)
            system.run()
        ]]
        streams.await_told(of, "raw")
        for _, byte in ipairs { "x", "\3", "\r" } do
            native.write(master, byte)
            streams.await_told(of, tostring(byte:byte()))
        end
        equal(streams.expect(master, "ba\nb"), "a\r\nba\nb")
        streams.await_told(of, "binary")
        native.write(master, "\0\255")
        equal(streams.finish(of), "raw\n120\n3\n13\nbinary\n0 255\n")
    end)
end)

case("objects of one terminal, and states, share its settings", function()
    on_terminal(function(_, slave)
        local before = settings(slave)
        equal(told_on(slave, [[
            assert(system.stdin:setmode("raw"))
            assert(system.stdout:setmode("binary"))
            tell(select(5, native.termios(0)))
            spawn(function()
                tell(system.resume(require"coutil.coroutine".load[=[
                    return require"coutil.system".stdout:setmode("raw")
                ]=]))
            end)
            system.run()
            tell(select(5, native.termios(0)))
            assert(system.stdin:setmode("normal"))
            tell(select(5, native.termios(0)))
        ]]), "false\ntrue true\ntrue\ntrue\n")
        same(settings(slave), before)
    end)
end)

-- The end ----------------------------------------------------------------------------------------

-- Runs the chunk, which leaves the terminal raw, to its end, and expects its settings as before.
local function restores(chunk, how, code, signal)
    on_terminal(function(master, slave, start)
        local before = settings(slave)
        local of = start("assert(system.stdin:setmode('binary')) tell('raw')\n" .. chunk)
        if signal then
            streams.await_told(of, "ready")
            equal(select(2, native.termios(slave)), false)
            native.kill(of.pid, signal)
            -- An interrupt that comes between the last look and the sleep is noticed at the next
            -- event (docs/decisions/0015), and the thread sanitizer makes that gap wide.
            native.write(master, "x")
        end
        local told, ended, by = streams.finish(of)
        same({ ended, by }, { how, code }, told)
        ok(string.find(told, "^raw\n"), told)
        same(settings(slave), before, chunk)
    end)
end

local waits <const> = [[
spawn(function() take(system.stdin) end)
spawn(function() system.suspend() tell("ready") end)
system.run()
]]

case("they come back when the program ends", function() restores("", "exit", 0) end)

case("and when it ends by an error", function()
    restores("error 'on purpose'", "exit", 1)
    restores("spawn(function() system.suspend() error 'of a task' end) system.run() error()",
             "exit", 1)
end)

case("and by os.exit, wherever that is", function()
    restores("os.exit(3)", "exit", 3)
    restores("os.exit(3, true)", "exit", 3)
    restores("spawn(function() system.suspend(0.001) os.exit(4) end) system.run()", "exit", 4)
    restores("spawn(function() take(system.stdin) end) os.exit(5, true)", "exit", 5)
end)

case("and by signals whose end is the default, which it stays", function()
    for _, signal in ipairs { 15, 1, 3, 10, 14 } do restores(waits, "signal", signal, signal) end
    restores("native.kill(native.getpid(), 6)", "signal", 6)
    -- A sanitizer has plans for this one.
    restores("native.disposition(11, 'default') system.stdin:setmode('normal') "
        .. "assert(system.stdin:setmode('raw')) native.kill(native.getpid(), 11)", "signal", 11)
end)

case("and by an interrupt, which the interpreter makes an error", function()
    restores(waits, "exit", 1, 2)
end)

case("and by an interrupt where that is the default", function()
    restores("native.disposition(2, 'default') system.stdin:setmode('normal') "
        .. "assert(system.stdin:setmode('raw'))" .. waits, "signal", 2, 2)
end)

case("a signal that is awaited is not the end, and afterwards it is as before", function()
    on_terminal(function(_, slave, start)
        local before = settings(slave)
        local of = start [[
            local function is_caught()
                for line in io.lines("/proc/self/status") do
                    local mask = line:match("^SigCgt:%s*(%x+)")
                    if mask then return tonumber(mask, 16) >> 14 & 1 == 1 end
                end
            end
            tell(is_caught())
            spawn(function()
                system.stdin:setmode("raw")
                tell(is_caught())
                spawn(function() system.suspend() tell("ready") end)
                tell(system.awaitsig("terminate"))
                system.suspend()
                tell(is_caught())
                spawn(function() tell(system.awaitsig("terminate")) end)
                system.stdin:setmode("normal")
                system.emitsig(native.getpid(), "terminate")
                system.suspend(0.01)
                tell(is_caught())
                system.stdin:setmode("raw")
                tell("again")
                spawn(function() take(system.stdin) end)
            end)
            system.run()
        ]]
        streams.await_told(of, "ready")
        native.kill(of.pid, 15)
        streams.await_told(of, "again")
        native.kill(of.pid, 15)
        local told, how, code = streams.finish(of)
        equal(told, "false\ntrue\nready\nterminate\ntrue\nterminate\nfalse\nagain\n")
        same({ how, code }, { "signal", 15 })
        same(settings(slave), before)
    end)
end)

case("what the program does about a signal stays, and what it ignores too", function()
    on_terminal(function(_, slave, start)
        local of = start [[
            native.disposition(15, "ignore")
            native.disposition(1, "count")
            system.stdin:setmode("raw")
            native.kill(native.getpid(), 15)
            native.kill(native.getpid(), 1)
            tell(native.caught())
            system.stdin:setmode("normal")
            native.kill(native.getpid(), 15)
            native.kill(native.getpid(), 1)
            tell(native.caught())
        ]]
        equal(streams.finish(of), "1\n2\n")
        ok(slave)
    end)
end)

case("children, forked or executed, leave the settings alone when they end", function()
    on_terminal(function(_, slave)
        local told = told_on(slave, [[
            assert(system.stdin:setmode("raw"))
            local pid = native.fork()
            if pid == 0 then os.exit(0) end
            native.wait(pid)
            tell((select(2, native.termios(0))))
            pid = native.fork()
            if pid == 0 then native.kill(native.getpid(), 15) end
            tell(native.wait(pid))
            tell((select(2, native.termios(0))))
            spawn(function() tell(system.execute("true")) end)
            spawn(function() tell(system.execute("sh", "-c", "kill -TERM $$")) end)
            system.run()
            tell((select(2, native.termios(0))))
            assert(os.execute("true"))
            tell((select(2, native.termios(0))))
        ]])
        ok(string.find(told, "^false\nsignal 15\nfalse\n"), told)
        ok(string.find(told, "\nfalse\nfalse\n$"), told)
    end)
end)

case("a closed object, and a collected one, leaves that to the end of the process", function()
    restores("system.stdin:close() collectgarbage()", "exit", 0)
    restores("system.stdin:close()" .. [[
        spawn(function() system.suspend(0.01) tell("ready") native.kill(native.getpid(), 15) end)
        system.run()]], "signal", 15)
end)

case("a pending read never keeps the process from ending", function()
    for _, last in ipairs { "", "os.exit(0, true)", "os.exit(0)",
                            "spawn(function() system.suspend(0.001) os.exit(0, true) end) "
                            .. "system.run()" } do
        on_terminal(function(_, slave)
            equal(told_on(slave, "spawn(function() take(system.stdin) end) tell('x') " .. last),
                  "x\n")
        end)
    end
end)

-- Others -----------------------------------------------------------------------------------------

case("executed programs get the terminal, and one that waits", function()
    on_terminal(function(master, slave, start, path)
        local of = start [[
            spawn(function()
                tell(system.execute { execfile = "tty", stdin = system.stdin,
                                      stdout = system.stdout, stderr = system.stdout })
                tell(system.execute { execfile = "sh", stdin = system.stdin,
                                      stdout = system.stdout,
                                      arguments = { "-c", "read line; echo got $line" } })
            end)
            system.run()
        ]]
        local came = streams.expect(master, "\n")
        equal(came, path .. "\r\n")
        native.write(master, "words\n")
        streams.expect(master, "got words")
        equal(streams.finish(of), "exit 0\nexit 0\n")
        equal(select(2, native.flags(slave)), false)
    end)
end)

case("the master of a pseudo terminal is one too, and is used as it is", function()
    on_terminal(function(master, slave)
        local of = streams.start([[
            spawn(function()
                tell(take(system.stdin))
                tell(system.stdout:write("x"))
            end)
            system.run()
        ]], { stdin = master, stdout = master })
        native.write(slave, "from the other end")
        streams.await_told(of, "from the other end")
        equal(streams.finish(of), "from the other end\ntrue\n")
    end)
end)

case("a program of the shell's, on a terminal made by another program", function()
    shell.expect("script --version")
    local script <close> = process.script [[
        local system = require "coutil.system"
        local memory = require "memory"
        local buffer = memory.create(100)
        coroutine.wrap(function()
            assert(system.stdin.winsize and system.stdout.winsize and system.stderr.winsize)
            assert(system.stdin:setmode("raw"))
            assert(system.stdout:write("keys, please\n"))
            local count = assert(system.stdin:read(buffer))
            system.stdout:write("thank you for " .. buffer:tostring(1, count) .. "\n")
        end)()
        system.run()
    ]]
    local command = shell.quote(child.interpreter) .. " " .. script.path
        .. "; stty -a | grep -o ' icanon' "
    local pipe = assert(io.popen("(sleep 0.3; printf k; sleep 0.3) | script -qec "
        .. shell.quote(command) .. " /dev/null 2>&1"))
    local output = pipe:read("a")
    pipe:close()
    ok(string.find(output, "keys, please\r\n", 1, true), output)
    ok(string.find(output, "thank you for k\r\n icanon", 1, true), output)
end)

suite.finish()
