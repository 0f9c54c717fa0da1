-- What other programs of the system say, for comparison with what we say.

local suite = require "support.suite"

local shell = {}

function shell.quote(text)
    return "'" .. string.gsub(text, "'", "'\\''") .. "'"
end

-- What the command prints, without the last end of line, and whether it ended well.
function shell.output(command)
    local pipe = assert(io.popen(command .. " 2>/dev/null"))
    local text = pipe:read("a")
    local done = pipe:close()
    return (string.gsub(text, "\n$", "")), done == true
end

-- The same for a command without which the case cannot tell anything.
function shell.expect(command)
    local text, done = shell.output(command)
    if not done then suite.skip("the command fails here: " .. command) end
    return text
end

-- The lines of a text or of what a command prints.
function shell.lines(text)
    local lines = {}
    for line in string.gmatch(text, "[^\n]+") do lines[#lines + 1] = line end
    return lines
end

-- The text of a file, or nil.
function shell.read(path)
    local file <close> = io.open(path)
    return file and file:read("a")
end

-- Words for child.options.wrap: the shell commands are run in a network namespace of their own
-- before the interpreter is. Skips the case where that is not allowed.
function shell.in_network(commands)
    shell.expect("unshare --net true")
    return "unshare --net sh -c " .. shell.quote(commands .. "\nexec \"$0\" \"$@\"")
end

-- A directory of the case's own, in a to-be-closed variable that removes it.
function shell.directory()
    local path = shell.expect("mktemp -d")
    return setmetatable({ path = path }, {
        __close = function() os.execute("rm -rf " .. shell.quote(path)) end,
    })
end

return shell
