-- Files for the tests: a directory that goes when the script ends, its contents by other means
-- than ours, and the ways a call on a file may take.

local memory = require "memory"
local native = require "native"
local system = require "coutil.system"
local tasks = require "support.tasks"

local files = {}

local function shell(...)
    assert(os.execute(string.format(...)))
end

local directory = os.tmpname()
os.remove(directory)
shell("mkdir %s", directory)
files.directory = directory

-- Removed when the state closes, which suite.finish sees to.
files.keeper = setmetatable({}, { __gc = function() shell("rm -rf %s", directory) end })

local made = 0

-- A path below the directory that nobody has used.
function files.path(name)
    made = made + 1
    return string.format("%s/%s%d", directory, name or "file", made)
end

-- Makes a file of this content; returns its path.
function files.make(content)
    local path = files.path()
    local file <close> = assert(io.open(path, "wb"))
    assert(file:write(content))
    return path
end

function files.content(path)
    local file <close> = assert(io.open(path, "rb"))
    return file:read("a")
end

-- The modes a case is run in: waiting, and blocking.
files.modes = { "", "~" }

-- Waits until so many threads hang in the opening of a FIFO, for some seconds at most.
function files.hanging(count)
    local limit = system.nanosecs() + 5 * 1000000000
    repeat
        local pipe = io.popen("cat /proc/" .. native.getpid() .. "/task/*/wchan 2>&1")
        local _, found = string.gsub(pipe:read("a"), "wait_for_partner", "")
        pipe:close()
    until found >= count or system.nanosecs() > limit
end

-- Opens the file, in a task if the caller is none.
function files.open(path, mode, perm)
    if coroutine.isyieldable() then
        return assert(system.openfile(path, mode, perm))
    end
    return assert(tasks.await(system.openfile, path, mode, perm))
end

-- Reads so many bytes, all of them if they are there; returns them as a string.
function files.read(file, size, offset, mode)
    local buffer = memory.create(size)
    local count = assert(file:read(buffer, 1, -1, offset, mode))
    return count == 0 and "" or buffer:tostring(1, count)
end

-- The engine opens its mailbox when a worker is first needed; now is better than later.
files.open(files.path(), "wn", "rw"):close("~")

return files
