-- Files that are not stored: FIFOs, terminals, devices (behaviour 12.4, D1, D35). Nobody is kept by
-- them: not the scheduler, not other files, not the end of the process.

local suite = require("support.suite").strict()
local system = require "coutil.system"
local memory = require "memory"
local native = require "native"
local files = require "support.files"
local net = require "support.net"
local tasks = require "support.tasks"
local child = require "support.child"

local case, equal, same, ok = suite.case, suite.equal, suite.same, suite.ok

local leaves <const> = { coroutine.resume, coroutine.close }

local function make_fifo()
    local path = files.path("fifo")
    assert(native.mkfifo(path))
    return path
end

-- A FIFO whose one end is a file of ours, the other a plain descriptor.
local function reading_end()
    local path = make_fifo()
    local reader
    local task = tasks.spawn(function() reader = assert(system.openfile(path)) end)
    files.hanging(1)
    local writer = assert(native.open(path, true))
    tasks.run()
    equal(coroutine.status(task), "dead")
    return reader, writer
end

local function writing_end()
    local path = make_fifo()
    local reader = assert(native.open(path))
    return files.open(path, "w"), reader
end

-- Opening ----------------------------------------------------------------------------------------

case("opening a FIFO waits for its other end", function()
    local path = make_fifo()
    local reader, writer
    tasks.spawn(function() reader = assert(system.openfile(path)) end)
    tasks.rounds(5)
    equal(reader, nil)
    tasks.spawn(function() writer = assert(system.openfile(path, "w")) end)
    tasks.run()
    tasks.spawn(function() equal(files.read(reader, 10), "through") end)
    tasks.spawn(function() equal(writer:write("through"), 7) end)
    tasks.run()
    equal(writer:close("~"), true)
    equal(tasks.await(files.read, reader, 10), "")
    equal(reader:close("~"), true)
end)

case("FIFOs are blocking descriptions for whoever else gets them", function()
    local before = native.descriptors()
    local reader, writer = reading_end()
    native.write(writer, "x")
    tasks.await(function() equal(files.read(reader, 1), "x") end)
    local looked_at = 0
    for fd in pairs(native.descriptors()) do
        if not before[fd] and fd ~= writer then
            same({ native.flags(fd) }, { true, false })
            looked_at = looked_at + 1
        end
    end
    equal(looked_at, 1)
    reader:close("~")
    native.close(writer)
end)

case("openings that hang stop nobody else, however many there are", function()
    local paths, opened = {}, 0
    for index = 1, 12 do
        paths[index] = make_fifo()
        tasks.spawn(function()
            assert(system.openfile(paths[index])):close()
            opened = opened + 1
        end)
    end
    local near, far = net.pair()
    local path = files.path()
    local ticks = 0
    for _ = 1, 3 do
        local done
        tasks.spawn(function()
            local file = assert(system.openfile(path, "wn", "rw"))
            equal(file:write("x"), 1)
            equal(file:close(), true)
            equal(near:write("y"), true)
            equal(far:read(memory.create(1)), 1)
            system.suspend(0.001)
            ticks = ticks + 1
            done = true
        end)
        tasks.until_true(function() return done end)
    end
    equal(ticks, 3)
    net.close(near, far)
    files.hanging(12)
    for index = 1, 12 do native.close(assert(native.open(paths[index], true))) end
    tasks.run()
    equal(opened, 12)
end)

case("an opening that hangs and is left closes what it gets at last", function()
    for _, leave in ipairs(leaves) do
        local path = make_fifo()
        local task = tasks.spawn(function() system.openfile(path) end)
        files.hanging(1)
        leave(task)
        equal(system.engine("counters").goingon, 1)
        native.close(assert(native.open(path, true)))
        tasks.run()
    end
end)

case("openings and reads that hang do not keep the process", function()
    local chunk = child.prelude .. string.format([[
local fifo, other = %q, %q
for _ = 1, 6 do
    local task = tasks.spawn(function() system.openfile(fifo) end)
    if math.random(2) == 1 then coroutine.resume(task) end
end
local reader, writer
tasks.spawn(function() reader = assert(system.openfile(other)) end)
tasks.spawn(function() writer = assert(system.openfile(other, "w")) end)
tasks.until_true(function() return reader and writer end)
tasks.spawn(function() reader:read(memory.create(10)) end)
tasks.spawn(function() writer:write(string.rep("x", 1000000)) end)
tasks.rounds(3)
local began = system.nanosecs()
print("prepared")
setmetatable({}, { __gc = function()
    assert(system.nanosecs() - began < 5e9)
end })
]], make_fifo(), make_fifo())
    equal(child.expect(chunk), "prepared\n")
    equal(child.expect(chunk .. "\nos.exit(0, false)"), "prepared\n")
    equal(child.expect(chunk .. "\nos.exit(0, true)"), "prepared\n")
end)

