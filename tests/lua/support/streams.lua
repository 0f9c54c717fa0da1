-- Interpreters with given standard streams: each is a process of its own, which reports in a file
-- what it saw, since its streams are what is tested.

local native = require "native"
local system = require "coutil.system"
local child = require "support.child"
local net = require "support.net"

local streams = {}

-- What all chunks begin with.
local prelude <const> = [[
warn("@on")
local native = require "native"
local system = require "coutil.system"
local memory = require "memory"
local buffer <const> = memory.create(65536)
local report <const> = assert(io.open(arg[1], "a"))
report:setvbuf("no")
local function tell(...)
    local words = table.pack(...)
    for at = 1, words.n do words[at] = tostring(words[at]) end
    report:write(table.concat(words, " "), "\n")
end
-- What a read gives: its bytes, or its failure.
local function take(stream, ...)
    local count, problem, code = stream:read(buffer, ...)
    if count then return count == 0 and "" or buffer:tostring(1, count) end
    return count, problem, code
end
local function spawn(body, ...)
    local task = coroutine.create(function(...)
        local done, problem = xpcall(body, debug.traceback, ...)
        if not done then tell("ERROR", problem) end
    end)
    coroutine.resume(task, ...)
    return task
end
]]

local started = {}

-- Starts the chunk. `given` may have descriptors as stdin, stdout and stderr (-1 for none): the
-- first is the null device otherwise, the others a file. `session`: a session of its own, with the
-- terminal that stdin is.
function streams.start(chunk, given)
    given = given or {}
    local self <const> = { script = os.tmpname(), report = os.tmpname(), output = os.tmpname() }
    do
        local file <close> = io.open(self.script, "w")
        file:write(prelude, chunk)
    end
    local null <const> = assert(native.open("/dev/null"))
    local sink <const> = assert(native.open(self.output, true))
    local words <const> = { child.interpreter, self.script, self.report }
    self.pid = assert(native.start(given.stdin or null, given.stdout or sink,
                                   given.stderr or sink, given.session, table.unpack(words)))
    native.close(null)
    native.close(sink)
    started[self] = true
    return self
end

local function content(path)
    local file <close> = io.open(path, "rb")
    return file:read("a")
end

-- What the child has reported so far.
function streams.told(of)
    return content(of.report)
end

-- Waits until the condition holds, for some seconds at most; returns what it gave.
function streams.await(condition, what)
    local limit <const> = system.nanosecs() + 20 * 1000000000
    repeat
        local found <const> = condition()
        if found then return found end
        system.suspend(0.001, "~")
    until system.nanosecs() > limit
    error(type(what) == "function" and what() or what or "it does not come true", 2)
end

-- Waits until the child has reported this line.
function streams.await_told(of, line)
    streams.await(function()
        return string.find("\n" .. streams.told(of), "\n" .. line .. "\n", 1, true)
    end, function() return "not told: " .. line .. "\n" .. streams.told(of) end)
end

-- Waits for the end of the child: what it reported; "exit" or "signal", and the number; what went
-- to the file for output.
function streams.finish(of)
    local how <const>, code <const> = native.wait(of.pid)
    started[of] = nil
    local told <const>, output <const> = content(of.report), content(of.output)
    for _, path in ipairs { of.script, of.report, of.output } do os.remove(path) end
    return told, how, code, output
end

-- Runs the chunk, which must end well; returns what it reported and what it put out.
function streams.run(chunk, given)
    local told <const>, how <const>, code <const>, output <const> =
        streams.finish(streams.start(chunk, given))
    if how ~= "exit" or code ~= 0 then
        error(string.format("ended by %s %d:\n%s%s", how, code, told, output), 2)
    end
    return told, output
end

-- A pseudo terminal: the master's descriptor, and one of the terminal itself, both as other
-- programs have them.
function streams.terminal()
    local master <const>, path <const> = assert(native.terminal())
    local slave <const> = assert(native.open(path, 2))
    native.blocking(slave)
    native.nonblocking(master, true)
    return master, slave, path
end

-- Reads from the descriptor until the text has come; returns all that came.
function streams.expect(fd, text)
    local came = ""
    streams.await(function()
        local piece = native.read(fd)
        if piece then came = came .. piece end
        return string.find(came, text, 1, true)
    end, function() return string.format("%q expected, got %q", text, came) end)
    return came
end

function streams.close(...)
    for _, fd in ipairs { ... } do native.close(fd) end
end

-- No child outlives a script that failed.
streams.keeper = setmetatable({}, {
    __gc = function()
        for of in pairs(started) do
            native.kill(of.pid, 9)
            native.wait(of.pid)
        end
    end,
})

-- Calls the body with a descriptor of that kind, for the child, and with another end if there is
-- one; then closes both.
function streams.with(kind, body)
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

return streams
