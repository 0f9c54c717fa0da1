-- Goal: copyfile makes the same bytes and permissions under another name, whatever the files are,
-- and leaves nothing half done. Method: cmp(1) and stat(1) compare; devices, pipes, small and full
-- file systems.

local system = require "coutil.system"
local suite = require("support.suite").strict()
local child = require "support.child"
local paths = require "support.paths"
local tasks = require "support.tasks"

local case, equal, same, ok = suite.case, suite.equal, suite.same, suite.ok
local shell = paths.shell

local function refused(number, message, call, ...)
    same({ call(...) }, { false, message, number }, message)
end

case("bytes of any number are copied", function()
    paths.both(function(call, at)
        for _, size in ipairs { 0, 1, 4095, 4096, 4097, 65537, 1 << 20, (8 << 20) + 1 } do
            shell("head -c %s /dev/urandom > %s", size, at "from")
            same({ call("copyfile", at "from", at "to") }, { true })
            shell("cmp %s %s", at "from", at "to")
        end
    end)
end)

case("permissions are copied whatever the mask, to a new file and to an old one", function()
    local at <close> = paths.directory()
    local output = child.expect(string.format([[
local paths = require "support.paths"
local root = %q
for index, permissions in ipairs { "777", "600", "4755", "2711", "666", "400" } do
    for name, call in pairs(paths.ways) do
        local from, to = root .. "/from" .. index .. name, root .. "/to" .. index .. name
        paths.write(from, "text")
        paths.shell("chmod %%s %%s", permissions, from)
        assert(call("copyfile", from, to))
        assert(paths.stat(to, "%%a") == permissions)
        paths.shell("chmod 622 %%s", to)
        assert(call("copyfile", from, to))
        assert(paths.stat(to, "%%a") == permissions, permissions)
    end
end
print "done"
]], at.path), { before = "umask 077;" })
    equal(output, "done\n")
end)

case("an old destiny is replaced, byte for byte, by the shorter and the longer", function()
    paths.both(function(call, at)
        paths.write(at "short", "new")
        for _, mode in ipairs { "", "c" } do
            paths.write(at "to", string.rep("old", 10000))
            local inode = paths.stat(at "to", "%i")
            same({ call("copyfile", at "short", at "to", mode) }, { true })
            equal(paths.read(at "to"), "new")
            equal(paths.stat(at "to", "%i"), inode)
            paths.write(at "long", string.rep("text", 10000))
            same({ call("copyfile", at "long", at "to", mode) }, { true })
            shell("cmp %s %s", at "long", at "to")
        end
    end)
end)

case("with n an old destiny is refused, and stays as it is", function()
    paths.both(function(call, at)
        paths.write(at "from", "new")
        paths.write(at "to", "old")
        shell("ln -s nowhere %s", at "link")
        for _, mode in ipairs { "n", "nc", "cn" } do
            refused(17, "file already exists", call, "copyfile", at "from", at "to", mode)
            refused(17, "file already exists", call, "copyfile", at "from", at "link", mode)
            refused(17, "file already exists", call, "copyfile", at "from", at "from", mode)
        end
        equal(paths.read(at "to"), "old")
        equal(paths.read(at "from"), "new")
        same({ call("copyfile", at "from", at "fresh", "n") }, { true })
        equal(paths.read(at "fresh"), "new")
    end)
end)

case("a file copied onto itself is unchanged, by whatever name", function()
    paths.both(function(call, at)
        paths.write(at "file", "text")
        shell("ln %s %s; ln -s file %s; chmod 4711 %s", at "file", at "hard", at "link", at "file")
        for _, mode in ipairs { "", "c", "C" } do
            for _, name in ipairs { "file", "hard", "link" } do
                same({ call("copyfile", at "file", at(name), mode) }, { true })
                same({ call("copyfile", at(name), at "file", mode) }, { true })
            end
        end
        equal(paths.read(at "file"), "text")
        equal(paths.stat(at "file", "%a %h"), "4711 2")
        equal(shell("readlink %s", at "link"), "file")
    end)
end)

