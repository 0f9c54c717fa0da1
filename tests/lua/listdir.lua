-- Goal: listdir lists all of a directory and nothing else, in the order of bytes, without stopping
-- anybody. Method: ls(1) lists the same; 100 000 entries while a timer ticks.

local system = require "coutil.system"
local suite = require("support.suite").strict()
local native = require "native"
local paths = require "support.paths"
local tasks = require "support.tasks"

local case, equal, same, ok, fails = suite.case, suite.equal, suite.same, suite.ok, suite.fails
local shell = paths.shell

-- All that the iterator gives, as one text: a line for each entry.
local function listed(call, path)
    local lines = {}
    tasks.await(function()
        for name, kind in call(path) do lines[#lines + 1] = name .. " " .. kind end
    end)
    return table.concat(lines, "\n")
end

local ways = {
    function(path) return system.listdir(path) end,
    function(path) return system.listdir(path, "~") end,
}

case("names come with their types, in the order of their bytes", function()
    local at <close> = paths.directory()
    for _, name in ipairs {
        "b", "a", "B", "ab", ".hidden", "..x", "\xC3\xA9", "z z", "a\nb", "10", "9",
    } do paths.write(at(name), "") end
    shell("mkdir %s; mkfifo %s; ln -s nowhere %s", at "directory", at "pipe", at "link")
    for _, list in ipairs(ways) do
        equal(listed(list, at.path), table.concat({
            "..x file", ".hidden file", "10 file", "9 file", "B file", "a file",
            "a\nb file", "ab file", "b file",
            "directory directory", "link link", "pipe pipe", "z z file", "\xC3\xA9 file",
        }, "\n"))
    end
    equal(listed(ways[1], "/dev"), listed(ways[2], "/dev"))
    equal(string.gsub(listed(ways[1], "/etc"), " %l+%f[\n\0]", ""), shell("LC_ALL=C ls -A /etc"))
    ok(string.find("\n" .. listed(ways[1], "/dev") .. "\n", "\nnull character\n", 1, true))
end)

case("an empty directory has no entries", function()
    local at <close> = paths.directory()
    for _, list in ipairs(ways) do equal(listed(list, at.path), "") end
end)

case("it returns what a generic for wants, with the iterator to be closed", function()
    local at <close> = paths.directory()
    paths.write(at "x", "")
    for _, list in ipairs(ways) do
        local results = table.pack(tasks.await(list, at.path))
        equal(results.n, 4)
        equal(results[2], nil)
        equal(results[3], nil)
        ok(rawequal(results[1], results[4]))
        equal(getmetatable(results[1]).__name, "coutil:dirlist")
        ok(string.find(tostring(results[1]), "^coutil:dirlist: 0x"))
        same({ results[1]("ignored", 7) }, { "x", "file" })
        equal(select("#", results[1]()), 0)
        fails(function() results[1]() end, "closed")
    end
end)

case("the iterator is closed after its last entry, by break, and by __close", function()
    local at <close> = paths.directory()
    for index = 1, 3 do paths.write(at(index), "") end
    local iterator
    tasks.await(function()
        local first
        for name in system.listdir(at.path) do
            if first then break end
            first = name
        end
        equal(first, "1")
        iterator = system.listdir(at.path)
    end)
    equal(iterator(), "1")
    getmetatable(iterator).__close(iterator)
    local problem = fails(function() iterator() end, "closed")
    ok(string.find(problem, "bad argument #1", 1, true), problem)
    getmetatable(iterator).__close(iterator)
    getmetatable(iterator).__gc(iterator)
    fails(function() getmetatable(iterator).__call(io.stdout) end,
          "coutil:dirlist expected, got FILE*")
    fails(function() getmetatable(iterator).__close({}) end, "coutil:dirlist expected, got table")
    getmetatable(iterator).__gc(io.stdout)
    getmetatable(iterator).__gc(nil)
    io.stdout:write("")
    fails(function() return iterator.x end, "attempt to index")
    fails(function() return #iterator end, "attempt to get length")
end)

case("an iterator that is dropped half way is garbage like any other", function()
    local at <close> = paths.directory()
    for index = 1, 50 do paths.write(at(index), "") end
    for _ = 1, 20 do
        local iterator = paths.blocking("listdir", at.path)
        iterator()
    end
    collectgarbage()
    collectgarbage()
end)

case("failures are raised", function()
    local at <close> = paths.directory()
    paths.write(at "file", "")
    shell("mkfifo %s; ln -s nowhere %s", at "pipe", at "link")
    for _, call in pairs(paths.ways) do
        equal(paths.problem(call, "listdir", at "none"), "no such file or directory")
        equal(paths.problem(call, "listdir", at "link"), "no such file or directory")
        equal(paths.problem(call, "listdir", at "file"), "not a directory")
        equal(paths.problem(call, "listdir", at "pipe"), "not a directory")
    end
    local _, problem = tasks.await(pcall, function()
        return (system.listdir(at "none"))
    end)
    ok(string.find(problem, "^[^ ]*listdir.lua:%d+: no such file or directory$"), problem)
    require "support.shortage"(function()
        for _, call in pairs(paths.ways) do
            equal(paths.problem(call, "listdir", at.path), "too many open files")
        end
    end)
end)

case("the path is checked, then the mode, then the caller", function()
    fails(function() system.listdir() end,
          "bad argument #1 to 'listdir' (string expected, got no value)")
    fails(function() system.listdir({}, "z") end, "bad argument #1 to 'listdir' (string expected")
    fails(function() system.listdir("x", {}) end, "bad argument #2 to 'listdir' (string expected")
    equal(paths.problem(system.listdir, "x", "z"), "unknown mode char (got 'z')")
    equal(paths.problem(system.listdir, "x", "~l"), "unknown mode char (got 'l')")
    equal(paths.problem(system.listdir, "x"), "unable to yield")
    equal(paths.problem(system.listdir, "/no such path", "~~"), "no such file or directory")
end)

case("the values of an explicit resume are what the call returns", function()
    local at <close> = paths.directory()
    paths.write(at "x", "")
    local count = 0
    local task = tasks.spawn(function()
        local done = pcall(function()
            for _ in system.listdir(at.path) do count = count + 1 end
        end)
        ok(not done) -- a call of nil
        local values = table.pack(system.listdir(at.path))
        same(values, { "mine", nil, 3, n = 3 })
    end)
    ok(coroutine.resume(task))
    system.suspend(0.02, "~")
    ok(coroutine.resume(task, "mine", nil, 3))
    tasks.run()
    equal(count, 0)
    for _, wait in ipairs { 0, 0.02 } do
        local closed = coroutine.create(function() system.listdir(at.path) end)
        ok(coroutine.resume(closed))
        system.suspend(wait, "~")
        ok(coroutine.close(closed))
        tasks.run()
    end
end)

case("100 000 entries are listed while others go on, and no descriptor is held", function()
    local at <close> = paths.directory "/dev/shm" -- where making them takes no time
    local count <const> = 100000
    shell("cd %s && seq 1 %s | xargs touch", at.path, count)
    local iterator, ticks, longest = nil, 0, 0
    local before = select(2, native.descriptors())
    tasks.spawn(function() iterator = system.listdir(at.path) end)
    tasks.spawn(function()
        local last = system.nanosecs()
        while iterator == nil do
            system.suspend(0.001)
            local now = system.nanosecs()
            longest = math.max(longest, now - last)
            last, ticks = now, ticks + 1
        end
    end)
    tasks.run(60)
    equal(select(2, native.descriptors()), before)
    ok(ticks > 5, ticks .. " ticks")
    ok(longest < 1000000000, "it stopped for " .. longest .. " ns")
    local seen, previous, sum = 0, "", 0
    for name, kind in iterator do
        assert(previous < name and kind == "file")
        previous, seen, sum = name, seen + 1, sum + tonumber(name)
    end
    equal(seen, count)
    equal(sum, count * (count + 1) // 2)
end)

suite.finish()
