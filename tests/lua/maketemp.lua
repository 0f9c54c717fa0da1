-- Goal: maketemp makes what nobody had before, and nothing stays of what nobody took. Method:
-- stat(1) and the directory itself; each phase of leaving.

local system = require "coutil.system"
local memory = require "memory"
local native = require "native"
local suite = require("support.suite").strict()
local net = require "support.net"
local paths = require "support.paths"
local tasks = require "support.tasks"

local case, equal, same, ok, fails = suite.case, suite.equal, suite.same, suite.ok, suite.fails
local shell = paths.shell

local function refused(number, message, call, ...)
    same({ call(...) }, { false, message, number }, message)
end

local function is_name(path, prefix)
    equal(string.sub(path, 1, #prefix), prefix)
    ok(string.find(string.sub(path, #prefix + 1), "^%w%w%w%w%w%w$"), path)
end

local function entries(at)
    return shell("ls -A %s", at.path)
end

case("without letters it makes a directory that is ours alone", function()
    paths.both(function(call, at)
        for _, mode in ipairs { "", nil } do
            local results = table.pack(call("maketemp", at "pre", mode))
            equal(results.n, 1)
            is_name(results[1], at "pre")
            equal(paths.stat(results[1], "%F %a"), "directory 700")
            shell("rmdir %s", results[1])
        end
    end)
end)

case("f is the path of a new file, which is closed", function()
    paths.both(function(call, at)
        local before = select(2, native.descriptors())
        local results = table.pack(call("maketemp", at "pre", "f"))
        equal(results.n, 1)
        is_name(results[1], at "pre")
        equal(paths.stat(results[1], "%F %a %s"), "regular empty file 600 0")
        equal(select(2, native.descriptors()), before)
    end)
end)

case("o is the file, opened to read and write, and closed for children", function()
    paths.both(function(call, at)
        local fd, file = net.fd_of(call, "maketemp", at "pre", "o")
        equal(getmetatable(file).__name, "coutil:file")
        equal((native.flags(fd)), true)
        local buffer = memory.create(10)
        equal(file:write("0123456789", 1, -1, 0, "~"), 10)
        equal(file:read(buffer, 1, -1, 3, "~"), 7)
        equal(buffer:tostring(1, 7), "3456789")
        tasks.await(function()
            equal(file:write("xy", 1, -1, 0), 2)
            equal(file:info("B"), 10)
            equal(file:close(), true)
        end)
        equal(shell("cat %s/*", at.path), "xy23456789")
        equal(shell("stat -c %%a %s/*", at.path), "600")
    end)
end)

case("values come in the order of the letters, and all of an o are one file", function()
    paths.both(function(call, at)
        local path, file = call("maketemp", at "pre", "fo")
        equal(file:info("~#"), math.tointeger(paths.stat(path, "%i")))
        file:close("~")
        local results = table.pack(call("maketemp", at "pre", "ofof"))
        equal(results.n, 4)
        ok(rawequal(results[1], results[3]))
        equal(results[2], results[4])
        equal(results[1]:info("~#"), math.tointeger(paths.stat(results[2], "%i")))
        results[1]:close("~")
        results = table.pack(call("maketemp", at "pre", string.rep("f", 300)))
        equal(results.n, 300)
        equal(results[1], results[300])
    end)
end)

case("prefixes are shorter than 250 bytes, and may be empty", function()
    paths.both(function(call, at)
        local prefix = at(string.rep("x", 249 - #at ""))
        is_name(call("maketemp", prefix), prefix)
        is_name(call("maketemp", prefix, "f"), prefix)
        for _, mode in ipairs { "", "f", "o" } do
            fails(function() call("maketemp", prefix .. "x", mode) end,
                  "bad argument #1 to")
            fails(function() call("maketemp", prefix .. "x", mode) end, "too long")
        end
        is_name(call("maketemp", at "cut\0" .. string.rep("x", 300)), at "cut")
        equal(call("maketemp", at "XXXXXX"):sub(1, -7), at "XXXXXX")
    end)
    local at <close> = paths.directory()
    refused(2, "no such file or directory", paths.awaited, "maketemp", at "none/x")
    refused(2, "no such file or directory", paths.blocking, "maketemp", at "none/x", "fo")
    paths.write(at "file", "")
    refused(20, "not a directory", paths.awaited, "maketemp", at "file/x", "o")
end)

case("names differ", function()
    local at <close> = paths.directory()
    local seen = {}
    for _ = 1, 100 do
        tasks.spawn(function()
            local path = system.maketemp(at "", "f")
            ok(not seen[path])
            seen[path] = true
        end)
    end
    tasks.run()
    equal(select(2, string.gsub(entries(at), "%w+", "")), 100)
end)

case("prefix, mode and its letters are checked before the caller", function()
    local make = system.maketemp
    local long = string.rep("x", 250)
    fails(function() make(nil, {}) end, "bad argument #1 to 'make' (string expected, got nil)")
    fails(function() make(long, {}) end, "bad argument #2 to 'make' (string expected, got table)")
    fails(function() make(long, "z") end, "bad argument #1 to 'make' (too long)")
    equal(paths.problem(make, "x", "foz~"), "bad argument #2, unknown mode char (got 'z')")
    equal(paths.problem(make, "x", "~~dz"), "bad argument #2, unknown mode char (got 'd')")
    equal(paths.problem(make, "x", "f~"), "'~' must be in the begin of 'mode'")
    equal(paths.problem(make, "x", "fo"), "unable to yield")
    equal(paths.problem(make, "x"), "unable to yield")
end)

case("out of descriptors", function()
    local at <close> = paths.directory()
    require "support.shortage"(function()
        for _, call in pairs(paths.ways) do
            refused(24, "too many open files", call, "maketemp", at "x", "o")
            is_name(call("maketemp", at "y"), at "y")
        end
    end)
end)

case("what was made for a coroutine that left is removed again", function()
    for _, leave in ipairs { coroutine.resume, coroutine.close } do
        for _, mode in ipairs { "", "f", "o", "fo" } do
            local at <close> = paths.directory()
            -- It is there, and not delivered yet.
            local values
            local task = coroutine.create(function() values = { system.maketemp(at "x", mode) } end)
            ok(coroutine.resume(task))
            paths.watch(function() return entries(at) ~= "" end)
            system.suspend(0.01, "~") -- or the worker may still be at it, which is another phase
            ok(leave(task, "left"))
            if leave == coroutine.resume then same(values, { "left" }) end
            tasks.run()
            equal(entries(at), "")
            -- Perhaps no worker has begun; perhaps one is just at it.
            for _ = 1, 20 do
                local other = coroutine.create(function() system.maketemp(at "x", mode) end)
                ok(coroutine.resume(other))
                ok(leave(other))
            end
            tasks.run()
            equal(entries(at), "")
        end
    end
end)

case("only what was made is removed, whatever has its name now", function()
    local at <close> = paths.directory()
    local task = coroutine.create(function() system.maketemp(at "x", "f") end)
    ok(coroutine.resume(task))
    paths.watch(function() return entries(at) ~= "" end)
    system.suspend(0.01, "~")
    local name = at(entries(at))
    paths.write(at "other", "precious")
    ok(os.rename(at "other", name))
    ok(coroutine.resume(task))
    tasks.run()
    equal(paths.read(name), "precious")
end)

case("a file that is dropped is closed, and stays where it is", function()
    local at <close> = paths.directory()
    do
        ok(paths.awaited("maketemp", at "x", "o"))
    end
    collectgarbage()
    collectgarbage()
    ok(entries(at) ~= "")
end)

suite.finish()
