-- A long stream is received intact although its reader is cancelled at random all the time
-- (behaviour 1.4, appendix A 2): resumed explicitly, closed as a coroutine, its memory resized, its
-- range changed. The writers leave and change their memories likewise.
--
-- COUTIL_TEST_LONG=1 makes it 1 GiB, COUTIL_TEST_STREAM_MIB any size; 256 MiB unless said.

local suite = require("support.suite").strict()
local system = require "coutil.system"
local memory = require "memory"
local net = require "support.net"
local tasks = require "support.tasks"

local case, equal, ok = suite.case, suite.equal, suite.ok

local mib <const> = 1024 * 1024
local size <const> = mib * math.tointeger(os.getenv("COUTIL_TEST_STREAM_MIB") or
                                          (os.getenv("COUTIL_TEST_LONG") and 1024 or 256))

-- The stream: one block of a prime length again and again, so that any loss, doubling or exchange
-- shows as a shift. Twice the block in one string makes each of its rotations one piece of it.
local block <const> = net.text(65521)
local pattern <const> = memory.create(block .. block .. block .. block .. block)

-- Compares what was read, at `from` to `to` of the buffer, with the stream from `position` on.
-- memory.diff compares in place.
local function is_stream(buffer, from, to, position)
    local chunk = #block * 3
    while from <= to do
        local last = math.min(to, from + chunk - 1)
        local start = position % #block + 1
        local shown = buffer:tostring(from, last)
        if pattern:find(shown, start, start + #shown - 1) ~= start then
            return false
        end
        position = position + #shown
        from = last + 1
    end
    return true
end

local longest <const> = 256 * 1024

-- Writes the stream up to `total` in pieces of random sizes and kinds, some left in mid-flight.
local function write_stream(stream, total)
    local random = math.random
    local kinds = {
        function(text) return text end,
        function(text) return memory.create(text) end,
        function(text) return net.resizable(text) end,
    }
    local position = 0
    while position < total do
        local length = math.min(random(4) == 1 and random(1, 2000) or random(1, longest),
                                total - position)
        local start = position % #block + 1
        local text = pattern:tostring(start, start + math.min(length, #block * 4) - 1)
        length = #text
        local data = kinds[random(#kinds)](text)
        if random(8) == 1 then
            -- Left at once or after some rounds; it goes on, and what is written next comes after.
            local writer = coroutine.create(function() stream:write(data) end)
            assert(coroutine.resume(writer))
            for _ = 1, random(0, 2) do system.suspend() end
            if coroutine.status(writer) == "suspended" then coroutine.resume(writer) end
        else
            assert(stream:write(data))
        end
        position = position + length
        if type(data) ~= "string" and random(4) == 1 then
            data:fill(0xAA) -- it was written, or left: nobody may look at it any more
            if memory.type(data) == "resizable" then data:resize(random(0, 10)) end
        end
    end
end

-- Reads until the end; returns how much came. The waits end in all ways there are.
local function read_stream(stream)
    local random = math.random
    local buffer = memory.create()
    buffer:resize(longest)
    local position, cancelled = 0, 0
    local ended = false
    while not ended do
        local from = random(1, 100)
        local answered
        local reader = coroutine.create(function()
            local count, problem = stream:read(buffer, from)
            if count == "left" then return end
            answered = true
            if not count then
                assert(problem == "end of file", problem)
                ended = true
                return
            end
            -- Checked at once: whoever comes next may change the memory.
            assert(is_stream(buffer, from, from + count - 1, position), "the stream is broken")
            position = position + count
        end)
        assert(coroutine.resume(reader))
        local way = random(8)
        if way == 1 then
            coroutine.resume(reader, "left")
        elseif way == 2 then
            coroutine.close(reader)
        elseif way == 3 then
            buffer:resize(random(200, longest))
        elseif way == 4 then
            system.suspend()
            if coroutine.status(reader) == "suspended" then coroutine.resume(reader, "left") end
        elseif way == 5 then
            system.suspend()
            if coroutine.status(reader) == "suspended" then coroutine.close(reader) end
        end
        while coroutine.status(reader) == "suspended" do
            system.suspend() -- somebody else resumes it
        end
        if not answered then cancelled = cancelled + 1 end
        if way == 7 then buffer:resize(longest) end
        if way == 8 then collectgarbage("step") end
        local done, problem = coroutine.close(reader)
        assert(done, problem)
    end
    return position, cancelled
end

case("a stream whose reader is cancelled at random is received intact", function()
    math.randomseed(20261121)
    local near, far = net.pair()
    local received, cancelled
    tasks.spawn(function()
        write_stream(near, size)
        assert(near:shutdown())
    end)
    tasks.spawn(function() received, cancelled = read_stream(far) end)
    tasks.run(110)
    equal(received, size)
    ok(cancelled > 0)
    net.close(near, far)
end)

case("many streams at once, both ways, are received intact", function()
    math.randomseed(42)
    local each = math.min(size // 64, 4 * mib)
    local ends = {}
    local intact = 0
    for index = 1, 4 do
        local near, far = net.pair(net.domains[index % 2 + 1])
        for _, way in ipairs { { near, far }, { far, near } } do
            tasks.spawn(function()
                write_stream(way[1], each)
                assert(way[1]:shutdown())
            end)
            tasks.spawn(function()
                if read_stream(way[2]) == each then intact = intact + 1 end
            end)
        end
        ends[#ends + 1] = near
        ends[#ends + 1] = far
    end
    tasks.run(60)
    equal(intact, 8)
    net.close(table.unpack(ends))
end)

suite.finish()
