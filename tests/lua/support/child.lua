-- Interpreters of their own: a chunk is written to a file and run by the program that runs us,
-- with whatever environment and wrapping it takes.

local child = {}

-- The program that runs this script.
child.interpreter = arg[-1]

local function quote(text)
    return "'" .. string.gsub(text, "'", "'\\''") .. "'"
end

-- How long any of them may take; a multiple of what they do under sanitizers.
local limit <const> = 30

local function write_chunk(chunk)
    local path = os.tmpname()
    local file = assert(io.open(path, "w"))
    file:write(chunk)
    file:close()
    return path
end

-- The command that runs the chunk. `options.environment`: a table of variables, false to unset;
-- `options.before`: shell commands that come first; `options.wrap`: words before the interpreter.
function child.command(chunk, options)
    options = options or {}
    local path = write_chunk(chunk)
    local words = { options.before or "", "exec timeout -s KILL " .. limit .. " env" }
    for name, value in pairs(options.environment or {}) do
        words[#words + 1] = value and name .. "=" .. quote(value) or "-u " .. name
    end
    words[#words + 1] = options.wrap
    words[#words + 1] = quote(child.interpreter)
    words[#words + 1] = path
    return table.concat(words, " "), path
end

-- Runs the chunk to its end. Returns what it printed (errors included), then "exit" or "signal",
-- and the number. The shell tells a signal as an exit above 128.
function child.run(chunk, options)
    local command, path = child.command(chunk, options)
    local pipe = assert(io.popen("(" .. command .. ") 2>&1", "r"))
    local output = pipe:read("a")
    local _, how, code = pipe:close()
    os.remove(path)
    if how == "exit" and code > 128 then
        how, code = "signal", code - 128
    end
    return output, how, code
end

-- Runs the chunk, which must end well; returns what it printed.
function child.expect(chunk, options)
    local output, how, code = child.run(chunk, options)
    if how ~= "exit" or code ~= 0 then
        error(string.format("child ended with %s %d:\n%s", how, code, output), 2)
    end
    return output
end

-- What most chunks begin with.
child.prelude = [[
local system = require "coutil.system"
local memory = require "memory"
local native = require "native"
local net = require "support.net"
local tasks = require "support.tasks"
]]

return child
