-- Random bytes (behaviour 1.3 to 1.7, 5, 13.3, D5). Few are made when they are delivered, many by a
-- worker in pieces; every case is tried for both.

local suite = require("support.suite").strict()
local system = require "coutil.system"
local memory = require "memory"
local native = require "native"
local net = require "support.net"
local tasks = require "support.tasks"
local child = require "support.child"

local case, equal, same, ok, fails = suite.case, suite.equal, suite.same, suite.ok, suite.fails

-- What is made at delivery at most, and what a worker makes at a time (src/io/random.hpp).
local quick <const> = 16384
local piece <const> = 262144

-- Sizes on both sides of every boundary.
local few <const>, many <const> = { 1, 32, 256, 257, quick }, { quick + 1, piece, piece + 1 }
local much <const> = 5 * piece + 7

-- Whether no run of 64 bytes is still what it was: chance would need longer than there is time.
local function filled(buffer, from, to, quiet)
    local run <const> = string.rep(quiet or "\0", 64)
    return not string.find(buffer:tostring(from, to), run, 1, true)
end

local makers <const> = {
    function(size) return memory.create(string.rep("\0", size)) end,
    function(size) return net.resizable(string.rep("\0", size)) end,
}

-- Calls the function with a buffer for each size and kind of memory.
local function each_buffer(sizes, body)
    for _, size in ipairs(sizes) do
        for _, make in ipairs(makers) do body(make(size), size) end
    end
end

-- What tells a loop of a worker's end is opened at the first call and kept.
tasks.await(function() return system.random(memory.create(much)) end)

-- Results -----------------------------------------------------------------------------------------

