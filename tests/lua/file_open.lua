-- Manual: File System, system.openfile and file:close (behaviour 1.7, 4, 12.1 to 12.4, D7, D14).

local suite = require("support.suite").strict()
local system = require "coutil.system"
local native = require "native"
local files = require "support.files"
local net = require "support.net"
local tasks = require "support.tasks"
local child = require "support.child"

local case, equal, same, ok, fails = suite.case, suite.equal, suite.same, suite.ok, suite.fails

-- A case for each mode: in a task, and blocking from the main program. `open` takes what openfile
-- takes and adds the mode.
local function twice(name, body)
    for _, mode in ipairs(files.modes) do
        case(name .. (mode == "~" and " (blocking)" or ""), function()
            local function open(path, letters, perm)
                return system.openfile(path, (letters or "r") .. mode, perm)
            end
            if mode == "~" then
                body(open, mode)
            else
                tasks.await(body, open, mode)
            end
        end)
    end
end

-- What the modes mean -----------------------------------------------------------------------------

twice("a file is opened for reading by default", function(open, mode)
    local path = files.make("some bytes")
    local file <close> = assert(open(path))
    equal(files.read(file, 100, nil, mode), "some bytes")
    same({ file:write("x", 1, -1, nil, mode) }, { false, "bad file descriptor", 9 })
end)

case("a mode without letters, or nil, opens for reading", function()
    local path = files.make("abc")
    tasks.await(function()
        for _, mode in ipairs { "", "x", "~", "x~" } do
            local file <close> = assert(system.openfile(path, mode))
            equal(files.read(file, 3), "abc", mode)
            same({ file:write("x") }, { false, "bad file descriptor", 9 }, mode)
        end
        local file <close> = assert(system.openfile(path, nil))
        equal(files.read(file, 3), "abc")
        local new <close> = assert(system.openfile(files.path(), "n", "rw"))
        same({ new:write("x") }, { false, "bad file descriptor", 9 })
    end)
end)

twice("w, a, t and f imply writing, and only r reading", function(open, mode)
    for _, letters in ipairs { "w", "a", "t", "f", "wf", "af" } do
        local path = files.make("0123")
        local file <close> = assert(open(path, letters))
        equal(file:write("ab", 1, -1, nil, mode), 2)
        same({ file:read(require("memory").create(4), 1, -1, 0, mode) },
             { false, "bad file descriptor", 9 }, letters)
        local both <close> = assert(open(path, "r" .. letters))
        equal(both:write("AB", 1, -1, nil, mode), 2)
        local appends = string.find(letters, "a") ~= nil
        local content = ({ t = "AB", a = "0123abAB", af = "0123abAB" })[letters] or "AB23"
        equal(files.read(both, 10, 0, mode), content, letters)
        local flags = { native.fileflags(net.fd_of(open, path, letters)) }
        collectgarbage()
        same(flags, { appends, string.find(letters, "f") ~= nil, false }, letters)
    end
end)

twice("t erases what was there", function(open)
    local path = files.make("something")
    assert(open(path, "t")):close("~")
    equal(files.content(path), "")
end)

twice("n makes a file that is missing and leaves one that is there", function(open)
    local path = files.path()
    same({ open(path, "w") }, { false, "no such file or directory", 2 })
    assert(open(path, "wn", "rw")):close("~")
    equal(files.content(path), "")
    path = files.make("there")
    assert(open(path, "wn", "rw")):close("~")
    equal(files.content(path), "there")
end)

twice("N makes a file and fails if there is one", function(open)
    local path = files.path()
    assert(open(path, "wN", "rw")):close("~")
    same({ open(path, "wN", "rw") }, { false, "file already exists", 17 })
    same({ open(path, "rN", 384) }, { false, "file already exists", 17 })
end)

case("permissions are an integer or letters, and the umask is taken off", function()
    local umask = io.popen("umask"):read("a")
    local mask = tonumber(umask, 8)
    local cases = {
        { "rw", 384 }, { 420, 420 }, { "rwxRWX421", 511 }, { "UGS", 3584 }, { "", 0 },
        { "rrr", 256 }, { 493.0, 493 }, { "x1", 65 }, { 0, 0 }, { "4R", 36 },
    }
    for _, mode in ipairs(files.modes) do
        for _, each in ipairs(cases) do
            local path = files.path()
            tasks.await(function()
                local fd, file = net.fd_of(system.openfile, path, "wn" .. mode, each[1])
                local _, _, bits = native.stat(fd)
                equal(bits, each[2] & ~mask, tostring(each[1]))
                file:close()
            end)
        end
    end
end)

