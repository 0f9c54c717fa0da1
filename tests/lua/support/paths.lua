-- For tests of the file system: directories of their own, what other programs say about files, and
-- both ways to call a function.

local system = require "coutil.system"
local tasks = require "support.tasks"

local paths = {}

local function quote(text)
    return "'" .. string.gsub(text, "'", "'\\''") .. "'"
end

-- Runs a shell command, with each %s replaced by a quoted argument; returns its output without the
-- last end of line. It must end well.
function paths.shell(form, ...)
    local words = table.pack(...)
    for index = 1, words.n do words[index] = quote(tostring(words[index])) end
    local command = string.format(form, table.unpack(words, 1, words.n))
    local pipe = assert(io.popen(command, "r"))
    local output = pipe:read("a")
    assert(pipe:close(), command)
    return (string.gsub(output, "\n$", ""))
end

-- Like shell, for commands that may fail: whether it ended well.
function paths.succeeds(form, ...)
    return pcall(paths.shell, form, ...)
end

-- An empty directory, in the one given if it can be written, that goes with all that is in it when
-- the variable that holds it ends. Called with a name it gives the path of that name in it.
function paths.directory(where)
    local root = paths.shell("mktemp -d -p %s 2>/dev/null || mktemp -d", where or "/tmp")
    return setmetatable({ path = root }, {
        __call = function(_, name) return root .. "/" .. name end,
        __close = function() paths.shell("chmod -R u+rwx %s; rm -rf %s", root, root) end,
    })
end

function paths.write(path, text)
    local file = assert(io.open(path, "w"))
    assert(file:write(text))
    assert(file:close())
    return path
end

function paths.read(path)
    local file = assert(io.open(path, "r"))
    local text = file:read("a")
    file:close()
    return text
end

function paths.exists(path)
    local file = io.open(path, "r")
    if file ~= nil then file:close() end
    return file ~= nil
end

-- Waits until the condition holds, without running the scheduler.
function paths.watch(condition)
    local limit = system.nanosecs() + 10 * 1000000000
    while not condition() do
        assert(system.nanosecs() < limit, "the condition does not come true")
        system.suspend(0.001, "~")
    end
end

-- What stat(1) says, in the words of its format.
function paths.stat(path, format)
    return paths.shell("stat -c %s -- %s", format, path)
end

local mode_place = {
    linkfile = 3, copyfile = 3, movefile = 3, removefile = 2, makedir = 3, listdir = 2,
    touchfile = 2, ownfile = 4, grantfile = 3, fileinfo = 2, maketemp = 2,
}

-- Calls system[name] in a coroutine and runs it to its end; returns its results, or raises.
function paths.awaited(name, ...)
    local results = table.pack(tasks.await(pcall, system[name], ...))
    if not results[1] then error(results[2], 0) end
    return table.unpack(results, 2, results.n)
end

-- The same in blocking mode, here and now.
function paths.blocking(name, ...)
    local arguments = table.pack(...)
    local place = mode_place[name]
    arguments[place] = "~" .. (arguments[place] or "")
    return system[name](table.unpack(arguments, 1, math.max(arguments.n, place)))
end

paths.ways = { awaited = paths.awaited, blocking = paths.blocking }

-- Calls the function for both ways, with an empty directory each time.
function paths.both(body)
    for _, call in pairs(paths.ways) do
        local directory <close> = paths.directory()
        body(call, directory)
    end
end

-- The text of an error without the position before it.
function paths.problem(call, ...)
    local done, problem = pcall(call, ...)
    assert(not done, "an error expected")
    return (string.gsub(problem, "^[^ ]+:%d+: ", ""))
end

-- The engine opens its mailbox with the first call that a worker makes; now is better than later.
paths.awaited("listdir", "/")

return paths
