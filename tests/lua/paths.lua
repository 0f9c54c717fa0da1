-- Goal: links, moves, removals and directories do what the manual says, in both modes, and fail
-- with the words programs know. Method: the shell's tools look at what was made.

local system = require "coutil.system"
local native = require "native"
local suite = require("support.suite").strict()
local child = require "support.child"
local paths = require "support.paths"
local tasks = require "support.tasks"

local case, equal, same, ok, fails = suite.case, suite.equal, suite.same, suite.ok, suite.fails
local shell = paths.shell

-- Expects that the call fails with this message and number.
local function refused(number, message, call, ...)
    same({ call(...) }, { false, message, number }, message)
end

-- Links ------------------------------------------------------------------------------------------

case("linkfile makes another name of the file", function()
    paths.both(function(call, at)
        paths.write(at "a", "text")
        same({ call("linkfile", at "a", at "b") }, { true })
        equal(paths.stat(at "b", "%i %h"), paths.stat(at "a", "%i 2"))
    end)
end)

case("linkfile with s, d or j makes a link whose text is the path as given", function()
    paths.both(function(call, at)
        for index, mode in ipairs { "s", "d", "j", "sd", "js" } do
            local text = "../no where/" .. index
            same({ call("linkfile", text, at(index), mode) }, { true })
            equal(shell("readlink %s", at(index)), text)
        end
    end)
end)

case("a hard link to a link is one more name of the link", function()
    paths.both(function(call, at)
        shell("ln -s nowhere %s", at "a")
        same({ call("linkfile", at "a", at "b") }, { true })
        equal(shell("readlink %s", at "b"), "nowhere")
    end)
end)

case("linkfile replaces nothing", function()
    paths.both(function(call, at)
        paths.write(at "a", "a")
        shell("ln -s nowhere %s", at "dangling")
        for _, mode in ipairs { "", "s" } do
            refused(17, "file already exists", call, "linkfile", at "a", at "a", mode)
            refused(17, "file already exists", call, "linkfile", at "a", at "dangling", mode)
        end
        refused(2, "no such file or directory", call, "linkfile", at "none", at "b")
        refused(1, "operation not permitted", call, "linkfile", at.path, at "b")
    end)
end)

-- Moves ------------------------------------------------------------------------------------------

case("movefile renames, and takes the name from another file", function()
    paths.both(function(call, at)
        paths.write(at "a", "new")
        paths.write(at "b", "old")
        same({ call("movefile", at "a", at "b") }, { true })
        equal(paths.read(at "b"), "new")
        ok(not paths.exists(at "a"))
        shell("mkdir %s %s", at "d", at "e")
        same({ call("movefile", at "d", at "e") }, { true })
        refused(2, "no such file or directory", call, "movefile", at "d", at "x")
        refused(21, "illegal operation on a directory", call, "movefile", at "b", at "e")
        refused(20, "not a directory", call, "movefile", at "e", at "b")
        shell("mkdir -p %s", at "full/x")
        refused(39, "directory not empty", call, "movefile", at "e", at "full")
        refused(22, "invalid argument", call, "movefile", at "e", at "e/inside")
    end)
end)

-- Removals ---------------------------------------------------------------------------------------

case("removefile removes a file, or with d an empty directory, and never the other", function()
    paths.both(function(call, at)
        paths.write(at "file", "")
        shell("mkdir -p %s; ln -s file %s", at "d/inner", at "link")
        refused(21, "illegal operation on a directory", call, "removefile", at "d")
        refused(20, "not a directory", call, "removefile", at "file", "d")
        refused(39, "directory not empty", call, "removefile", at "d", "d")
        refused(20, "not a directory", call, "removefile", at "link", "d")
        refused(2, "no such file or directory", call, "removefile", at "none")
        same({ call("removefile", at "link") }, { true })
        ok(paths.exists(at "file"), "a link is removed, not what it leads to")
        same({ call("removefile", at "file") }, { true })
        same({ call("removefile", at "d/inner", "d") }, { true })
        same({ call("removefile", at "d", "d") }, { true })
        equal(shell("ls -A %s", at.path), "")
    end)
end)