case("permissions are not looked at without n and N", function()
    local path = files.make("x")
    for _, perm in ipairs { "zz", {}, true, "644" } do
        assert(system.openfile(path, "r~", perm)):close("~")
    end
end)

case("files are close-on-exec and blocking, whatever the way they were opened", function()
    local path = files.make("x")
    tasks.await(function()
        for _, mode in ipairs { "r", "rx", "rw", "r~", "wn", "wt", "wn~" } do
            for _ = 1, 2 do -- the second time the file system is known
                local fd, file = net.fd_of(system.openfile, path, mode, "rw")
                same({ native.flags(fd) }, { true, false }, mode)
                file:close()
            end
        end
    end)
end)

twice("a directory can be opened, and not read", function(open, mode)
    local file <close> = assert(open(files.directory))
    same({ file:read(require("memory").create(10), 1, -1, nil, mode) },
         { false, "illegal operation on a directory", 21 })
    same({ file:read(require("memory").create(10), 1, -1, 0, mode) },
         { false, "illegal operation on a directory", 21 })
    same({ open(files.directory, "w") }, { false, "illegal operation on a directory", 21 })
end)

twice("a path ends at its first zero", function(open)
    local path = files.make("abc")
    assert(open(path .. "\0.not")):close("~")
end)

twice("a number is a path", function(open)
    same({ open(4711) }, { false, "no such file or directory", 2 })
end)

twice("opening says why it failed", function(open)
    local path = files.make("x")
    same({ open("") }, { false, "no such file or directory", 2 })
    same({ open(files.directory .. "/none/x") }, { false, "no such file or directory", 2 })
    same({ open(path .. "/x") }, { false, "not a directory", 20 })
    same({ open(files.directory .. "/" .. string.rep("x", 256)) }, { false, "name too long", 36 })
    same({ open(string.rep("x/", 3000)) }, { false, "name too long", 36 })
    local loop = files.path()
    os.execute(string.format("ln -s %s %s", loop, loop))
    same({ open(loop) }, { false, "too many symbolic links encountered", 40 })
    same({ open(loop, "wn", "rw") }, { false, "too many symbolic links encountered", 40 })
end)

twice("a directory that vanished is no place for a file", function(open)
    local gone = files.path("dir")
    os.execute("mkdir " .. gone)
    assert(open(gone)):close("~")
    os.execute("rmdir " .. gone)
    same({ open(gone .. "/x", "wn", "rw") }, { false, "no such file or directory", 2 })
    same({ open(gone) }, { false, "no such file or directory", 2 })
end)

twice("a file is found through a symbolic link", function(open, mode)
    local path, link = files.make("target"), files.path("link")
    os.execute(string.format("ln -s %s %s", path, link))
    for _ = 1, 2 do
        local file <close> = assert(open(link))
        equal(files.read(file, 100, nil, mode), "target")
    end
end)

case("out of descriptors is a failure", function()
    local shortage = require "support.shortage"
    local path = files.make("x")
    tasks.await(function() assert(system.openfile(path)):close() end)
    for _, mode in ipairs { "r", "r~", "wn" } do
        local answer
        shortage(function()
            answer = { tasks.await(system.openfile, path, mode, "rw") }
        end)
        same(answer, { false, "too many open files", 24 }, mode)
    end
end)

-- Checks ------------------------------------------------------------------------------------------

