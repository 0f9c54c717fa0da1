-- Operations on one file at the same time: their order, what leaving them does, what becomes of
-- them when the file is closed or collected, and that nothing is written to memories the program
-- has back (behaviour 1.4, 1.5, 12.4, D5, D9).

local suite = require("support.suite").strict()
local system = require "coutil.system"
local memory = require "memory"
local native = require "native"
local files = require "support.files"
local net = require "support.net"
local tasks = require "support.tasks"
local child = require "support.child"

local case, equal, same, ok, fails = suite.case, suite.equal, suite.same, suite.ok, suite.fails

local leaves <const> = { coroutine.resume, coroutine.close }

local function going_on()
    return system.engine("counters").goingon
end

-- Order -------------------------------------------------------------------------------------------

case("writes without an offset go by the order of the calls, 100 of them", function()
    local path = files.path()
    local file <close> = files.open(path, "wn", "rw")
    local expected, order = {}, {}
    for index = 1, 100 do
        local piece = string.format("%03d;", index)
        -- Some are large, of several chunks; the small ones behind them still wait.
        if index % 25 == 0 then piece = string.rep(piece, 600000) end
        expected[index] = piece
        tasks.spawn(function()
            equal(file:write(index % 2 == 0 and piece or memory.create(piece)), #piece)
            order[#order + 1] = index
        end)
    end
    tasks.run()
    ok(files.content(path) == table.concat(expected))
    for index = 1, 100 do equal(order[index], index) end
end)

case("reads without an offset go by the order of the calls, cached or not", function()
    local text = net.text(100 * 5000)
    local path = files.make(text)
    for _, evict in ipairs { true, false } do
        local file <close> = files.open(path)
        if evict then native.evict(path) end
        for index = 1, 100 do
            tasks.spawn(function()
                local got = files.read(file, 5000)
                ok(got == string.sub(text, (index - 1) * 5000 + 1, index * 5000), index)
            end)
        end
        tasks.run()
    end
end)

case("reads, writes, resizes and copies without an offset take turns", function()
    local path = files.make("0123456789")
    local source <close> = files.open(files.make("SOURCE"))
    local file <close> = files.open(path, "rw")
    tasks.spawn(function() equal(files.read(file, 2), "01") end)
    tasks.spawn(function() equal(file:write("ab"), 2) end)
    tasks.spawn(function() equal(files.read(file, 2), "45") end)
    tasks.spawn(function() equal(file:write(source, 2, 3), 2) end)
    tasks.spawn(function() equal(file:resize(9), true) end)
    tasks.spawn(function() equal(file:flush(), true) end)
    tasks.spawn(function() equal(files.read(file, 5), "8") end)
    tasks.spawn(function() equal(file:write("end"), 3) end)
    tasks.run()
    equal(files.content(path), "01ab45OU8end")
end)

case("operations with an offset do not wait for those without", function()
    local path = files.make(string.rep("0", 100))
    local file <close> = files.open(path, "rw")
    local order = {}
    for index = 1, 20 do
        tasks.spawn(function()
            equal(file:write("x"), 1)
            order[#order + 1] = index
        end)
    end
    tasks.spawn(function()
        equal(files.read(file, 1, 99), "0")
        order[#order + 1] = "read"
    end)
    tasks.run()
    ok(order[#order] ~= "read")
end)

case("two files each keep their own order", function()
    local paths = { files.path(), files.path() }
    local first <close> = files.open(paths[1], "wn", "rw")
    local second <close> = files.open(paths[2], "wn", "rw")
    local expected = {}
    for index = 1, 50 do
        expected[index] = index .. ","
        for _, file in ipairs { first, second } do
            tasks.spawn(function() file:write(expected[index]) end)
        end
    end
    tasks.run()
    for _, path in ipairs(paths) do equal(files.content(path), table.concat(expected)) end
end)

case("the position is that of the descriptor, shared with others who have it", function()
    local path = files.make("0123456789")
    local fd, file = net.fd_of(files.open, path)
    equal(tasks.await(files.read, file, 3), "012")
    equal((native.stat(fd)), 3)
    equal(native.read(fd), "3456789")
    equal(tasks.await(files.read, file, 3), "")
    file:close("~")
end)

case("operations go on outside of run", function()
    local path = files.path()
    local file <close> = files.open(path, "wn", "rw")
    tasks.spawn(function() equal(file:write("written"), 7) end)
    local limit = system.nanosecs() + 5 * 1000000000
    while files.content(path) ~= "written" do
        ok(system.nanosecs() < limit, "nothing is written before run")
    end
    tasks.run()
end)

-- Leaving -----------------------------------------------------------------------------------------

case("a read whose result is known can be left", function()
    local file <close> = files.open(files.make("0123456789"))
    for _, leave in ipairs(leaves) do
        local results
        local task = coroutine.create(function()
            results = table.pack(file:read(memory.create(2), 1, -1, 0))
        end)
        ok(coroutine.resume(task))
        ok(leave(task, "left", nil))
        if leave == coroutine.resume then same(results, { n = 2, "left" }) end
        equal(system.run("ready"), false)
    end
end)

case("a read that was left writes nothing to its memory", function()
    local text = net.text(700 * 1024)
    local path = files.make(text)
    local file <close> = files.open(path)
    for _, leave in ipairs(leaves) do
        for rounds = 0, 2 do
            for _, make in ipairs { memory.create, net.resizable } do
                native.evict(path)
                local buffer = make(string.rep("\0", #text))
                local ended
                local task = coroutine.create(function()
                    file:read(buffer, 1, -1, 0)
                    ended = true
                end)
                ok(coroutine.resume(task))
                tasks.rounds(rounds)
                if not ended then
                    leave(task)
                    buffer:fill("\1")
                    tasks.run()
                    ok(buffer:tostring() == string.rep("\1", #text))
                end
            end
        end
    end
end)

case("the memory may be resized, or lose its bytes, while a read waits", function()
    local text = net.text(100000)
    local path = files.make(text)
    local file <close> = files.open(path)
    for _, size in ipairs { 200000, 1000, 0 } do
        native.evict(path)
        local buffer = net.resizable(string.rep("\0", 100000))
        local count
        tasks.spawn(function() count = file:read(buffer, 1, -1, 0) end)
        buffer:resize(size)
        tasks.run()
        ok(count <= math.max(size, 100000) and count <= 100000, count)
        ok(count == 0 or buffer:tostring(1, math.min(count, size)) ==
           string.sub(text, 1, math.min(count, size)))
    end
end)

case("the bytes of a write are those of the call", function()
    local path = files.path()
    local file <close> = files.open(path, "wn", "rw")
    local expected = {}
    for index, make in ipairs { memory.create, net.resizable, memory.create } do
        local text = string.rep(tostring(index), 3000 * index)
        local buffer = make(text)
        expected[index] = text
        tasks.spawn(function() equal(file:write(buffer), #text) end)
        buffer:fill("x")
        if make == net.resizable then buffer:resize(0) end
    end
    tasks.run()
    ok(files.content(path) == table.concat(expected))
end)

case("a resizable memory may go while a large write of it waits", function()
    local path = files.path()
    local file <close> = files.open(path, "wn", "rw")
    local text = net.text(3 << 20)
    local buffer = net.resizable(text)
    tasks.spawn(function() equal(file:write(buffer), #text) end)
    buffer:resize(0)
    tasks.run()
    ok(files.content(path) == text)
end)

case("an abandoned write goes on to its end, from bytes that stay valid", function()
    local text = net.text(5 << 20)
    for _, leave in ipairs(leaves) do
        for _, make in ipairs { tostring, memory.create, net.resizable } do
            local path = files.path()
            local file = files.open(path, "wn", "rw")
            do
                local task = coroutine.create(function() file:write(make(text)) end)
                ok(coroutine.resume(task))
                -- Once a part of it is there, a worker has it.
                local limit = system.nanosecs() + 5 * 1000000000
                repeat until #files.content(path) > 0 or system.nanosecs() > limit
                leave(task)
            end
            equal(going_on(), 1)
            tasks.spawn(function() equal(file:write("behind"), 6) end)
            collectgarbage()
            tasks.run()
            ok(files.content(path) == text .. "behind")
            file:close("~")
        end
    end
end)

case("an abandoned write is made whole or not at all, whenever it is left", function()
    local text = net.text(5 << 20)
    for _, leave in ipairs(leaves) do
        for rounds = 0, 6 do
            for _, make in ipairs { tostring, memory.create, net.resizable } do
                local path = files.path()
                local file <close> = files.open(path, "wn", "rw")
                tasks.spawn(function()
                    system.suspend() -- from here on within a round
                    local task = coroutine.create(function() file:write(make(text)) end)
                    ok(coroutine.resume(task))
                    tasks.pause(rounds)
                    if coroutine.status(task) == "suspended" then leave(task) end
                    collectgarbage()
                    equal(file:write("behind"), 6)
                end)
                tasks.run()
                local content = files.content(path)
                ok(content == text .. "behind" or content == "behind", #content)
            end
        end
    end
end)

case("what stands in line and is left never happens", function()
    for _, leave in ipairs(leaves) do
        local path = files.path()
        local file <close> = files.open(path, "rwn", "rw")
        local waiting = {}
        tasks.spawn(function() equal(file:write("first "), 6) end)
        for index, body in ipairs {
            function() file:write("second ") end,
            function() file:resize(1000) end,
            function() file:read(memory.create(10)) end,
            function() file:write(file, 1, 3) end,
            function() file:flush() end,
        } do
            waiting[index] = coroutine.create(body)
            ok(coroutine.resume(waiting[index]))
        end
        tasks.spawn(function() equal(file:write("third"), 5) end)
        for _, task in ipairs(waiting) do leave(task) end
        tasks.run()
        equal(files.content(path), "first third")
    end
end)

case("the coroutine may use the file again at once after it left", function()
    local path = files.path()
    local file <close> = files.open(path, "rwn", "rw")
    local done
    local task = tasks.spawn(function()
        equal(file:write(string.rep("x", 100)), "left")
        equal(file:write("abc", 1, -1, 200), 3)
        equal(files.read(file, 3, 200), "abc")
        done = true
    end)
    coroutine.resume(task, "left")
    tasks.run()
    ok(done)
end)

case("leaving in every phase, many at once", function()
    local path = files.make(net.text(1 << 20))
    local file <close> = files.open(path, "rw")
    local source <close> = files.open(path)
    for rounds = 0, 3 do
        for _, leave in ipairs(leaves) do
            native.evict(path)
            local waiting = {}
            local function start(index)
                waiting[index] = coroutine.create(function()
                    local kind = index % 6
                    if kind == 0 then file:read(memory.create(300000), 1, -1, index * 1000)
                    elseif kind == 1 then file:write(string.rep("x", index * 1000))
                    elseif kind == 2 then file:read(memory.create(1000))
                    elseif kind == 3 then file:flush("d")
                    elseif kind == 4 then file:write(source, 1, 100000)
                    else file:resize(1 << 20) end
                end)
                ok(coroutine.resume(waiting[index]))
            end
            for index = 1, 60 do start(index) end
            tasks.spawn(function()
                system.suspend()
                for index = 61, 120 do start(index) end
            end)
            tasks.rounds(rounds + 1)
            for _, task in ipairs(waiting) do
                if coroutine.status(task) == "suspended" then leave(task) end
            end
            tasks.run()
        end
    end
end)

-- Closing and collecting ------------------------------------------------------------------------

case("closing leaves what is in progress to its end", function()
    local path = files.path()
    local fd, file = net.fd_of(files.open, path, "rwn", "rw")
    local text = net.text(3 << 20)
    local count, closed = 0, nil
    tasks.spawn(function()
        equal(file:write(text), #text)
        count = count + 1
    end)
    tasks.spawn(function()
        equal(file:write("behind"), 6)
        count = count + 1
    end)
    tasks.spawn(function() closed = file:close() end)
    fails(function() file:flush("~") end, "closed file")
    ok(native.descriptors()[fd])
    -- A number that was closed too early would be given to this file, and be written to.
    local other <close> = files.open(files.make("untouched"), "rw~")
    tasks.run()
    equal(closed, true)
    equal(count, 2)
    equal(native.descriptors()[fd], nil)
    ok(files.content(path) == text .. "behind")
    equal(files.read(other, 100, 0, "~"), "untouched")
end)

case("a file collected while an abandoned write is on its way is written and closed", function()
    local path = files.path()
    local text = net.text(3 << 20)
    do
        local file = files.open(path, "wn", "rw")
        local task = coroutine.create(function() file:write(text) end)
        ok(coroutine.resume(task))
        repeat until #files.content(path) > 0
        coroutine.resume(task)
    end
    collectgarbage()
    collectgarbage()
    tasks.run()
    ok(files.content(path) == text)
end)

case("a file waits for nobody while its coroutine keeps it", function()
    local path = files.path()
    local count = 0
    do
        local file = files.open(path, "wn", "rw")
        for _ = 1, 3 do
            tasks.spawn(function()
                equal(file:write("abc"), 3)
                count = count + 1
            end)
        end
    end
    collectgarbage()
    tasks.run()
    equal(count, 3)
    equal(files.content(path), "abcabcabc")
end)

case("a scope that ends while operations are on their way closes later", function()
    local path = files.path()
    local task
    do
        local file <close> = files.open(path, "wn", "rw")
        task = tasks.spawn(function() equal(file:write("abc"), 3) end)
    end
    tasks.run()
    equal(coroutine.status(task), "dead")
    equal(files.content(path), "abc")
end)

-- The end of the state ----------------------------------------------------------------------------

case("a state that closes with everything in flight ends without a fault", function()
    local path = files.make(net.text(2 << 20))
    local chunk = child.prelude .. string.format([[
local path = %q
local file, source
tasks.await(function()
    file = assert(system.openfile(path, "rw"))
    source = assert(system.openfile(path))
end)
for rounds = 0, 2 do
    native.evict(path)
    local waiting = {}
    for index = 1, 40 do
        waiting[index] = coroutine.create(function()
            local kind = index %% 6
            if kind == 0 then file:read(memory.create(300000), 1, -1, index * 1000)
            elseif kind == 1 then file:write(string.rep("x", 1500000))
            elseif kind == 2 then file:read(memory.create(1000))
            elseif kind == 3 then file:flush()
            elseif kind == 4 then file:write(source, 1, 100000)
            else source:close() end
        end)
        coroutine.resume(waiting[index])
    end
    for index = 1, 40, 3 do
        if coroutine.status(waiting[index]) == "suspended" then coroutine.resume(waiting[index]) end
    end
    for _ = 1, rounds do system.run("ready") end
end
print("prepared")
]], path)
    equal(child.expect(chunk), "prepared\n")
    equal(child.expect(chunk .. "\nos.exit(0, true)"), "prepared\n")
end)

case("memory that is short raises and leaves the file as it was", function()
    local path = files.path()
    local file <close> = files.open(path, "rwn", "rw")
    local text = string.rep("x", 1000)
    local buffer = memory.create(100)
    local raised = 0
    for _, body in ipairs {
        function() return system.openfile(path) end,
        function() return file:write(text, 1, -1, 0) end,
        function() return file:read(buffer, 1, -1, 0) end,
        function() return file:flush() end,
    } do
        for nth = 1, 30 do
            local task = coroutine.create(body)
            native.failallocation(nth)
            local done = coroutine.resume(task)
            local refused = native.allocationfailed()
            if not done then raised = raised + 1 end
            tasks.run()
            if not refused then break end
        end
    end
    ok(raised > 0)
    collectgarbage()
    equal(tasks.await(file.write, file, "abc", 1, -1, 0), 3)
end)

suite.finish()
