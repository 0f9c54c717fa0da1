-- Files on systems that refuse: full, read-only, not ours (behaviour 3.2, 12.4). Each case is a
-- child that has mounts or an identity of its own, which takes the rights to make them.

local suite = require("support.suite").strict()
local files = require "support.files"
local child = require "support.child"
local native = require "native"
local memory = require "memory"
local system = require "coutil.system"
local tasks = require "support.tasks"

local case, equal, same, ok = suite.case, suite.equal, suite.same, suite.ok

local function succeeds(command)
    return os.execute(command .. " >/dev/null 2>&1") == true
end

-- The words that run a program in a mount namespace of its own, where `command` was run before.
local function in_namespace(command)
    return string.format("unshare -m sh -c '%s && exec \"$0\" \"$@\"'", command)
end

local function needs_mounts()
    if not succeeds("unshare -m mount -t tmpfs none " .. files.directory) then
        suite.skip("no right to mount")
    end
end

local prelude <const> = child.prelude .. [[
local function show(...)
    local results = table.pack(...)
    for index = 1, results.n do results[index] = tostring(results[index]) end
    print(table.concat(results, " "))
end
local function each_mode(body)
    for _, mode in ipairs { "", "~" } do tasks.await(body, mode) end
end
]]

case("a full file system takes a part, then nothing", function()
    needs_mounts()
    local where = files.path("mount")
    os.execute("mkdir " .. where)
    local chunk = prelude .. string.format("local where = %q\n", where) .. [[
local size = 1 << 20
local text = string.rep("x", 3 << 20)
each_mode(function(mode)
    local path = where .. "/file"
    local file = assert(system.openfile(path, "rwnt" .. mode, "rw"))
    show(file:write(text, 1, -1, nil, mode))
    show(file:write(text, 1, -1, nil, mode))
    show(file:write("x", 1, -1, 2 << 20, mode))
    show(file:read(memory.create(4), 1, -1, size - 2, mode))
    show(file:resize(0, mode))
    local source = assert(system.openfile("/dev/zero", "r~"))
    local from = assert(system.openfile(arg[1], "r~"))
    show(file:write(from, 1, 3 << 20, nil, mode))
    show(file:write(from, 1, 3 << 20, nil, mode))
    show(file:resize(0, mode))
    assert(file:close(mode))
end)
]]
    local source = files.make(string.rep("y", 3 << 20))
    chunk = string.gsub(chunk, "arg%[1%]", function() return string.format("%q", source) end)
    local output = child.expect(chunk, {
        wrap = in_namespace("mount -t tmpfs -o size=1m none " .. where),
    })
    local expected = "1048576\nfalse no space left on device 28\n" ..
        "false no space left on device 28\n2\ntrue\n" ..
        "1048576\nfalse no space left on device 28\ntrue\n"
    equal(output, expected .. expected)
end)

case("a read-only file system is read only", function()
    needs_mounts()
    local where = files.path("mount")
    os.execute(string.format("mkdir %s && echo content > %s/file", where, where))
    local output = child.expect(prelude .. string.format("local where = %q\n", where) .. [[
each_mode(function(mode)
    show(system.openfile(where .. "/file", "w" .. mode))
    show(system.openfile(where .. "/new", "wn" .. mode, "rw"))
    show(system.openfile(where .. "/file", "t" .. mode))
    local file = assert(system.openfile(where .. "/file", "r" .. mode))
    show(file:read(memory.create(3), 1, -1, nil, mode))
    assert(file:close(mode))
end)
]], { wrap = in_namespace(string.format("mount --bind -o ro %s %s", where, where)) })
    local refused = "false read-only file system 30\n"
    local expected = refused .. refused .. refused .. "3\n"
    equal(output, expected .. expected)
end)

case("files of others are refused", function()
    if not succeeds("setpriv --reuid=65534 --clear-groups true") then
        suite.skip("no right to be somebody else")
    end
    local where = files.path("place")
    os.execute(string.format("mkdir -m 755 %s && chmod 755 %s", where, files.directory))
    os.execute(string.format("echo secret > %s/file && chmod 600 %s/file", where, where))
    local output = child.expect(prelude .. string.format("local where = %q\n", where) .. [[
if os.execute("test -r " .. where .. "/file") then print("skip") os.exit(0, true) end
each_mode(function(mode)
    show(system.openfile(where .. "/file", "r" .. mode))
    show(system.openfile(where .. "/file", "w" .. mode))
    show(system.openfile(where .. "/new", "wn" .. mode, "rw"))
end)
]], {
        wrap = "sh -c 'chmod 644 \"$1\" && exec setpriv --reuid=65534 --clear-groups" ..
            " --inh-caps=-all \"$0\" \"$@\"'",
    })
    if output == "skip\n" then suite.skip("everything is allowed here") end
    equal(output, string.rep("false permission denied 13\n", 6))
end)

case("a limit of file sizes is a failure and no signal", function()
    local paths = { files.path() }
    if succeeds("test -w /dev/shm") then
        paths[2] = "/dev/shm/coring_limit_" .. native.getpid()
    end
    for _, path in ipairs(paths) do
        local output = child.expect(prelude .. string.format("local path = %q\n", path) .. [[
tasks.await(function()
    local file = assert(system.openfile(path, "wn", "rw"))
    show(file:write(string.rep("x", 100000)))
    show(file:write("x"))
    show(file:resize(0))
    show(file:write(string.rep("x", 100000), 1, -1, 0))
    show(file:write("x", 1, -1, 1 << 20))
    show(file:resize(1 << 30))
end)
]], { before = "ulimit -f 64;" })
        os.remove(path)
        ok(string.find(output, "^(%d+)\nfalse file too large 27\ntrue\n%1\n" ..
                               "false file too large 27\nfalse file too large 27\n$"), output)
    end
end)

-- This file is memory of the process, where nothing is mapped at the beginning.
case("what cannot be read from the medium is an i/o error, and the file lives on", function()
    local buffer = memory.create(10)
    for _, mode in ipairs { "", "~" } do
        tasks.await(function()
            local file <close> = assert(system.openfile("/proc/self/mem", mode))
            for _ = 1, 2 do
                same({ file:read(buffer, 1, -1, 0, mode) }, { false, "i/o error", 5 })
            end
            equal(tostring(buffer), ("\0"):rep(10))
        end)
    end
end)

suite.finish()