case("links are followed on both sides", function()
    paths.both(function(call, at)
        paths.write(at "from", "text")
        shell("ln -s from %s; ln -s to %s", at "first", at "second")
        same({ call("copyfile", at "first", at "second") }, { true }) -- `to` does not exist
        equal(paths.read(at "to"), "text")
        equal(paths.stat(at "second", "%F"), "symbolic link")
    end)
end)

case("directories are refused", function()
    paths.both(function(call, at)
        paths.write(at "file", "text")
        shell("mkdir %s", at "d")
        for _, mode in ipairs { "", "c", "C" } do
            local text = "illegal operation on a directory"
            refused(21, text, call, "copyfile", at "d", at "x", mode)
            refused(21, text, call, "copyfile", at "file", at "d", mode)
        end
        refused(17, "file already exists", call, "copyfile", at "file", at "d", "n")
        refused(2, "no such file or directory", call, "copyfile", at "none", at "x")
        equal(shell("ls %s", at.path), "d\nfile")
    end)
end)

case("C shares the blocks, or fails and leaves things as they were", function()
    paths.both(function(call, at)
        paths.write(at "from", "new")
        paths.write(at "to", "old, and longer")
        shell("chmod 640 %s; chmod 604 %s", at "from", at "to")
        local cloned =
            paths.succeeds("cp --reflink=always %s %s 2>/dev/null", at "from", at "clone")
        shell("rm -f %s", at "clone")
        local done, message, number = call("copyfile", at "from", at "to", "C")
        if cloned then
            equal(done, true)
            equal(paths.read(at "to"), "new")
        else
            same({ done, message, number }, { false, "operation not supported on socket", 95 })
            equal(paths.read(at "to"), "old, and longer")
            equal(paths.stat(at "to", "%a"), "604")
            refused(95, message, call, "copyfile", at "from", at "fresh", "C")
            ok(not paths.exists(at "fresh"), "a new destiny is removed")
        end
        same({ call("copyfile", at "from", at "to", "c") }, { true })
        equal(paths.read(at "to"), "new")
    end)
end)

case("what has no size is copied too", function()
    paths.both(function(call, at)
        same({ call("copyfile", "/proc/self/mounts", at "mounts") }, { true })
        equal(paths.read(at "mounts"), paths.read "/proc/self/mounts")
        same({ call("copyfile", "/dev/null", at "empty") }, { true })
        equal(paths.read(at "empty"), "")
        same({ call("copyfile", at "mounts", "/dev/null") }, { true })
        equal(paths.stat("/dev/null", "%F"), "character special file")
    end)
end)

case("a device that is full is not removed", function()
    if not paths.exists "/dev/full" then suite.skip("there is no /dev/full") end
    paths.both(function(call, at)
        paths.write(at "from", "text")
        local permissions = paths.stat("/dev/full", "%a")
        refused(28, "no space left on device", call, "copyfile", at "from", "/dev/full")
        equal(paths.stat("/dev/full", "%F %a"), "character special file " .. permissions)
    end)
end)

case("a pipe is copied to its end, by a worker, while others go on", function()
    local at <close> = paths.directory()
    shell("mkfifo %s", at "pipe")
    local done, ticks = nil, 0
    tasks.spawn(function() done = system.copyfile(at "pipe", at "to") end)
    tasks.spawn(function()
        for _ = 1, 5 do
            system.suspend(0.002)
            ticks = ticks + 1
        end
        equal(done, nil)
        shell("sh -c 'echo one; echo two' > %s", at "pipe")
    end)
    tasks.run()
    equal(done, true)
    equal(ticks, 5)
    equal(paths.read(at "to"), "one\ntwo\n")
end)

