-- Manual: File System, file:read, file:write, file:resize, file:flush (behaviour 1.7, 5, 12.4, D5,
-- D13). What the order of operations is, and what leaving does, is in file_order.lua.

local suite = require("support.suite").strict()
local system = require "coutil.system"
local memory = require "memory"
local native = require "native"
local files = require "support.files"
local net = require "support.net"
local tasks = require "support.tasks"

local case, equal, same, ok, fails = suite.case, suite.equal, suite.same, suite.ok, suite.fails

local bad_descriptor <const> = { false, "bad file descriptor", 9 }

-- A case in a task and blocking. `body` gets the mode that its calls are to take.
local function twice(name, body)
    for _, mode in ipairs(files.modes) do
        case(name .. (mode == "~" and " (blocking)" or ""), function()
            if mode == "~" then
                body(mode)
            else
                tasks.await(body, mode)
            end
        end)
    end
end

-- In all places where files may be: on the disk, in memory, and with nothing of it cached.
local places <const> = { files.directory }
if os.execute("test -w /dev/shm") then places[2] = "/dev/shm" end

local function everywhere(name, body)
    for _, place in ipairs(places) do
        twice(name .. " in " .. (place == "/dev/shm" and place or "a directory"), function(mode)
            local path = place .. "/coring_" .. native.getpid()
            local removed <close> = setmetatable({}, {
                __close = function() os.remove(path) end,
            })
            ok(removed)
            body(mode, path)
        end)
    end
end

local function fill(path, content)
    local file <close> = assert(io.open(path, "wb"))
    file:write(content)
end

-- Reading ----------------------------------------------------------------------------------------

everywhere("read returns the count, and 0 at the end", function(mode, path)
    fill(path, "0123456789")
    local file <close> = files.open(path, "r" .. mode)
    local buffer = memory.create(8)
    same(table.pack(file:read(buffer, nil, nil, nil, mode)), { n = 1, 8 })
    equal(buffer:tostring(), "01234567")
    equal(file:read(buffer, nil, nil, nil, mode), 2)
    equal(buffer:tostring(), "89234567")
    equal(file:read(buffer, nil, nil, nil, mode), 0)
    equal(file:read(buffer, nil, nil, nil, mode), 0)
    equal(file:read(buffer, nil, nil, 10, mode), 0)
    equal(file:read(buffer, nil, nil, 1 << 40, mode), 0)
end)

twice("read fills the range and nothing else", function(mode)
    local path = files.make("0123456789")
    local file <close> = files.open(path)
    local ranges = {
        { 1, -1, 1, 10 }, { 3, 5, 3, 5 }, { -3, nil, 8, 10 }, { 0, 2, 1, 2 }, { nil, -8, 1, 3 },
        { 4, 100, 4, 10 }, { -100, 1, 1, 1 }, { 10, 10, 10, 10 }, { nil, nil, 1, 10 },
    }
    for _, uncached in ipairs { false, true } do
        for _, range in ipairs(ranges) do
            local i, j, first, last = range[1], range[2], range[3], range[4]
            local buffer = memory.create(string.rep(".", 10))
            if uncached then native.evict(path) end
            local size = last - first + 1
            equal(file:read(buffer, i, j, 0, mode), size)
            equal(buffer:tostring(), string.rep(".", first - 1) ..
                  string.sub("0123456789", 1, size) .. string.rep(".", 10 - last))
        end
    end
end)

-- Writes a file page by page, so that the cache can lose them one by one.
local function fill_by_pages(path, text, mode)
    local file <close> = assert(io.open(path, mode or "wb"))
    file:setvbuf("no")
    for from = 1, #text, 4096 do
        file:write(string.sub(text, from, from + 4095))
    end
end