-- Directories ------------------------------------------------------------------------------------

case("makedir makes a directory with permissions as text or number, less the mask", function()
    paths.both(function(call, at)
        for given, permissions in pairs {
            [448] = "700", ["rwx"] = "700", ["rwxRX41"] = "755", ["Srwx"] = "1700",
            ["wwxxr"] = "700", [""] = "0",
        } do
            same({ call("makedir", at "d", given) }, { true })
            equal(paths.stat(at "d", "%F %a"), "directory " .. permissions)
            shell("rmdir %s", at "d")
        end
        same({ call("makedir", at "d", 511) }, { true })
        equal(paths.stat(at "d", "%a"), shell("printf %%o $((0777 & ~$(umask)))"))
        refused(17, "file already exists", call, "makedir", at "d", 448)
        refused(2, "no such file or directory", call, "makedir", at "x/y", 448)
    end)
end)

-- What can go wrong with any path ----------------------------------------------------------------

case("paths that lead nowhere fail with the kernel's reason", function()
    paths.both(function(call, at)
        paths.write(at "file", "")
        shell("ln -s loop %s", at "loop")
        local long = at(string.rep("x", 256))
        local longer = at.path .. string.rep("/xxxxxxx", 600)
        for _, way in ipairs {
            { 40, "too many symbolic links encountered", at "loop/x" },
            { 36, "name too long", long },
            { 36, "name too long", longer },
            { 20, "not a directory", at "file/x" },
            { 2, "no such file or directory", "" },
        } do
            local number, message, path = table.unpack(way)
            refused(number, message, call, "linkfile", path, at "new")
            refused(number, message, call, "linkfile", at "file", path)
            refused(number, message, call, "movefile", path, at "new")
            refused(number, message, call, "removefile", path)
            refused(number, message, call, "makedir", path, 448)
            refused(number, message, call, "touchfile", path)
            refused(number, message, call, "ownfile", path, -1, -1)
            refused(number, message, call, "grantfile", path, 448)
            refused(number, message, call, "copyfile", path, at "new")
            refused(number, message, call, "copyfile", at "file", path)
            equal(paths.problem(call, "fileinfo", path, "M"), message)
            equal(paths.problem(call, "fileinfo", path, "T"), message)
            if path ~= longer then -- whose first name already leads nowhere
                equal(paths.problem(call, "fileinfo", path, "p"), message)
            end
            equal(paths.problem(call, "fileinfo", path, "="), message)
            equal(paths.problem(call, "listdir", path), message)
        end
    end)
end)

case("a path ends at its first zero byte", function()
    paths.both(function(call, at)
        same({ call("makedir", at "d\0ignored", 448) }, { true })
        same({ call("movefile", at "d\0x", at "e\0y") }, { true })
        equal(call("fileinfo", at "e\0z", "?"), "directory")
        same({ call("removefile", at "e\0z", "d") }, { true })
    end)
end)

case("numbers are paths too", function()
    local here = shell("pwd")
    local at <close> = paths.directory()
    local output = child.expect([[
local system = require "coutil.system"
assert(system.makedir(7, 448, "~"))
assert(system.linkfile(7, 8.5, "~s"))
print(system.fileinfo(8.5, "~p="))
]], { before = "cd '" .. at.path .. "' && " , environment = { LUA_CPATH =
        string.gsub(package.cpath, "%f[^;\0]%.%.?/", here .. "/%0") } })
    equal(output, at "7" .. "\t7\n")
end)

-- Permissions of the file system -----------------------------------------------------------------

-- Whether tests may mount file systems of their own.
local mounts = paths.succeeds("unshare -m true 2>/dev/null")