case("the buffer is filled and returned", function()
    for _, sizes in ipairs { few, many, { much } } do
        each_buffer(sizes, function(buffer, size)
            local results = tasks.await(function() return tasks.results(system.random(buffer)) end)
            equal(results.n, 1)
            ok(rawequal(results[1], buffer))
            equal(#buffer, size)
            if size >= 256 then ok(filled(buffer)) end
        end)
    end
end)

case("no two calls give the same bytes", function()
    local seen = {}
    for _ = 1, 50 do
        local text = tasks.await(function() return system.random(memory.create(16)):tostring() end)
        equal(seen[text], nil)
        seen[text] = true
        text = system.random(memory.create(16), 1, -1, "~"):tostring()
        equal(seen[text], nil)
        seen[text] = true
    end
end)

case("every value of a byte comes, about as often as others", function()
    local buffer = memory.create(256 * 1024)
    tasks.await(function() return system.random(buffer) end)
    local counts = {}
    for index = 1, #buffer do
        local byte = buffer:get(index)
        counts[byte] = (counts[byte] or 0) + 1
    end
    for byte = 0, 255 do
        ok(counts[byte] > 1024 // 2 and counts[byte] < 1024 * 2, byte)
    end
end)

case("only the range is filled, in the way of all ranges", function()
    for _, mode in ipairs { "", "~" } do
        for _, size in ipairs { 1000, quick + 1000, piece + 1000 } do
            for _, range in ipairs {
                { 1, -1, 1, size }, { nil, nil, 1, size }, { 0, size + 100, 1, size },
                { 301, 700, 301, 700 }, { -700, -301, size - 699, size - 300 },
                { -10 * size, 400, 1, 400 }, { 601, nil, 601, size }, { "11", 900.0, 11, 900 },
            } do
                local buffer = memory.create(string.rep("\0", size))
                tasks.await(function() return system.random(buffer, range[1], range[2], mode) end)
                ok(filled(buffer, range[3], range[4]))
                equal(buffer:tostring(1, range[3] - 1), string.rep("\0", range[3] - 1))
                equal(buffer:tostring(range[4] + 1), string.rep("\0", size - range[4]))
            end
        end
    end
end)

case("an empty range is a success, which takes a round like any other", function()
    local buffer <const> = memory.create("unchanged")
    for _, range in ipairs { { 5, 4 }, { 1, 0 }, { 10, -1 }, { 1, -10 }, { math.maxinteger } } do
        local task = tasks.spawn(function()
            equal(system.random(buffer, range[1], range[2]), buffer)
        end)
        equal(coroutine.status(task), "suspended")
        tasks.rounds(1)
        equal(coroutine.status(task), "dead")
        equal(system.random(buffer, range[1], range[2], "~"), buffer)
        equal(buffer:tostring(), "unchanged")
    end
    for _, make in ipairs(makers) do
        tasks.await(function() return system.random(make(0)) end)
    end
end)

case("more than a signed number of 32 bits counts is a failure, at once", function()
    local largest <const> = 0x7fffffff
    local buffer <const> = native.vast(largest + 1)
    if not buffer then suite.skip("there is not enough address space") end
    local failure <const> = table.pack(false, "argument list too long", 7)
    tasks.spawn(function()
        same(tasks.results(system.random(buffer)), failure)
        equal(system.engine("counters").awaiting, 0)
        ok(rawequal(system.random(buffer, 2, 1), buffer))
        ok(rawequal(system.random(buffer, largest + 1), buffer)) -- one byte, far away
    end)
    same(tasks.results(system.random(buffer, 1, -1, "~")), failure)
    tasks.run()
    equal(buffer:tostring(1, 100), string.rep("\0", 100))
    -- The largest range there is, left while its first piece is made: nothing large is allocated.
    local task = tasks.spawn(function() return system.random(buffer, 2) end)
    equal(system.engine("counters").awaiting, 1)
    coroutine.close(task)
    tasks.run()
    equal(buffer:tostring(1, 100), string.rep("\0", 100))
end)

-- Waiting -----------------------------------------------------------------------------------------

case("every call yields once, and yields nothing", function()
    for _, sizes in ipairs { { 0 }, few, many } do
        each_buffer(sizes, function(buffer)
            local task = coroutine.create(function() return system.random(buffer) end)
            local results = table.pack(coroutine.resume(task))
            same(results, table.pack(true))
            equal(coroutine.status(task), "suspended")
            equal(system.run(), false)
            equal(coroutine.status(task), "dead")
        end)
    end
end)

case("a step ends when the bytes are there, however many pieces they are", function()
    for _, size in ipairs { 1, quick + 1, much } do
        local done = false
        local task = tasks.spawn(function()
            system.random(memory.create(size))
            done = true
        end)
        equal(system.run("step"), false)
        equal(done, true)
        equal(coroutine.status(task), "dead")
    end
end)

case("many wait at the same time, each for its own", function()
    local buffers, ended = {}, 0
    for index = 1, 200 do
        buffers[index] = memory.create(string.rep("\0", index % 10 == 0 and quick + 64 or 64))
        tasks.spawn(function()
            ok(rawequal(system.random(buffers[index]), buffers[index]))
            ended = ended + 1
        end)
    end
    tasks.run()
    equal(ended, 200)
    for index = 1, 200 do ok(filled(buffers[index])) end
end)

case("a coroutine may ask again and again", function()
    local buffer <const> = memory.create(64)
    tasks.await(function()
        for _ = 1, 1000 do
            buffer:fill("\0")
            ok(rawequal(system.random(buffer), buffer))
            ok(filled(buffer))
        end
    end)
end)

case("while many bytes are made others run", function()
    local rounds = 0
    local making = tasks.spawn(function() system.random(memory.create(20 * piece)) end)
    tasks.spawn(function()
        while coroutine.status(making) ~= "dead" do
            rounds = rounds + 1
            system.suspend()
        end
    end)
    tasks.run()
    ok(rounds > 20, rounds)
end)

case("who waits is not collected, nor is its buffer", function()
    for _, size in ipairs { 100, much } do
        local watched = setmetatable({}, { __mode = "v" })
        local result
        do
            watched[1] = memory.create(size)
            watched[2] = tasks.spawn(function()
                result = #system.random(watched[1])
            end)
        end
        collectgarbage()
        collectgarbage()
        ok(watched[1] and watched[2])
        tasks.run()
        equal(result, size)
        collectgarbage()
        collectgarbage()
        equal(watched[2], nil)
    end
end)

-- Leaving -----------------------------------------------------------------------------------------

-- The ways out of a wait.
local leave <const> = {
    function(task) equal(coroutine.resume(task, "left", nil), true) end,
    function(task) equal(coroutine.close(task), true) end,
}

case("an explicit resume gives what it was given, and the coroutine goes on", function()
    for _, size in ipairs { 0, 100, quick + 1, much } do
        local results, after
        local task = tasks.spawn(function()
            local buffer <const> = memory.create(size)
            results = table.pack(system.random(buffer))
            after = system.random(memory.create(32))
        end)
        coroutine.resume(task, "left", nil)
        same(results, table.pack("left", nil))
        tasks.run()
        equal(#after, 32)
    end
end)

case("nothing is written into a memory after its coroutine left", function()
    for _, size in ipairs { 100, quick, quick + 1, much } do
        for _, go in ipairs(leave) do
            for _, rounds in ipairs { 0, 1, 3 } do
                local buffer <const> = net.resizable(string.rep("\0", size))
                local waiting = true
                local task = tasks.spawn(function()
                    system.random(buffer)
                    waiting = false
                end)
                tasks.rounds(rounds)
                if waiting then
                    go(task)
                    buffer:fill("#")
                    tasks.run()
                    equal(buffer:tostring(), string.rep("#", size))
                end
            end
        end
    end
end)

case("who leaves when the first piece is there has it dropped", function()
    for _, go in ipairs(leave) do
        for _, size in ipairs { quick + 1, much } do
            local buffer <const> = makers[1](size)
            local task = tasks.spawn(function() system.random(buffer) end)
            -- A worker that needs longer has the piece under way; then it is another case.
            system.suspend(0.01, "~")
            -- The others of the same round come first and take the mail in.
            local left
            tasks.spawn(function()
                system.suspend()
                go(task)
                left = buffer:tostring()
            end)
            tasks.run()
            equal(left, string.rep("\0", size))
            equal(buffer:tostring(), left)
        end
    end
end)

case("what a worker makes for nobody keeps run until it is made", function()
    local buffer <const> = memory.create(much)
    local task = tasks.spawn(function() system.random(buffer) end)
    coroutine.close(task)
    local counters = system.engine("counters")
    equal(counters.awaiting, 0)
    ok(counters.goingon <= 1)
    tasks.run()
    equal(system.engine("counters").goingon, 0)
end)

case("calls that no worker took are dropped when they are left", function()
    -- More than there are workers; most have not begun when they are left.
    local started = {}
    for index = 1, 40 do
        started[index] = tasks.spawn(function() system.random(memory.create(piece)) end)
    end
    for _, task in ipairs(started) do coroutine.close(task) end
    tasks.run()
    equal(system.engine("counters").records, 0)
end)

-- Memories that change ----------------------------------------------------------------------------

case("a memory that shrinks while its coroutine waits is filled as far as it goes", function()
    for _, size in ipairs { 1000, quick + 1, much } do
        for _, rest in ipairs { 0, 1, 600 } do
            local buffer <const> = net.resizable(string.rep("\0", size))
            local task = tasks.spawn(function()
                ok(rawequal(system.random(buffer, 301), buffer))
            end)
            buffer:resize(rest)
            tasks.run()
            equal(coroutine.status(task), "dead")
            equal(#buffer, rest)
            equal(buffer:tostring(1, 300), string.rep("\0", math.min(300, rest)))
            if rest > 300 then ok(filled(buffer, 301)) end
        end
    end
end)

case("a memory that shrinks between two pieces ends the call", function()
    local buffer <const> = net.resizable(string.rep("\0", much))
    local making = tasks.spawn(function() ok(rawequal(system.random(buffer), buffer)) end)
    tasks.spawn(function()
        while buffer:get(1) == 0 and buffer:get(2) == 0 and buffer:get(3) == 0 do
            system.suspend()
        end
        buffer:resize(10)
    end)
    tasks.run()
    equal(coroutine.status(making), "dead")
    equal(#buffer, 10)
end)

case("a memory that grows is filled where it was to be filled", function()
    for _, size in ipairs { 1000, quick + 1, piece + 1 } do
        for _, first in ipairs { 1, 501, -500 } do
            local buffer <const> = net.resizable(string.rep("\0", size))
            tasks.spawn(function() system.random(buffer, first) end)
            buffer:resize(2 * size)
            buffer:fill("\0", size + 1)
            tasks.run()
            local from = first < 0 and size + 1 + first or first
            ok(filled(buffer, from, size))
            equal(buffer:tostring(1, from - 1), string.rep("\0", from - 1))
            equal(buffer:tostring(size + 1), string.rep("\0", size))
        end
    end
end)

-- Blocking mode -----------------------------------------------------------------------------------

case("blocking mode fills without a yield, wherever it is called", function()
    for _, size in ipairs { 0, 100, quick + 1, much } do
        local buffer <const> = makers[1](size)
        ok(rawequal(system.random(buffer, 1, -1, "~"), buffer))
        if size > 0 then ok(filled(buffer)) end
        buffer:fill("\0")
        table.sort({ 2, 1 }, function(a, b)
            system.random(buffer, nil, nil, "~~")
            return a < b
        end)
        if size > 0 then ok(filled(buffer)) end
    end
    local inside
    tasks.spawn(function() inside = system.random(memory.create(100), 1, -1, "~") end)
    equal(#inside, 100)
end)

-- Arguments ---------------------------------------------------------------------------------------

local function complaint(...)
    local arguments <const> = table.pack(...)
    local _, message = pcall(function()
        system.random(table.unpack(arguments, 1, arguments.n))
    end)
    return message:match("^.-:%d+: (.*)$")
end

case("arguments are checked in order: mode, yielding, buffer, first, last", function()
    local buffer <const> = memory.create(10)
    equal(complaint("x", {}, {}, {}), "bad argument #4 to 'random' (string expected, got table)")
    equal(complaint("x", {}, {}, "x"), "unknown mode char (got 'x')")
    equal(complaint("x", {}, {}, "~x"), "unknown mode char (got 'x')")
    equal(complaint("x", {}, {}), "unable to yield")
    equal(complaint("x", {}, {}, ""), "unable to yield")
    equal(complaint("x", {}, {}, nil), "unable to yield")
    local function rest(...)
        equal(complaint("x", {}, {}, ...),
              "bad argument #1 to 'random' (memory expected, got string)")
        equal(complaint(nil, {}, {}, ...), "bad argument #1 to 'random' (memory expected, got nil)")
        equal(complaint(buffer, {}, {}, ...),
              "bad argument #2 to 'random' (number expected, got table)")
        equal(complaint(buffer, 1, {}, ...),
              "bad argument #3 to 'random' (number expected, got table)")
        equal(complaint(buffer, 1.5, {}, ...),
              "bad argument #2 to 'random' (number has no integer representation)")
        equal(complaint(buffer, 1, "x", ...),
              "bad argument #3 to 'random' (number expected, got string)")
    end
    rest("~")
    tasks.await(function()
        rest()
        rest("")
        equal(complaint(), "bad argument #1 to 'random' (memory expected, got no value)")
        equal(complaint(io.stdout), "bad argument #1 to 'random' (memory expected, got FILE*)")
        equal(complaint("x", {}, {}, 1), "unknown mode char (got '1')")
    end)
    equal(buffer:tostring(), string.rep("\0", 10))
end)

case("it cannot wait where nobody can", function()
    local buffer <const> = memory.create(10)
    fails(function() system.random(buffer) end, "unable to yield")
    tasks.await(function()
        table.sort({ 2, 1 }, function(a, b)
            fails(function() system.random(buffer) end, "unable to yield")
            return a < b
        end)
    end)
end)

-- Ends --------------------------------------------------------------------------------------------

case("a state closes with bytes on their way", function()
    for _, ending in ipairs { "", "os.exit(0, true)", "os.exit(0, false)" } do
        equal(child.expect(child.prelude .. [[
            for size = 0, 40 do
                tasks.spawn(function()
                    system.random(memory.create(size * 20000))
                    print("resumed")
                end)
            end
        ]] .. ending), "")
        equal(child.expect(child.prelude .. [[
            for size = 0, 40 do
                coroutine.close(tasks.spawn(function()
                    system.random(memory.create(size * 20000))
                end))
            end
            tasks.spawn(function() system.random(memory.create(10000000)) end)
            tasks.rounds(3)
            collectgarbage()
        ]] .. ending), "")
    end
end)

case("in a forked child it raises what every await function raises", function()
    local pid = native.fork()
    if pid == 0 then
        local said
        coroutine.wrap(function() said = complaint(memory.create(1)) end)()
        local blocking = pcall(system.random, memory.create(1), 1, 1, "~")
        native.exit(said == "scheduler not usable after fork" and blocking and 0 or 1)
    end
    local how, code = native.wait(pid)
    equal(how .. code, "exit0")
end)

suite.finish()