-- Reading ----------------------------------------------------------------------------------------

case("a read waits for bytes, takes what is there, and tells the end by 0", function()
    local reader, writer = reading_end()
    local counts = {}
    tasks.spawn(function()
        local buffer = memory.create(10)
        repeat
            local count = assert(reader:read(buffer))
            counts[#counts + 1] = count
        until count == 0
    end)
    tasks.rounds(5)
    same(counts, {})
    native.write(writer, "hello")
    tasks.until_true(function() return #counts == 1 end)
    native.write(writer, string.rep("x", 25))
    tasks.until_true(function() return #counts == 4 end)
    native.close(writer)
    tasks.run()
    same(counts, { 5, 10, 10, 5, 0 })
    reader:close("~")
end)

case("the range is looked up when the bytes come", function()
    local reader, writer = reading_end()
    local buffer = net.resizable("....")
    tasks.spawn(function() equal(reader:read(buffer, -2), 2) end)
    tasks.rounds(3)
    buffer:resize(100)
    native.write(writer, "abcd")
    tasks.run()
    equal(buffer:tostring(99), "ab")
    equal(tasks.await(files.read, reader, 10), "cd")
    reader:close("~")
    native.close(writer)
end)

case("a read that is left takes nothing", function()
    local reader, writer = reading_end()
    for _, leave in ipairs(leaves) do
        for rounds = 0, 3 do
            local task = tasks.spawn(function() reader:read(memory.create(10)) end)
            tasks.rounds(rounds)
            if rounds == 3 then native.write(writer, "kept") end
            leave(task)
            equal(system.run("ready"), false)
        end
        equal(tasks.await(files.read, reader, 10), "kept")
    end
    reader:close("~")
    native.close(writer)
end)

case("several readers are served in the order of the calls", function()
    local reader, writer = reading_end()
    local order = {}
    local waiting = {}
    for index = 1, 5 do
        waiting[index] = tasks.spawn(function()
            local got = files.read(reader, 1)
            order[#order + 1] = index .. got
        end)
    end
    tasks.rounds(2)
    coroutine.close(waiting[2])
    native.write(writer, "abcd")
    tasks.run()
    same(order, { "1a", "3b", "4c", "5d" })
    reader:close("~")
    native.close(writer)
end)

case("a read in progress survives the closing of its file", function()
    local reader, writer = reading_end()
    local got
    tasks.spawn(function() got = files.read(reader, 10) end)
    tasks.rounds(2)
    equal(tasks.await(function()
        native.write(writer, "after")
        return reader:close()
    end), true)
    tasks.run()
    equal(got, "after")
    native.close(writer)
end)

case("closing while a read waits does not wait for it", function()
    local reader, writer = reading_end()
    local got, closed
    tasks.spawn(function() got = files.read(reader, 10) end)
    tasks.rounds(2)
    tasks.spawn(function() closed = reader:close() end)
    tasks.until_true(function() return closed end)
    equal(got, nil)
    native.write(writer, "later")
    tasks.run()
    equal(got, "later")
    native.close(writer)
end)

-- Writing ----------------------------------------------------------------------------------------

local function drain(fd, size)
    local parts, count = {}, 0
    while count < size do
        local part = native.read(fd)
        if part == "" then break end
        if part then
            parts[#parts + 1] = part
            count = count + #part
        else
            system.run("ready")
        end
    end
    return table.concat(parts)
end

case("a write waits for room until all is written", function()
    local writer, reader = writing_end()
    local text = net.text(500000)
    local buffer = memory.create(text)
    local count
    tasks.spawn(function() count = writer:write(buffer) end)
    tasks.spawn(function() equal(writer:write("behind"), 6) end)
    tasks.rounds(3)
    equal(count, nil)
    buffer:fill("x") -- the bytes are those of the call
    ok(drain(reader, #text + 6) == text .. "behind")
    tasks.run()
    equal(count, #text)
    writer:close("~")
    native.close(reader)
end)

case("an abandoned write goes on if it has begun, and is not made otherwise", function()
    local writer, reader = writing_end()
    local text = net.text(200000)
    for _, leave in ipairs(leaves) do
        local begun = tasks.spawn(function() writer:write(text) end)
        local behind = tasks.spawn(function() writer:write("never") end)
        tasks.rounds(2)
        leave(behind)
        leave(begun)
        equal(system.engine("counters").goingon, 1)
        tasks.spawn(function() equal(writer:write("after"), 5) end)
        ok(drain(reader, #text + 5) == text .. "after")
        tasks.run()
    end
    -- The file goes while the rest is on its way.
    local begun = tasks.spawn(function() writer:write(text) end)
    tasks.rounds(2)
    coroutine.resume(begun)
    writer:close("~")
    ok(drain(reader, #text) == text)
    tasks.run()
    equal(native.read(reader), "")
    native.close(reader)
end)

for _, mode in ipairs(files.modes) do
    case("a broken pipe is a failure and no signal" .. (mode == "~" and " (blocking)" or ""),
         function()
        local disposition = native.sigpipe()
        local writer, reader = writing_end()
        native.close(reader)
        local broken = { false, "broken pipe", 32 }
        if mode == "~" then
            same({ writer:write("x", 1, -1, nil, "~") }, broken)
        else
            same({ tasks.await(writer.write, writer, "x") }, broken)
            same({ tasks.await(writer.write, writer, string.rep("x", 1000000)) }, broken)
        end
        local source <close> = files.open(files.make("abc"))
        if mode == "~" then
            same({ writer:write(source, 1, 3, nil, "~") }, broken)
        else
            same({ tasks.await(writer.write, writer, source, 1, 3) }, broken)
        end
        equal(native.sigpipe(), disposition)
        writer:close("~")
    end)
end

case("a pipe that breaks while a write waits ends it with what was written", function()
    local writer, reader = writing_end()
    local count
    tasks.spawn(function() count = writer:write(string.rep("x", 1000000)) end)
    tasks.rounds(3)
    equal(count, nil)
    native.close(reader)
    tasks.run()
    ok(count > 0 and count < 1000000, count)
    writer:close("~")
end)

case("reading and writing one FIFO do not wait for each other", function()
    local path = make_fifo()
    local file = files.open(path, "rw")
    local got
    tasks.spawn(function() got = files.read(file, 10) end)
    tasks.rounds(2)
    tasks.spawn(function() equal(file:write("both"), 4) end)
    tasks.run()
    equal(got, "both")
    file:close("~")
end)

case("a file can be copied to a FIFO", function()
    local writer, reader = writing_end()
    local text = net.text(300000)
    local source <close> = files.open(files.make(text))
    tasks.spawn(function() equal(writer:write(source, 1, #text), #text) end)
    ok(drain(reader, #text) == text)
    tasks.run()
    local fifo <close> = files.open(make_fifo(), "rw")
    local target <close> = files.open(files.path(), "wn", "rw")
    same({ tasks.await(target.write, target, fifo, 1, 3) }, { false, "invalid seek", 29 })
    writer:close("~")
    native.close(reader)
end)

case("what has no position refuses offsets, sizes and flushes", function()
    local file <close> = files.open(make_fifo(), "rw")
    local no_seek, invalid = { false, "invalid seek", 29 }, { false, "invalid argument", 22 }
    for _, mode in ipairs(files.modes) do
        tasks.await(function()
            same({ file:read(memory.create(1), 1, -1, 0, mode) }, no_seek)
            same({ file:write("x", 1, -1, 0, mode) }, no_seek)
            same({ file:resize(1, mode) }, invalid)
            same({ file:flush(mode) }, invalid)
        end)
    end
end)

-- Devices ----------------------------------------------------------------------------------------

case("devices are read and written", function()
    for _, mode in ipairs(files.modes) do
        tasks.await(function()
            local zero <close> = assert(system.openfile("/dev/zero", "rw" .. mode))
            equal(files.read(zero, 5, nil, mode), "\0\0\0\0\0")
            equal(files.read(zero, 5, 3, mode), "\0\0\0\0\0")
            equal(zero:write("gone", 1, -1, nil, mode), 4)
            local null <close> = assert(system.openfile("/dev/null", "rw" .. mode))
            equal(files.read(null, 5, nil, mode), "")
            equal(null:write("gone", 1, -1, nil, mode), 4)
            local random <close> = assert(system.openfile("/dev/urandom", "r" .. mode))
            equal(#files.read(random, 5, nil, mode), 5)
            local full <close> = assert(system.openfile("/dev/full", "w" .. mode))
            same({ full:write("x", 1, -1, nil, mode) }, { false, "no space left on device", 28 })
        end)
    end
end)

case("a terminal is waited for, and keeps nobody", function()
    local master, path = native.terminal()
    if master == nil then suite.skip("there are no pseudo terminals") end
    local terminal = files.open(path, "rw")
    local got
    local task = tasks.spawn(function() got = terminal:read(memory.create(100)) end)
    tasks.rounds(3)
    coroutine.resume(task)
    equal(system.run("ready"), false)
    tasks.spawn(function() got = files.read(terminal, 100) end)
    tasks.rounds(3)
    native.write(master, "a line\n")
    tasks.run()
    equal(got, "a line\n")
    tasks.spawn(function() equal(terminal:write("answer"), 6) end)
    tasks.run()
    local said = "" -- the terminal's echo comes first, perhaps in pieces
    while not string.find(said, "answer", 1, true) and native.readable(master, 5000) do
        said = said .. native.read(master)
    end
    ok(string.find(said, "answer", 1, true), said)
    terminal:close("~")
    native.close(master)
end)

suite.finish()