case("openfile checks mode, permissions, yielding and path in that order", function()
    fails(function() system.openfile(nil, {}) end,
          "bad argument #2 to 'openfile' (string expected, got table)")
    fails(function() system.openfile(nil, "rz") end, "unknown mode char (got 'z')")
    fails(function() system.openfile(nil, "n") end,
          "bad argument #3 to 'openfile' (number expected, got no value)")
    fails(function() system.openfile(nil, "N", nil) end,
          "bad argument #3 to 'openfile' (number expected, got nil)")
    fails(function() system.openfile(nil, "n", {}) end,
          "bad argument #3 to 'openfile' (number expected, got table)")
    fails(function() system.openfile(nil, "n", 1.5) end,
          "bad argument #3 to 'openfile' (number has no integer representation)")
    fails(function() system.openfile(nil, "n", "rz") end,
          "bad argument #3, unknown perm char (got 'z')")
    fails(function() system.openfile(nil, "n", "644") end,
          "bad argument #3, unknown perm char (got '6')")
    fails(function() system.openfile(nil, "n", 420) end, "unable to yield")
    fails(function() system.openfile(nil) end, "unable to yield")
    fails(function() system.openfile("x", 5) end, "unknown mode char (got '5')")
    fails(function() system.openfile(nil, "~") end,
          "bad argument #1 to 'openfile' (string expected, got nil)")
    fails(function() system.openfile(nil, "n~", 420) end,
          "bad argument #1 to 'openfile' (string expected, got nil)")
    tasks.await(function()
        fails(function() system.openfile() end,
              "bad argument #1 to 'openfile' (string expected, got no value)")
    end)
end)

case("close checks mode, yielding and self in that order", function()
    local file = files.open(files.make("x"))
    fails(function() file.close(nil, "z") end, "unknown mode char (got 'z')")
    fails(function() file.close(nil) end, "unable to yield")
    fails(function() file.close(nil, "~") end,
          "bad argument #1 to 'close' (coutil:file expected, got nil)")
    fails(function() file.close(io.stdout, "~") end,
          "bad argument #1 to 'close' (coutil:file expected, got FILE*)")
    tasks.await(function()
        fails(function() file.close() end,
              "bad argument #1 to 'close' (coutil:file expected, got no value)")
    end)
    equal(file:close("~~"), true)
    fails(function() file:close("~") end, "calling 'close' on bad self (closed file)")
end)

-- The object --------------------------------------------------------------------------------------

case("a file is a userdata of its own class", function()
    local file <close> = files.open(files.make("x"))
    local class = getmetatable(file)
    equal(class.__name, "coutil:file")
    equal(type(class.__gc), "function")
    equal(type(class.__close), "function")
    ok(string.find(tostring(file), "^coutil:file: 0x"))
    for _, name in ipairs { "close", "flush", "read", "resize", "write" } do
        equal(type(file[name]), "function", name)
    end
    equal(file.seek, nil)
end)

case("every method but tostring raises on a closed file", function()
    local file = files.open(files.make("x"), "rw")
    local fd = assert(net.fd_of(files.open, files.make("y")))
    ok(fd)
    collectgarbage()
    equal(tasks.await(file.close, file), true)
    for _, name in ipairs { "close", "flush", "read", "resize", "write" } do
        tasks.await(function()
            fails(function() file[name](file) end, "(closed file)")
        end)
        local mode = ({ close = 1, flush = 1, resize = 2 })[name] or 5
        local arguments = {}
        arguments[mode] = "~"
        fails(function() file[name](file, table.unpack(arguments, 1, mode)) end, "(closed file)")
    end
    fails(function() file:flush("~") end, "calling 'flush' on bad self (closed file)")
    ok(string.find(tostring(file), "^coutil:file: 0x"))
    local class = getmetatable(file)
    equal(select("#", class.__close(file)), 0)
    equal(select("#", class.__gc(file)), 0)
end)

case("the object is closed from the moment of the call, and the call waits", function()
    local fd, file = net.fd_of(files.open, files.make("x"))
    local answer
    local task = tasks.spawn(function() answer = { file:close() } end)
    equal(coroutine.status(task), "suspended")
    equal(answer, nil)
    fails(function() file:close("~") end, "closed file")
    tasks.run()
    same(answer, { true })
    equal(native.descriptors()[fd], nil)
end)

case("files close at the end of their scope, and as garbage", function()
    local path = files.make("x")
    local fd
    do
        local number, file <close> = net.fd_of(files.open, path)
        fd = number
        ok(file)
    end
    equal(native.descriptors()[fd], nil)
    fd = net.fd_of(files.open, path)
    ok(fd)
    collectgarbage()
    collectgarbage()
    equal(native.descriptors()[fd], nil)
end)