-- Runs the chunk where two small file systems are mounted at `a` and `b` in its directory; b
-- is read-only if `mode` says so.
local function with_mounts(chunk, mode)
    if not mounts then suite.skip("needs root and mount namespaces") end
    local at <close> = paths.directory()
    local script = at "mount.sh"
    paths.write(script, string.format([[
mkdir %s/a %s/b || exit 99
mount -t tmpfs -o size=1M none %s/a && mount -t tmpfs -o size=1M none %s/b || exit 99
echo text > %s/b/file
mkdir %s/b/directory
%s
exec "$@"
]], at.path, at.path, at.path, at.path, at.path, at.path,
        mode and "mount -o remount," .. mode .. " " .. at.path .. "/b" or ""))
    return child.expect("local root = " .. string.format("%q", at.path) .. [[

local system = require "coutil.system"
local tasks = require "support.tasks"
local paths = require "support.paths"
local function at(name) return root .. "/" .. name end
]] .. chunk, { wrap = "unshare -m sh " .. script })
end

case("movefile and linkfile do not cross devices", function()
    with_mounts [[
for _, call in pairs(paths.ways) do
    for _, name in ipairs { "movefile", "linkfile" } do
        local done, message, number = call(name, at "b/file", at "a/file")
        assert(done == false and message == "cross-device link not permitted" and number == 18)
    end
    assert(call("copyfile", at "b/file", at "a/file"))
    assert(paths.read(at "a/file") == "text\n")
    assert(call("removefile", at "a/file"))
end
]]
end)

case("nothing changes on a read-only file system", function()
    with_mounts([[
for _, call in pairs(paths.ways) do
    for _, arguments in ipairs {
        { "linkfile", at "b/file", at "b/x" }, { "linkfile", "text", at "b/x", "s" },
        { "movefile", at "b/file", at "b/x" }, { "removefile", at "b/file" },
        { "removefile", at "b/directory", "d" }, { "makedir", at "b/x", 448 },
        { "touchfile", at "b/file" }, { "ownfile", at "b/file", 1, 1 },
        { "grantfile", at "b/file", 0 }, { "copyfile", at "a", at "b/x" },
        { "copyfile", at "b/file", at "b/x" }, { "copyfile", at "b/file", at "b/file" },
    } do
        local done, message, number = call(table.unpack(arguments))
        local wanted = arguments[2] == at "a" and 21 or 30
        assert(done == false and number == wanted, arguments[1] .. ": " .. tostring(message))
        assert(wanted ~= 30 or message == "read-only file system")
    end
    local done, message, number = call("maketemp", at "b/x")
    assert(done == false and message == "read-only file system" and number == 30)
    assert(call("fileinfo", at "b/file", "B") == 5)
end
]], "ro")
end)

case("who may not write a directory changes nothing in it", function()
    if shell("id -u") ~= "0" then suite.skip("needs root, to become somebody else") end
    local at <close> = paths.directory()
    shell("chmod 755 %s; mkdir %s; chmod 700 %s", at.path, at "closed", at "closed")
    paths.write(at "file", "")
    paths.write(at "other.sh", [[
for last; do :; done
chmod 644 "$last"
exec setpriv --reuid 65534 --regid 65534 --clear-groups -- "$@"
]])
    local output = child.expect("local root = " .. string.format("%q", at.path) .. [[

local system = require "coutil.system"
local paths = require "support.paths"
local function at(name) return root .. "/" .. name end
for _, call in pairs(paths.ways) do
    for _, arguments in ipairs {
        { "linkfile", at "file", at "x", "s" }, { "movefile", at "file", at "x" },
        { "removefile", at "file" }, { "removefile", at "closed", "d" }, { "makedir", at "x", 448 },
        { "copyfile", at "file", at "x" }, { "copyfile", at "file", at "file" },
        { "removefile", at "closed/x" }, { "maketemp", at "x" }, { "maketemp", at "x", "f" },
    } do
        local done, message, number = call(table.unpack(arguments))
        assert(done == false and message == "permission denied" and number == 13, arguments[1])
    end
    for _, arguments in ipairs {
        { "touchfile", at "file", "m", 1 }, { "ownfile", at "file", 0, 0 },
        { "grantfile", at "file", 0 },
    } do
        local done, message, number = call(table.unpack(arguments))
        assert(done == false and message == "operation not permitted" and number == 1)
    end
    assert(paths.problem(call, "listdir", at "closed") == "permission denied")
    assert(paths.problem(call, "fileinfo", at "closed/x", "M") == "permission denied")
    assert(call("fileinfo", at "closed", "?") == "directory")
end
print "done"
]], { wrap = "sh " .. at "other.sh" })
    equal(output, "done\n")
end)