everywhere("a file that grew since it was opened is read to its new end", function(mode, path)
    for _, first in ipairs { 0, 100, 4096, 5000 } do
        for _, by_position in ipairs { true, false } do
            for _, kept in ipairs { 0, 4096, math.maxinteger } do
                local text = net.text(3 * 4096 + 17)
                fill(path, string.sub(text, 1, first))
                local file <close> = files.open(path, "r" .. mode)
                fill_by_pages(path, string.sub(text, first + 1), "ab")
                if kept < #text then native.evict(path, kept) end
                local offset = not by_position and 0 or nil
                ok(files.read(file, #text + 5, offset, mode) == text)
                equal(files.read(file, 10, offset and #text, mode), "")
            end
        end
    end
end)

everywhere("a read across the end of what is cached is full, wherever it begins",
           function(mode, path)
    local text = net.text(4 * 4096)
    fill_by_pages(path, text)
    local function begin(file, part)
        equal(files.read(file, #part, nil, mode), part)
    end
    local function overwrite(file, part)
        equal(file:write(part, 1, -1, nil, mode), #part)
    end
    for _, start in ipairs { 0, 1, 96, 4095 } do
        local part, rest = string.sub(text, 1, start), string.sub(text, start + 1)
        for _, move in ipairs { begin, overwrite } do
            local file <close> = files.open(path, "rw" .. mode)
            native.evict(path, 4096)
            ok(files.read(file, #text, start, mode) == rest)
            move(file, part)
            native.evict(path, 4096)
            ok(files.read(file, #text, nil, mode) == rest)
        end
    end
end)

case("files that the system makes up are read to their end", function()
    for _, path in ipairs { "/proc/self/status", "/proc/self/mounts", "/proc/version" } do
        local made <close> = assert(io.open(path, "rb"))
        local size = #made:read("a")
        tasks.await(function()
            local file <close> = files.open(path)
            local count = #files.read(file, 1 << 16)
            ok(count > 0 and math.abs(count - size) < 100, path)
            equal(files.read(file, 10), "")
        end)
    end
end)

twice("an empty range reads and writes nothing", function(mode)
    local file <close> = files.open(files.make("abc"), "rw")
    local buffer = memory.create(4)
    for _, range in ipairs { { 2, 1 }, { 5 }, { 1, 0 }, { -1, 3 } } do
        equal(file:read(buffer, range[1], range[2], nil, mode), 0)
        equal(file:write("abcd", range[1], range[2], nil, mode), 0)
    end
    equal(file:read(memory.create(0), nil, nil, nil, mode), 0)
    equal(file:read(memory.create(), nil, nil, nil, mode), 0)
    equal(file:write("", nil, nil, nil, mode), 0)
    equal(files.read(file, 10, nil, mode), "abc")
end)

twice("a read with an offset leaves the position where it is", function(mode)
    local file <close> = files.open(files.make("0123456789"))
    equal(files.read(file, 2, nil, mode), "01")
    equal(files.read(file, 3, 7, mode), "789")
    equal(files.read(file, 2, nil, mode), "23")
    equal(files.read(file, 2, 0, mode), "01")
    equal(files.read(file, 2, -1, mode), "45") -- negative: as if there were none
    equal(files.read(file, 2, math.mininteger, mode), "67")
end)

everywhere("what is not cached is read in full all the same", function(mode, path)
    local text = net.text(1300 * 1024 + 17)
    fill(path, text)
    local file <close> = files.open(path, "r" .. mode)
    for _, into in ipairs { memory.create, net.resizable } do
        native.evict(path)
        local buffer = into(string.rep("\0", #text + 100))
        equal(file:read(buffer, 1, -1, 0, mode), #text)
        ok(buffer:tostring(1, #text) == text)
        equal(buffer:get(#text + 1), 0)
        native.evict(path)
        equal(file:read(buffer, 5, 1000004, 12345, mode), 1000000)
        ok(buffer:tostring(5, 1000004) == string.sub(text, 12346, 1012345))
    end
    native.evict(path)
    local parts = {}
    repeat
        local part = files.read(file, 100003, nil, mode)
        parts[#parts + 1] = part
    until part == ""
    ok(table.concat(parts) == text)
end)

everywhere("a read of which only a part is cached is whole", function(mode, path)
    local text = net.text(1024 * 1024)
    fill(path, text)
    local file <close> = files.open(path, "r" .. mode)
    for _, warm in ipairs { 1, 300000, 1000000 } do
        native.evict(path)
        files.read(file, warm, 0, mode)
        ok(files.read(file, #text, 0, mode) == text, warm)
        native.evict(path)
        files.read(file, 10, 500000, mode)
        ok(files.read(file, #text + 1, 0, mode) == text, warm)
    end
end)

-- Writing ----------------------------------------------------------------------------------------

everywhere("write takes strings, numbers and memories, and returns the count", function(mode, path)
    local file <close> = files.open(path, "wnt" .. mode, "rw")
    equal(file:write("string ", 1, -1, nil, mode), 7)
    equal(file:write(12, nil, nil, nil, mode), 2)
    equal(file:write(memory.create(" fixed "), nil, nil, nil, mode), 7)
    equal(file:write(net.resizable("resizable"), nil, nil, nil, mode), 9)
    equal(file:write("range", 2, 4, nil, mode), 3)
    equal(file:write(memory.create("range"), -2, nil, nil, mode), 2)
    equal(files.content(path), "string 12 fixed resizableangge")
end)

everywhere("a write with an offset leaves the position where it is", function(mode, path)
    local file <close> = files.open(path, "rwnt" .. mode, "rw")
    equal(file:write("0123456789", 1, -1, nil, mode), 10)
    equal(file:write("AB", 1, -1, 3, mode), 2)
    equal(file:write("C", 1, -1, nil, mode), 1)
    equal(file:write("D", 1, -1, -7, mode), 1)
    equal(files.content(path), "012AB56789CD")
    equal(file:write("far", 1, -1, 20, mode), 3)
    equal(files.content(path), "012AB56789CD" .. string.rep("\0", 8) .. "far")
end)

everywhere("large writes are written whole, whatever they come from", function(mode, path)
    local text = net.text(2500 * 1024 + 13)
    local file <close> = files.open(path, "rwnt" .. mode, "rw")
    for _, make in ipairs { tostring, memory.create, net.resizable } do
        for _, offset in ipairs { 0, 77, -1 } do
            equal(file:resize(0, mode), true)
            equal(file:write(make(text), 1, -1, offset, mode), #text)
            local start = math.max(offset, 0)
            local content = files.content(path)
            if offset >= 0 then
                ok(content == string.rep("\0", start) .. text)
            else
                ok(string.sub(content, -#text) == text)
            end
        end
    end
end)

everywhere("a file that appends does so whatever the offset", function(mode, path)
    fill(path, "first ")
    local file <close> = files.open(path, "a" .. mode)
    equal(file:write("second ", 1, -1, nil, mode), 7)
    equal(file:write("third", 1, -1, 0, mode), 5)
    equal(files.content(path), "first second third")
end)

everywhere("a synchronous file is written", function(mode, path)
    local file <close> = files.open(path, "fnt" .. mode, "rw")
    equal(file:write("abc", 1, -1, nil, mode), 3)
    equal(file:write("def", 1, -1, 1, mode), 3)
    equal(files.content(path), "adef")
end)

twice("8 GiB and more", function(mode)
    local path = files.path()
    local file <close> = files.open(path, "rwn" .. mode, "rw")
    local size = 8 << 30
    equal(file:resize(size, mode), true)
    equal(files.read(file, 4, size - 2, mode), "\0\0")
    equal(file:write("beyond", 1, -1, 5 << 30, mode), 6)
    native.evict(path)
    equal(files.read(file, 8, (5 << 30) - 1, mode), "\0beyond\0")
    equal(file:write("end", 1, -1, size, mode), 3)
    equal(files.read(file, 10, size, mode), "end")
    local copy <close> = files.open(files.path(), "rwn" .. mode, "rw")
    equal(copy:write(file, (5 << 30) + 1, (5 << 30) + 6, nil, mode), 6)
    equal(files.read(copy, 10, 0, mode), "beyond")
end)

-- Writing a file ---------------------------------------------------------------------------------

everywhere("write copies a range of another file to the position", function(mode, path)
    local source <close> = files.open(files.make("0123456789"))
    local file <close> = files.open(path, "rwnt" .. mode, "rw")
    equal(files.read(source, 2, nil, mode), "01")
    equal(file:write(source, 3, 6, nil, mode), 4)
    equal(file:write(source, 1, 1, 100, mode), 1) -- the offset is not looked at
    equal(file:write(source, 9, 20, nil, mode), 2)
    equal(file:write(source, 11, 20, nil, mode), 0)
    equal(file:write(source, 1000, math.maxinteger, nil, mode), 0)
    equal(file:write("!", nil, nil, nil, mode), 1)
    equal(files.content(path), "2345089!")
    equal(files.read(source, 2, nil, mode), "23") -- nor was the source's position moved
    equal(file:write(source, 1, math.maxinteger, nil, mode), 10)
    equal(files.content(path), "2345089!0123456789")
end)

everywhere("write copies large files whole, and appends", function(mode, path)
    local text = net.text(9 * 1024 * 1024 + 3)
    local from = files.make(text)
    local source <close> = files.open(from)
    fill(path, "head ")
    local file <close> = files.open(path, "a" .. mode)
    equal(file:write(source, 1, #text, nil, mode), #text)
    ok(files.content(path) == "head " .. text)
    local other <close> = files.open(path, "tw" .. mode)
    equal(other:write(source, 2, #text, nil, mode), #text - 1)
    ok(files.content(path) == string.sub(text, 2))
end)

twice("write copies within one file", function(mode)
    local path = files.make("abcdef")
    local file <close> = files.open(path, "rw")
    equal(file:write(file, 4, 6, nil, mode), 3)
    equal(files.content(path), "defdef")
    equal(file:write(file, 1, 3, nil, mode), 3)
    equal(files.content(path), "defdef")
    equal(files.read(file, 10, nil, mode), "")
end)

twice("write copies what has no size until it is read", function(mode)
    local source <close> = files.open("/proc/self/status")
    local path = files.path()
    local file <close> = files.open(path, "wn" .. mode, "rw")
    local count = file:write(source, 1, 1 << 20, nil, mode)
    ok(count > 100, count)
    ok(string.find(files.content(path), "^Name:"))
end)

twice("write of a file fails for files that cannot be", function(mode)
    local path = files.make("abc")
    local readable <close> = files.open(path)
    local writable <close> = files.open(path, "w")
    local target <close> = files.open(files.path(), "wn", "rw")
    local closed = files.open(path)
    closed:close("~")
    same({ target:write(closed, 1, 3, nil, mode) }, bad_descriptor)
    same({ target:write(writable, 1, 3, nil, mode) }, bad_descriptor)
    same({ readable:write(readable, 1, 3, nil, mode) }, bad_descriptor)
    equal(target:write(readable, 0, 3, nil, mode), false)
    equal(target:write(readable, -3, -1, nil, mode), false)
    local directory <close> = files.open(files.directory)
    same({ target:write(directory, 1, 3, nil, mode) },
         { false, "illegal operation on a directory", 21 })
    for _, range in ipairs { { 2, 1 }, { 1, 0 }, { 1, -1 }, { 0, -1 } } do
        fails(function() target:write(readable, range[1], range[2], nil, mode) end,
              "bad argument #3 to 'write' (invalid range)")
    end
    fails(function() target:write(readable, nil, nil, nil, mode) end,
          "bad argument #2 to 'write' (number expected, got nil)")
    fails(function() target:write(readable, 1, nil, nil, mode) end,
          "bad argument #3 to 'write' (number expected, got nil)")
    fails(function() target:write(readable, 1.5, 2, nil, mode) end,
          "number has no integer representation")
end)

-- Resizing and flushing --------------------------------------------------------------------------

everywhere("resize cuts and extends, and leaves the position", function(mode, path)
    local file <close> = files.open(path, "rwnt" .. mode, "rw")
    equal(file:write("0123456789", 1, -1, nil, mode), 10)
    equal(file:resize(4, mode), true)
    equal(files.content(path), "0123")
    equal(file:write("x", 1, -1, nil, mode), 1)
    equal(files.content(path), "0123\0\0\0\0\0\0x")
    equal(file:resize(12, mode), true)
    equal(files.content(path), "0123\0\0\0\0\0\0x\0")
    equal(file:resize(0, mode), true)
    equal(files.content(path), "")
    same({ file:resize(-1, mode) }, { false, "invalid argument", 22 })
    local readable <close> = files.open(path)
    equal(readable:resize(1, mode), false)
end)

everywhere("flush returns when the device has it", function(mode, path)
    local file <close> = files.open(path, "wnt" .. mode, "rw")
    equal(file:write("x", 1, -1, nil, mode), 1)
    same(table.pack(file:flush(mode)), { n = 1, true })
    equal(file:flush("d" .. mode), true)
    equal(file:flush(mode .. "dd"), true)
    local readable <close> = files.open(path)
    equal(readable:flush(mode), true)
end)

twice("wrong access is a failure", function(mode)
    local path = files.make("abc")
    local readable <close> = files.open(path, "r")
    local writable <close> = files.open(path, "w")
    for _, offset in ipairs { -1, 0 } do
        same({ readable:write("x", 1, -1, offset, mode) }, bad_descriptor)
        same({ readable:write(string.rep("x", 3 << 20), 1, -1, offset, mode) }, bad_descriptor)
        same({ writable:read(memory.create(1), 1, -1, offset, mode) }, bad_descriptor)
    end
    equal(files.content(path), "abc")
end)

-- Checks -----------------------------------------------------------------------------------------

case("methods check mode, yielding, self and the rest in that order", function()
    local file <close> = files.open(files.make("x"), "rw")
    fails(function() file.read(nil, nil, nil, nil, nil, "z") end, "unknown mode char (got 'z')")
    fails(function() file.read(nil, nil, nil, nil, nil, {}) end,
          "bad argument #6 to 'read' (string expected, got table)")
    fails(function() file.read(nil) end, "unable to yield")
    fails(function() file.read(nil, nil, nil, nil, nil, "~") end,
          "bad argument #1 to 'read' (coutil:file expected, got nil)")
    fails(function() file:read(nil, {}, nil, nil, "~") end,
          "bad argument #1 to 'read' (memory expected, got nil)")
    fails(function() file:read("text", {}, nil, nil, "~") end,
          "bad argument #1 to 'read' (memory expected, got string)")
    local buffer = memory.create(1)
    fails(function() file:read(buffer, {}, {}, nil, "~") end,
          "bad argument #2 to 'read' (number expected, got table)")
    fails(function() file:read(buffer, nil, {}, {}, "~") end,
          "bad argument #3 to 'read' (number expected, got table)")
    fails(function() file:read(buffer, nil, nil, {}, "~") end,
          "bad argument #4 to 'read' (number expected, got table)")
    fails(function() file:read(buffer, nil, nil, 0.5, "~") end,
          "bad argument #4 to 'read' (number has no integer representation)")
    fails(function() file.write(nil, nil, nil, nil, nil, "z") end, "unknown mode char (got 'z')")
    fails(function() file.write(nil) end, "unable to yield")
    fails(function() file:write(nil, {}, nil, nil, "~") end,
          "bad argument #1 to 'write' (string or memory expected, got nil)")
    fails(function() file:write(io.stdout, {}, nil, nil, "~") end,
          "bad argument #1 to 'write' (string or memory expected, got FILE*)")
    fails(function() file:write("x", {}, {}, nil, "~") end,
          "bad argument #2 to 'write' (number expected, got table)")
    fails(function() file:write("x", nil, {}, nil, "~") end,
          "bad argument #3 to 'write' (number expected, got table)")
    fails(function() file:write("x", nil, nil, "a", "~") end,
          "bad argument #4 to 'write' (number expected, got string)")
    fails(function() file.resize(nil, nil, "z") end, "unknown mode char (got 'z')")
    fails(function() file.resize(nil) end, "unable to yield")
    fails(function() file:resize(nil, "~") end,
          "bad argument #1 to 'resize' (number expected, got nil)")
    fails(function() file:resize(1.5, "~") end, "number has no integer representation")
    fails(function() file.flush(nil, "x") end, "bad argument #3, unknown mode char (got 'x')")
    fails(function() file.flush(nil) end, "unable to yield")
    fails(function() file.flush(nil, "~") end,
          "bad argument #1 to 'flush' (coutil:file expected, got nil)")
    tasks.await(function()
        for _, name in ipairs { "read", "write", "resize", "flush" } do
            fails(function() file[name]() end, "(coutil:file expected, got no value)")
        end
        equal(file:write("4.0", "1", 1.0, "0"), 1) -- what counts as an integer
    end)
end)

case("every call waits once, even if its result is known", function()
    local path = files.make(string.rep("x", 100))
    local file <close> = files.open(path, "rw")
    local source <close> = files.open(path)
    local calls = {
        function() return file:read(memory.create(10)) end,
        function() return file:read(memory.create(10), 1, -1, 0) end,
        function() return file:read(memory.create(0)) end,
        function() return file:write("") end,
        function() return file:write("x") end,
        function() return file:write(source, 1, 10) end,
        function() return file:write(source, 0, 10) end,
        function() return file:flush() end,
        function() return file:resize(10) end,
        function() return file:resize(-1) end,
        function() return system.openfile(path .. "none") end,
    }
    for index, call in ipairs(calls) do
        local results
        local task = coroutine.create(function() results = table.pack(call()) end)
        same(table.pack(coroutine.resume(task)), { n = 1, true })
        equal(results, nil, index)
        tasks.run()
        ok(results, index)
    end
end)

case("a result that is known and was not delivered yet can be left", function()
    local file <close> = files.open(files.make("content"), "rw")
    local calls = {
        function() return file:read(memory.create(10), 1, -1, 0) end,
        function() return file:read(memory.create(0)) end,
        function() return file:info("?B") end,
        function() return system.fileinfo(files.directory .. "/none", "B") end,
    }
    for index, call in ipairs(calls) do
        local got, went_on
        local resumed = coroutine.create(function() got = table.pack(call()) end)
        ok(coroutine.resume(resumed))
        ok(coroutine.resume(resumed, "early", nil))
        same(got, { n = 2, "early" }, index)
        local closed = coroutine.create(function()
            call()
            went_on = true
        end)
        ok(coroutine.resume(closed))
        ok(coroutine.close(closed))
        tasks.run()
        equal(went_on, nil, index)
    end
end)

case("of two results that are known, the first one's coroutine may close the second", function()
    local file <close> = files.open(files.make("content"))
    local second, went_on
    local first = coroutine.create(function()
        equal(file:read(memory.create(7), 1, -1, 0), 7)
        ok(coroutine.close(second))
    end)
    second = coroutine.create(function()
        file:read(memory.create(7), 1, -1, 0)
        went_on = true
    end)
    ok(coroutine.resume(first))
    ok(coroutine.resume(second))
    tasks.run()
    equal(coroutine.status(first), "dead")
    equal(went_on, nil)
end)

suite.finish()