case("a descriptor that was closed by others is a failure of close", function()
    local path = files.make("x")
    local fd, file = net.fd_of(files.open, path)
    native.close(fd)
    same({ file:close("~") }, { false, "bad file descriptor", 9 })
    same({ file:close("~") }, { false, "bad file descriptor", 9 }) -- the object is still open
    same({ file:flush("~") }, { false, "bad file descriptor", 9 })
    same({ tasks.await(file.close, file) }, { false, "bad file descriptor", 9 })
    fails(function() file:close("~") end, "closed file")
    fd, file = net.fd_of(files.open, path)
    native.close(fd)
    same({ tasks.await(file.close, file) }, { false, "bad file descriptor", 9 })
    fails(function() file:close("~") end, "closed file")
end)

case("a failure to close garbage is a warning", function()
    local output = child.expect(child.prelude .. [[
warn("@on")
do
    local fd, file = net.fd_of(system.openfile, arg[0], "~")
    native.close(fd)
end
collectgarbage()
collectgarbage()
]])
    equal(output, "Lua warning: [coutil] __gc(file): bad file descriptor\n")
end)

case("many files are opened and closed at once", function()
    local path = files.make("x")
    local count = 0
    for index = 1, 200 do
        tasks.spawn(function()
            local file = assert(system.openfile(path, index % 3 == 0 and "wn" or "r", "rw"))
            equal(file:close(), true)
            count = count + 1
        end)
    end
    tasks.run()
    equal(count, 200)
end)

-- Leaving -----------------------------------------------------------------------------------------

case("an open whose result is known and was not delivered yet can be left", function()
    local path = files.make("x")
    tasks.await(function() assert(system.openfile(path)):close() end)
    for _, leave in ipairs { coroutine.resume, coroutine.close } do
        local results
        local task = coroutine.create(function()
            results = table.pack(system.openfile(path))
        end)
        local _, before = native.descriptors()
        ok(coroutine.resume(task))
        ok(leave(task, "early", nil))
        if leave == coroutine.resume then same(results, { n = 2, "early" }) end
        local _, after = native.descriptors() -- at once, not when garbage is collected
        equal(after, before)
        equal(system.run("ready"), false)
    end
end)

case("an abandoned open closes what it opened", function()
    for _, leave in ipairs { coroutine.resume, coroutine.close } do
        for rounds = 0, 2 do
            local tasks_of = {}
            for _ = 1, 20 do
                local path = files.path()
                local task = coroutine.create(function() system.openfile(path, "wn", "rw") end)
                ok(coroutine.resume(task))
                tasks_of[#tasks_of + 1] = task
            end
            for _ = 1, rounds do system.run("ready") end
            for _, task in ipairs(tasks_of) do leave(task) end
            tasks.run()
        end
    end
end)

case("a close that is left closes all the same", function()
    local path = files.make("x")
    for _, leave in ipairs { coroutine.resume, coroutine.close } do
        local fd, file = net.fd_of(files.open, path)
        local task = tasks.spawn(function() file:close() end)
        leave(task)
        tasks.run()
        equal(native.descriptors()[fd], nil)
    end
end)

case("no open begins that was left before a worker took it", function()
    local fifo = files.path("fifo")
    native.mkfifo(fifo)
    local chunk = child.prelude .. string.format([[
local files = require "support.files"
local fifo, path = %q, %q
local hanging = tasks.spawn(function() system.openfile(fifo) end)
files.hanging(1)
local task = coroutine.create(function() return system.openfile(path, "wn", "rw") end)
assert(coroutine.resume(task))
assert(coroutine.resume(task))
coroutine.resume(hanging)
assert(system.engine("counters").goingon == 1)
native.close(native.open(fifo, true))
tasks.run()
print(io.open(path))
]], fifo, files.path("unmade"))
    ok(string.find(child.expect(chunk, { environment = { COUTIL_FILE_THREADS = "1" } }),
                   "No such file", 1, true))
end)

case("a state that closes with opens in flight ends, and leaves no descriptor", function()
    local fifo = files.path("fifo")
    native.mkfifo(fifo)
    local chunk = child.prelude .. string.format([[
local fifo, path = %q, %q
for index = 1, 50 do
    local task = coroutine.create(function()
        system.openfile(index %% 10 == 0 and fifo or path, index %% 2 == 0 and "r" or "wn", "rw")
    end)
    assert(coroutine.resume(task))
    if index %% 3 == 0 then coroutine.resume(task) end
end
system.run("ready")
print("prepared")
]], fifo, files.make("x"))
    equal(child.expect(chunk), "prepared\n")
    equal(child.expect(chunk .. "\nos.exit(0, true)"), "prepared\n")
end)

suite.finish()