-- Arguments --------------------------------------------------------------------------------------

local two_paths = { "linkfile", "movefile", "copyfile" }

case("the mode is checked first, then the caller, then the rest", function()
    for _, name in ipairs { "linkfile", "copyfile", "movefile" } do
        fails(function() system[name](nil, nil, {}) end, "(string expected, got table)")
    end
    fails(function() system.removefile(nil, {}) end, "bad argument #2 to 'removefile' (string")
    fails(function() system.makedir(nil, nil, {}) end, "bad argument #3 to 'makedir' (string")
    for name, text in pairs {
        linkfile = "bad argument #3, unknown mode char (got 'z')",
        copyfile = "bad argument #3, unknown mode char (got 'z')",
        movefile = "unknown mode char (got 'z')",
        makedir = "unknown mode char (got 'z')",
    } do
        equal(paths.problem(system[name], nil, nil, "~z"), text)
        equal(paths.problem(function() system[name](nil, nil, "z") end), text)
    end
    equal(paths.problem(system.removefile, nil, "zd"),
          "bad argument #2, unknown mode char (got 'z')")
    for _, name in ipairs { "linkfile", "copyfile", "movefile", "removefile", "makedir" } do
        equal(paths.problem(system[name]), "unable to yield")
        local destiny = name ~= "removefile" and {} or nil
        equal(paths.problem(system[name], {}, destiny), "unable to yield")
    end
end)

case("paths are strings or numbers", function()
    for _, name in ipairs(two_paths) do
        for _, way in ipairs { paths.awaited, paths.blocking } do
            fails(function() way(name) end, "string expected, got n")
            fails(function() way(name, {}, "x") end, "string expected, got table")
            fails(function() way(name, "x", true) end, "string expected, got boolean")
        end
    end
    paths.both(function(call)
        fails(function() call("removefile") end, "string expected, got n")
        fails(function() call("makedir", nil, 448) end, "string expected, got n")
        fails(function() call("makedir", "x") end, "number expected, got n")
        fails(function() call("makedir", "x", "rwz") end,
              "bad argument #2, unknown perm char (got 'z')")
        fails(function() call("makedir", "x", "644") end,
              "bad argument #2, unknown perm char (got '6')")
        fails(function() call("makedir", "x", 1.5) end, "number has no integer representation")
        fails(function() call("makedir", "x", {}) end, "number expected, got table")
    end)
end)

case("a call that waits yields no values, and once even if the result is known", function()
    local at <close> = paths.directory()
    paths.write(at "file", "")
    for _, start in ipairs {
        function() system.makedir(at "d", 448) end,
        function() system.fileinfo(at "file", "M") end,
        function() system.fileinfo(at "file", "M") end,
        function() pcall(system.fileinfo, at "none", "M") end,
        function() system.listdir(at.path) end,
    } do
        local task = coroutine.create(start)
        same({ coroutine.resume(task) }, { true })
        equal(coroutine.status(task), "suspended")
        tasks.run()
        equal(coroutine.status(task), "dead")
    end
end)

case("a worker does its work while run does not execute", function()
    local at <close> = paths.directory()
    local done
    tasks.spawn(function() done = system.makedir(at "d", 448) end)
    paths.watch(function() return paths.exists(at "d") end)
    equal(done, nil)
    tasks.run()
    equal(done, true)
end)