case("a pipe whose reader leaves fails, and ends nobody", function()
    paths.both(function(call, at)
        shell("mkfifo %s; head -c 1000000 /dev/zero > %s", at "pipe", at "from")
        os.execute("head -c 10 '" .. at "pipe" .. "' > /dev/null &")
        refused(32, "broken pipe", call, "copyfile", at "from", at "pipe")
        equal(paths.stat(at "pipe", "%F"), "fifo")
    end)
end)

-- A full file system -----------------------------------------------------------------------------

case("a destiny for which there is no room is removed, be it new, old or behind a link", function()
    if not paths.succeeds("unshare -m true 2>/dev/null") then
        suite.skip("needs root and mount namespaces")
    end
    local at <close> = paths.directory()
    paths.write(at "mount.sh", string.format([[
mkdir %s/small && mount -t tmpfs -o size=64k none %s/small || exit 99
exec "$@"
]], at.path, at.path))
    local output = child.expect(string.format([[
local root = %q
local paths = require "support.paths"
local function at(name) return root .. "/" .. name end
paths.write(at "large", string.rep("x", 1 << 20))
for _, call in pairs(paths.ways) do
    for _, mode in ipairs { "", "c", "n" } do
        local function expect_none(from, to)
            local done, message, number = call("copyfile", from, at(to), mode)
            assert(done == false and message == "no space left on device" and number == 28, message)
            assert(not paths.exists(at(to)))
        end
        expect_none(at "large", "small/new")
        if mode ~= "n" then
            paths.write(at "small/old", "old")
            expect_none(at "large", "small/old")
            paths.write(at "small/empty", "")
            expect_none(at "large", "small/empty")
            paths.write(at "small/target", "old")
            paths.shell("ln -s target %%s", at "small/link")
            expect_none(at "large", "small/link")
            assert(not paths.exists(at "small/target"))
            paths.shell("rm -f %%s", at "small/link")
        end
        assert(paths.shell("ls -A %%s", at "small") == "")
        assert(call("copyfile", "/proc/self/mounts", at "small/fits"))
        assert(call("removefile", at "small/fits"))
    end
end
print "done"
]], at.path), { wrap = "unshare -m sh " .. at "mount.sh" })
    equal(output, "done\n")
end)

case("an old destiny that may not be written stays as it is", function()
    if shell("id -u") ~= "0" then suite.skip("needs root, to become somebody else") end
    local at <close> = paths.directory()
    shell("chmod 777 %s", at.path)
    paths.write(at "from", "new")
    paths.write(at "to", "old")
    paths.write(at "shared", "old")
    shell("chmod 644 %s %s; chmod 666 %s", at "from", at "to", at "shared")
    paths.write(at "other.sh", [[
for last; do :; done
chmod 644 "$last"
exec setpriv --reuid 65534 --regid 65534 --clear-groups -- "$@"
]])
    local output = child.expect(string.format([[
local root = %q
local paths = require "support.paths"
for _, call in pairs(paths.ways) do
    local done, message, number = call("copyfile", root .. "/from", root .. "/to")
    assert(done == false and message == "permission denied" and number == 13)
    -- It may be written, but its permissions are somebody else's to set.
    done, message, number = call("copyfile", root .. "/from", root .. "/shared")
    assert(done == false and message == "operation not permitted" and number == 1)
    assert(paths.read(root .. "/to") == "old" and paths.read(root .. "/shared") == "old")
end
print "done"
]], at.path), { wrap = "sh " .. at "other.sh" })
    equal(output, "done\n")
    equal(paths.stat(at "shared", "%a"), "666")
end)

case("modes", function()
    equal(paths.problem(system.copyfile, "a", "b", "~x"),
          "bad argument #3, unknown mode char (got 'x')")
    equal(paths.problem(system.copyfile, "a", "b", "ncC"), "unable to yield")
    equal(paths.problem(system.copyfile), "unable to yield")
end)

suite.finish()
