-- The command coutil: its options as the stock interpreter has them, programs with the loop behind
-- them, and the conversation on a terminal, with keys and with other coroutines.

local suite = require "support.suite".strict()
local native = require "native"
local child = require "support.child"
local files = require "support.files"
local shell = require "support.shell"
local streams = require "support.streams"

local case, equal, same, ok = suite.case, suite.equal, suite.same, suite.ok

local library <const> = assert(package.searchpath("coutil", package.cpath))
local command <const> = string.match(library, "^(.*)/[^/]*/[^/]*$") .. "/bin/coutil"

-- Runs the command with these words in a shell: what it puts out, what it says on its error output,
-- and its exit status. `before` comes before the command, as variables and input do.
local function run(words, before)
    local errors <const> = files.path()
    local quoted <const> = {}
    for at, word in ipairs(words) do quoted[at] = shell.quote(word) end
    local pipe <const> = assert(io.popen(string.format("%s timeout 20 %s %s %s 2>%s", before or "",
        shell.quote(child.interpreter), shell.quote(command), table.concat(quoted, " "), errors)))
    local output <const> = pipe:read("a")
    local _, _, status <const> = pipe:close()
    return output, files.content(errors), status
end

-- The same, for what must go well and say nothing else.
local function output_of(words, before)
    local output <const>, errors <const>, status <const> = run(words, before)
    same({ errors, status }, { "", 0 }, output)
    return output
end

-- Programs ---------------------------------------------------------------------------------------

case("a script awaits as it is, and the loop runs until nothing is left", function()
    local script = files.make [[
        local system = require "coutil.system"
        print(coroutine.isyieldable(), system.suspend(0.001), system.isrunning())
        coroutine.wrap(function()
            system.suspend(0.002)
            print "later"
        end)()
        print "sooner"
    ]]
    equal(output_of { script }, "true\ttrue\ttrue\nsooner\nlater\n")
end)