case("paths may be collected and buffers reused while a worker has them", function()
    local at <close> = paths.directory()
    for index = 1, 100 do
        tasks.spawn(function() assert(system.makedir(at("d" .. index), 448)) end)
    end
    for _ = 1, 1000 do local _ = at(string.rep("z", 10)) end
    collectgarbage()
    tasks.run()
    equal(shell("ls %s | wc -l", at.path), "100")
end)

-- Leaving ----------------------------------------------------------------------------------------

-- In these chunks every worker there may be opens a pipe that nobody writes, until unblock().
local blocked = child.prelude .. [[
local paths = require "support.paths"
local root <const> = ...
local function at(name) return root .. "/" .. name end
local stuck = 0
local function block()
    for _ = 1, 64 do
        stuck = stuck + 1
        tasks.spawn(function()
            assert(system.copyfile(at "pipe", "/dev/null"))
            stuck = stuck - 1
        end)
    end
end
-- Workers may come to the pipe late, so it is opened and closed until all are through.
local function unblock()
    tasks.spawn(function()
        repeat
            assert(io.open(at "pipe", "r+")):close()
            system.suspend(0.002)
        until stuck == 0
    end)
    tasks.run()
end
local function counters() return system.engine("counters") end
]]

-- Runs the chunk with 64 workers; its directory holds a pipe.
local function with_blocked_workers(chunk)
    local at <close> = paths.directory()
    shell("mkfifo %s", at "pipe")
    local head = string.gsub(blocked, "%.%.%.", string.format("%q", at.path), 1)
    return child.run(head .. chunk, { environment = { COUTIL_FILE_THREADS = "64" } })
end

local verbs = [[
paths.write(at "file", "text")
local started = {
    linkfile = function() return system.linkfile(at "file", at "new") end,
    movefile = function() return system.movefile(at "file", at "new") end,
    removefile = function() return system.removefile(at "file") end,
    makedir = function() return system.makedir(at "new", 448) end,
    copyfile = function() return system.copyfile(at "file", at "new") end,
    touchfile = function() return system.touchfile(at "file", "b", 1) end,
    ownfile = function() return system.ownfile(at "file", 1, 1) end,
    grantfile = function() return system.grantfile(at "file", 0) end,
    maketemp = function() return system.maketemp(at "new") end,
    temporary = function() return system.maketemp(at "new", "of") end,
    listdir = function() return system.listdir(root) end,
    realpath = function() return system.fileinfo(at "file", "p=") end,
}
local function look()
    return paths.shell("cd %s && ls -A && stat -c '%%a %%u %%Y' file", root)
end
]]

case("what no worker took is not done when its coroutine left", function()
    local output, how, code = with_blocked_workers(verbs .. [[
local before = look()
block()
for _, leave in ipairs { coroutine.resume, coroutine.close } do
    for name, start in pairs(started) do
        local values
        local task = coroutine.create(function() values = table.pack(start()) end)
        assert(coroutine.resume(task))
        assert(counters().awaiting == 65)
        assert(leave(task, name, nil))
        assert(counters().awaiting == 64)
        if leave == coroutine.resume then
            assert(values.n == 2 and values[1] == name)
        end
    end
end
tasks.rounds(3)
assert(counters().goingon == 0, "what never ran is still pending")
unblock()
assert(look() == before)
print "done"
]])
    same({ output, how, code }, { "done\n", "exit", 0 })
end)

