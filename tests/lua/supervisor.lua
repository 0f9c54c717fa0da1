-- The supervisor of examples/: real children, real signals. Starts, restarts and the pauses between
-- them, lines behind names, reloading, and an end that takes all programs along.

local suite = require "support.suite".strict()
local native = require "native"
local child = require "support.child"
local files = require "support.files"
local process = require "support.process"
local streams = require "support.streams"

local case, equal, ok = suite.case, suite.equal, suite.ok

local here <const> = string.match(arg[0], "^(.*)/[^/]*$") or "."
local program <const> = here .. "/../../examples/supervisor.lua"

-- Starts the supervisor of these programs, which are Lua text; calls the body with it and ends it.
local function supervise(programs, body)
    local path <const> = files.make("return { " .. programs .. " }")
    local from <const>, into <const> = native.pipe()
    local null <const> = assert(native.open("/dev/null"))
    local self <const> = { path = path, said = "" }
    self.pid = native.start(null, into, into, false, child.interpreter, program, path)
    streams.close(null, into)
    native.nonblocking(from, true)
    -- Waits until the text has been said after what was waited for before.
    function self.expect(text)
        local last <const> = select(2, string.find(self.said, text, (self.at or 0) + 1, true))
        if last then
            self.at = last
            return
        end
        streams.await(function()
            self.said = self.said .. (native.read(from) or "")
            self.at = select(2, string.find(self.said, text, (self.at or 0) + 1, true)) or self.at
            return self.at and string.sub(self.said, self.at - #text + 1, self.at) == text
        end, function() return "not said: " .. text .. "\n" .. self.said end)
    end
    -- The number of the program, which was told last.
    function self.pid_of(name)
        self.at = nil
        self.expect("supervisor: " .. name .. " runs as ")
        local number
        for found in string.gmatch(self.said, name .. " runs as (%d+)\n") do number = found end
        return math.tointeger(number)
    end
    function self.finish()
        local how <const>, code <const> = native.wait(self.pid)
        self.pid = nil
        self.said = self.said .. (native.read(from) or "")
        return how, code
    end
    local done <const>, problem <const> = xpcall(body, debug.traceback, self)
    if self.pid then
        native.kill(self.pid, 15)
        native.wait(self.pid, 10)
    end
    native.close(from)
    if not done then error(problem, 0) end
end

case("lines come behind the names, also unfinished ones and those of errors", function()
    supervise([=[ talker = { "sh", "-c", "echo one; echo two >&2; printf three",
                             restart = "never" } ]=],
        function(supervisor)
            supervisor.expect("talker ended: exit 0\n")
            for _, line in ipairs { "one", "two", "three" } do
                supervisor.at = nil
                supervisor.expect("talker | " .. line .. "\n")
            end
        end)
end)

case("programs start again after pauses that grow, but those that shall not", function()
    supervise([=[
        again = { "sh", "-c", "echo again" },
        failing = { "sh", "-c", "exit 3", restart = "failure" },
        content = { "true", restart = "failure" },
        once = { "false", restart = "never" },
        missing = { "no-such-program" },
    ]=], function(supervisor)
        for _ = 1, 3 do supervisor.expect("again | again\n") end
        supervisor.at = nil
        for _ = 1, 2 do supervisor.expect("failing ended: exit 3\n") end
        for _, text in ipairs { "content ended: exit 0\n", "once ended: exit 1\n",
                                "missing could not be started: no such file or directory\n" } do
            supervisor.at = nil
            supervisor.expect(text)
        end
        for _, name in ipairs { "content", "once" } do
            equal(select(2, string.gsub(supervisor.said, name .. " runs as", "")), 1)
        end
    end)
end)

case("a program that is killed starts again", function()
    supervise([=[ sleeper = { "sleep", "60" } ]=], function(supervisor)
        local first = supervisor.pid_of "sleeper"
        native.kill(first, 9)
        supervisor.expect("sleeper ended: TERMINATE 9\n")
        supervisor.expect("sleeper runs as ")
        local second = supervisor.pid_of "sleeper"
        ok(first ~= second)
        ok(process.state(second))
    end)
end)

for _, signal in ipairs { { 15, "terminate" }, { 2, "interrupt" } } do
    case(signal[2] .. " stops all programs and the supervisor", function()
        supervise([=[
            sleeper = { "sleep", "60" },
            careful = { "sh", "-c",
                "trap 'echo cleaning up; exit 7' TERM; echo ready; while :; do sleep 0.01; done" },
        ]=], function(supervisor)
            supervisor.expect("careful | ready\n")
            local sleeper = supervisor.pid_of "sleeper"
            native.kill(supervisor.pid, signal[1])
            local how, code = supervisor.finish()
            equal(how, "exit")
            equal(code, 0)
            ok(string.find(supervisor.said, signal[2] .. ": stops all programs\n", 1, true),
               supervisor.said)
            ok(string.find(supervisor.said, "careful | cleaning up\n", 1, true), supervisor.said)
            ok(string.find(supervisor.said, "careful ended: exit 7\n", 1, true), supervisor.said)
            equal(process.state(sleeper), nil)
        end)
    end)
end

case("hangup reads the table again: what changed is replaced, what did not runs on", function()
    supervise([=[
        stays = { "sleep", "60" }, changes = { "sleep", "61" }, goes = { "sleep", "62" },
    ]=], function(supervisor)
        local stays, changes, goes = supervisor.pid_of "stays", supervisor.pid_of "changes",
            supervisor.pid_of "goes"
        do
            local file <close> = assert(io.open(supervisor.path, "w"))
            file:write [=[return { stays = { "sleep", "60" }, changes = { "sleep", "63" },
                                   comes = { "sh", "-c", "echo hello; sleep 60" } }]=]
        end
        native.kill(supervisor.pid, 1)
        supervisor.expect("comes | hello\n")
        streams.await(function() return not process.state(changes) and not process.state(goes) end)
        supervisor.at = nil
        supervisor.expect("changes runs as " .. changes)
        supervisor.expect("changes runs as ")
        equal(supervisor.pid_of "stays", stays)
        ok(process.state(stays))
        do
            local file <close> = assert(io.open(supervisor.path, "w"))
            file:write "return {"
        end
        native.kill(supervisor.pid, 1)
        supervisor.expect("goes on as before: ")
        ok(process.state(stays))
    end)
end)

case("a table that cannot be used is told at the start", function()
    for _, text in ipairs { "5", "a = 5", "a = {}", "(" } do
        supervise(text, function(supervisor)
            local how, code = supervisor.finish()
            equal(how, "exit")
            equal(code, 1)
            ok(string.find(supervisor.said, "^supervisor: "), supervisor.said)
        end)
    end
end)

suite.finish()