case("arg and ... are those of the stock interpreter", function()
    local script = files.make [[
        print(arg[0] == (...), select("#", ...), ..., arg[1], arg[2], #arg)
        print(arg[-1], arg[-2], arg[-3] ~= nil, arg[-4] ~= nil, arg[-5])
    ]]
    equal(output_of { "-e", "x = 1", script, "one", "two" },
          "false\t2\tone\tone\ttwo\t2\nx = 1\t-e\ttrue\ttrue\tnil\n")
    equal(output_of { "-e", "print(arg[0] ~= nil, arg[1], ...)" },
          "true\t-e\n")
end)

case("-e and -l come in their order, and before the script", function()
    local script = files.make "print(s.suspend ~= nil, x, coutil)"
    equal(output_of { "-ls=coutil.system", "-e", "x = s ~= nil", "-l", "string", script },
          "true\ttrue\tnil\n")
    equal(output_of { "-e", "print(require 'coutil.system'.suspend(0.001))" }, "true\n")
end)

case("- and nothing at all are standard input", function()
    equal(output_of({ "-", "a" }, "echo 'print(arg[0], ...)' |"), "-\ta\n")
    equal(output_of({}, "echo 'print(require \"coutil.system\".suspend(0.001))' |"), "true\n")
    local output, errors, status = run({ "--" }, "echo 'print(1' |")
    equal(output, "")
    ok(string.find(errors, "^coutil: stdin:2: "), errors)
    equal(status, 1)
end)

case("COUTIL_INIT is done first, unless it is ignored", function()
    equal(output_of({ "-e", "print(x)" }, "COUTIL_INIT='x = 5'"), "5\n")
    equal(output_of({ "-E", "-e", "print(x)" }, "COUTIL_INIT='x = 5'"), "nil\n")
    local init = files.make "x = 6"
    equal(output_of({ "-e", "print(x)" }, "COUTIL_INIT=@" .. init), "6\n")
end)

case("-v tells the version and -W turns warnings on", function()
    ok(string.find(output_of { "-v" }, "^coutil %(Coring%) on Lua 5%.4, engine %l+\n$"))
    local output, errors, status = run { "-W", "-e", "warn('@on', '') warn 'careful'" }
    same({ output, status }, { "", 0 })
    ok(string.find(errors, "careful", 1, true), errors)
end)

case("what is no option is refused, with the usage", function()
    for words, text in pairs {
        [{ "-x" }] = "unrecognized option '-x'",
        [{ "-vi" }] = "unrecognized option '-vi'",
        [{ "-e" }] = "'-e' needs argument",
        [{ "-l", "-v" }] = "'-l' needs argument",
    } do
        local output, errors, status = run(words)
        same({ output, status }, { "", 1 })
        ok(string.find(errors, "coutil: " .. text .. "\nusage: coutil ", 1, true), errors)
    end
end)

case("errors are told with a traceback of the program's own, and end it with 1", function()
    local script = files.make [[
        local system = require "coutil.system"
        coroutine.wrap(function() system.suspend(60) end)()
        local function deep()
            system.suspend(0.001)
            error "on purpose"
        end
        deep()
    ]]
    local output, errors, status = run { script }
    same({ output, status }, { "", 1 })
    ok(string.find(errors, "^coutil: [^\n]*:5: on purpose\nstack traceback:\n"), errors)
    ok(string.find(errors, "in upvalue 'deep'", 1, true)
        or string.find(errors, "in local 'deep'", 1, true), errors)
    equal(string.find(errors, "console", 1, true), nil)
    for code, text in pairs { ["error({})"] = "(error object is a table value)",
                              ["error()"] = "(error object is a nil value)",
                              ["error(setmetatable({}, {__tostring = function() return 'T' end}))"]
                                = "T", ["x ="] = "(command line):1: " } do
        output, errors, status = run { "-e", code }
        same({ output, status }, { "", 1 })
        ok(string.find(errors, "coutil: " .. text, 1, true), errors)
    end
    output, errors, status = run { "/no/such/script.lua" }
    same({ output, status }, { "", 1 })
    ok(string.find(errors, "cannot open /no/such/script.lua", 1, true), errors)
end)

case("os.exit ends it as anywhere", function()
    local _, errors, status = run { "-e", "require'coutil.system'.suspend() os.exit(7)" }
    same({ errors, status }, { "", 7 })
end)

case("-i without a terminal reads lines, and shows what they are worth", function()
    local output = output_of({ "-i", "-e", "x = 2" },
        [[printf 'x + 1\nfor i = 1, 2 do\nprint(i)\nend\n=x\n_PROMPT = "? "\nx' |]])
    equal(string.match(output, "\n(.*)$"), "> 3\n> >> >> 1\n2\n> 2\n> ? 2\n? ")
end)

-- Conversation -----------------------------------------------------------------------------------

-- Converses with the command on a terminal, which is left as it was.
local function converse(words, body)
    local master <const>, slave <const> = streams.terminal()
    native.resize(master, 60, 20)
    local before <const> = native.termios(slave)
    local pid <const> = native.start(slave, slave, slave, true, "env", "TERM=xterm",
                                     child.interpreter, command, table.unpack(words))
    local self <const> = {}
    local came, at = "", 0
    -- Waits until the text is shown, behind what was waited for before; returns what came with it.
    function self.expect(text)
        local first <const> = at + 1
        local _, last = string.find(came, text, first, true)
        streams.await(function()
            came = came .. (not last and native.read(master) or "")
            _, last = string.find(came, text, first, true)
            return last
        end, function() return string.format("%q expected, got %q", text, came:sub(first)) end)
        at = last
        return string.sub(came, first, last)
    end
    function self.type(bytes, text)
        native.write(master, bytes)
        return text and self.expect(text)
    end
    -- Enters a line once there is a prompt.
    function self.say(text)
        self.expect("> \27[K")
        native.write(master, text .. "\r")
    end
    -- The same, and expects what it is answered.
    function self.enter(text, answer)
        self.say(text)
        return self.expect("\n" .. answer .. "\r\n")
    end
    -- Ends the conversation: outside of raw mode Ctrl+D has another meaning.
    function self.leave()
        self.expect("> \27[K")
        self.type("\4")
    end
    function self.raw() return select(2, native.termios(slave)) == false end
    self.pid = pid
    local done <const>, problem <const> = xpcall(body, debug.traceback, self)
    if not done then native.kill(pid, 9) end
    local how <const>, code <const> = native.wait(pid)
    local after <const> = native.termios(slave)
    streams.close(master, slave)
    if not done then error(problem, 0) end
    same({ how, code }, { self.how or "exit", self.code or 0 })
    equal(after, before)
end

case("chunks are run, in coroutines, and what they return is shown", function()
    converse({}, function(console)
        console.enter("1 + 1, 'two', nil", "2\ttwo\tnil")
        console.enter("require 'coutil.system'.suspend(0.001)", "true")
        console.enter("=coroutine.isyieldable()", "true")
        console.say("return") -- nothing
        console.enter("error 'on purpose'", "coutil: stdin:1: on purpose")
        console.enter("x x", "coutil: stdin:1: syntax error near 'x'")
        console.enter("setmetatable({}, { __tostring = error })",
                      "coutil: error calling 'print'")
        console.enter("1", "1")
        console.leave()
    end)
end)

case("a statement goes on in further lines", function()
    converse({ "-i" }, function(console)
        console.say("for i = 1, 2 do")
        console.type("print(i)\r", ">> \27[K")
        console.type("end\r", "\n1\r\n2\r\n")
        console.say("f(")
        console.type("", ">> \27[K")
        console.type("\3") -- and may be given up
        console.enter("7", "7")
        console.leave()
    end)
end)

-- Types keys, then Enter: what the line was is shown by what it is worth.
local function edited(console, keys, answer)
    console.enter(keys, answer)
end

case("lines are edited with the usual keys", function()
    converse({}, function(console)
        edited(console, "23\27[D\27[D1", "123")
        edited(console, "23\27OH1\27OF4", "1234")
        edited(console, "12\1\5" .. "3\2\2\6\6", "123")
        edited(console, "1x2\27[D\1279\127", "12")
        edited(console, "x12\1\4", "12")
        edited(console, "12x\27[D\27[3~", "12")
        edited(console, "99 + \21" .. "5", "5")
        edited(console, "5 + 99\27b\11" .. "1", "6")
        edited(console, "5 + word\23" .. "1", "6")
        edited(console, "1 word\23\23" .. "'\25'", "1 ")
        edited(console, "21\20", "12")
        edited(console, "7.5\27b\11\21\25", "7.0")
        edited(console, "12\27[1;5D\27[1;5C3\27[99;99~\27[Z\0\30", "123")
        local strange <const> = "\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80"
        edited(console, "'" .. strange .. "x'\27[D\127", strange)
        edited(console, "#'\xC3\xFF\x80ab'", "2")
        edited(console, "#'\t'", "4")
        console.leave()
    end)
end)

case("lines of the session come back, with the one that was begun", function()
    converse({}, function(console)
        edited(console, "11", "11")
        edited(console, "22", "22")
        edited(console, "22", "22")
        edited(console, "\27[A\27[A", "11")
        edited(console, "3\16\16\16\14\27[B\27[B\27[B" .. "3", "33")
        edited(console, "\27[A\27[A1", "111")
        console.leave()
    end)
end)

case("a line longer than the window moves through it", function()
    converse({}, function(console)
        local long = string.rep("1234567890", 12)
        local shown = console.enter("#'" .. long .. "'", "120")
        for row in string.gmatch(shown, "\r> ([^\27]*)\27") do ok(#row < 58, row) end
        shown = console.enter("#'\xE4\xBD\xA0" .. string.rep("\xE5\xA5\xBD", 40) .. "'\1\5", "123")
        for row in string.gmatch(shown, "\r> ([^\27]*)\27") do ok(utf8.len(row) < 32, row) end
        console.leave()
    end)
end)

case("other coroutines run while a line is edited, and print above it", function()
    converse({}, function(console)
        console.say([[coroutine.wrap(function() for i = 1, 2 do ]]
            .. [[print(require 'coutil.system'.awaitsig 'userdef1', i) end end)()]])
        console.expect("\n\r> \27[K")
        console.type("40 + ", "40 + \27[K")
        native.kill(console.pid, 10)
        console.type("", "userdef1\t1\r\n\r> 40 + \27[K")
        native.kill(console.pid, 10)
        console.type("", "userdef1\t2\r\n\r> 40 + \27[K")
        console.type("2\r", "\n42\r\n")
        console.leave()
    end)
end)

case("an interrupt leaves a chunk that waits, and a line", function()
    converse({}, function(console)
        console.say("function wait() require 'coutil.system'.suspend(60) end")
        console.expect("\n\r> \27[K")
        console.type("x", "> x\27[K")
        console.type("\3")
        for _ = 1, 2 do
            console.say("wait()")
            console.expect("wait()\27[K\r\n")
            streams.await(function() return not console.raw() end)
            console.type("\3", "coutil: interrupted!\r\n")
        end
        console.enter("1", "1")
        console.leave()
    end)
end)

case("the terminal is raw while a line is edited, and normal while a chunk runs", function()
    converse({}, function(console)
        streams.await(console.raw)
        console.say("io.read()")
        streams.await(function() return not console.raw() end)
        console.type("typed\n", "typed\r\ntyped\r\n")
        console.enter("require 'coutil.system'.execute('sh', '-c', 'stty -a | grep -q -- -icanon')",
                      "exit\t1")
        console.leave()
    end)
end)

case("the terminal is left as it was by whatever ends the conversation", function()
    converse({}, function(console)
        console.enter("1", "1")
        console.type("os.exit(3)\r")
        console.code = 3
    end)
    converse({}, function(console)
        console.enter("1", "1")
        streams.await(console.raw)
        native.kill(console.pid, 15)
        console.how, console.code = "signal", 15
    end)
    converse({ "-i", "-e", "require 'coutil.system'.suspend(0.001) x = 5" }, function(console)
        console.enter("x", "5")
        console.leave()
    end)
end)

suite.finish()