case("what a worker began is done to its end, and keeps run until then", function()
    for _, leave in ipairs { "resume", "close" } do
        local output, how, code = with_blocked_workers([[
local task = coroutine.create(function() return system.copyfile(at "pipe", at "copy") end)
assert(coroutine.resume(task))
paths.watch(function() return paths.exists("/proc/self/task") and counters().awaiting == 1 end)
local pipe = io.open(at "pipe", "w") -- returns once the worker has opened it
paths.watch(function() return paths.exists(at "copy") end)
assert(select(2, coroutine.]] .. leave .. [[(task, "left")) == ]] ..
    (leave == "resume" and '"left"' or "nil") .. [[)
assert(counters().awaiting == 0 and counters().goingon == 1)
assert(system.run("ready") == true)
pipe:write("text")
pipe:close()
tasks.run()
assert(paths.read(at "copy") == "text")
print "done"
]])
        same({ output, how, code }, { "done\n", "exit", 0 })
    end
end)

case("values of an explicit resume win over a result that is there", function()
    local at <close> = paths.directory()
    for index, leave in ipairs { coroutine.resume, coroutine.close } do
        local values
        local task = coroutine.create(function() values = { system.makedir(at(index), 448) } end)
        assert(coroutine.resume(task))
        paths.watch(function() return paths.exists(at(index)) end)
        ok(leave(task, "mine", 7))
        if leave == coroutine.resume then same(values, { "mine", 7 }) end
        tasks.run()
    end
end)

case("a coroutine that left may begin the next call at once", function()
    local at <close> = paths.directory()
    local results = {}
    local task = coroutine.create(function()
        results[1] = system.makedir(at "a", 448)
        results[2] = system.makedir(at "b", 448)
        results[3] = system.fileinfo(at "b", "?")
        results[4] = system.fileinfo(at "b", "?")
    end)
    assert(coroutine.resume(task))
    assert(coroutine.resume(task, "left"))
    tasks.until_true(function() return results[2] end)
    assert(coroutine.resume(task, "left again"))
    tasks.run()
    same(results, { "left", true, "left again", "directory" })
end)

case("what the kernel has in memory needs no worker", function()
    local output, how, code = with_blocked_workers([[
paths.write(at "file", "12345")
assert(paths.awaited("fileinfo", at "file", "B") == 5) -- this one learns about the mount
assert(not paths.exists(at "none")) -- and the kernel, about this name
block()
local done = 0
for _, mode in ipairs { "B", "?M@T", "l?", "UGSrwx" } do
    tasks.spawn(function()
        system.fileinfo(at "file", mode)
        assert(not pcall(system.fileinfo, at "none", mode))
        done = done + 1
    end)
end
tasks.until_true(function() return done == 4 end)
assert(counters().awaiting == 64)
unblock()
print "done"
]])
    same({ output, how, code }, { "done\n", "exit", 0 })
end)

case("a state that closes neither waits for stuck workers nor begins what is queued", function()
    local clock = system.nanosecs()
    local output, how, code = with_blocked_workers(verbs .. [[
block()
for _, start in pairs(started) do tasks.spawn(start) end
print(look())
os.exit(0, true)
]])
    equal(how .. code, "exit0", output)
    ok(system.nanosecs() - clock < 5000000000, "it took too long")
end)

case("a state closes with results that nobody took", function()
    local output, how, code = with_blocked_workers(verbs .. [[
for _, start in pairs(started) do tasks.spawn(function() pcall(start) end) end
tasks.spawn(function() system.fileinfo(root, "M") end)
tasks.spawn(function() system.fileinfo(root, "M") end)
system.suspend(0.2, "~")
tasks.spawn(function() system.fileinfo(root, "M") end)
print "done"
os.exit(0, true)
]])
    same({ output, how, code }, { "done\n", "exit", 0 })
end)

case("a forked child makes no calls that wait", function()
    local at <close> = paths.directory()
    local pid = native.fork()
    if pid == 0 then
        local problem = select(2, coroutine.resume(coroutine.create(function()
            system.makedir(at "d", 448)
        end)))
        local right = string.find(tostring(problem), "not usable after fork", 1, true)
        native.exit(right and system.makedir(at "e", 448, "~") and 0 or 1)
    end
    same({ native.wait(pid) }, { "exit", 0 })
    ok(paths.exists(at "e"))
end)

suite.finish()
