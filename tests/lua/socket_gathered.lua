-- Ours: writes of a table of strings and memories at once, on streams of all domains. The range
-- counts over all of them in a row; the bytes are those of the call.

local suite = require("support.suite").strict()
local system = require "coutil.system"
local memory = require "memory"
local native = require "native"
local net = require "support.net"
local tasks = require "support.tasks"

local case, equal, same, ok, fails = suite.case, suite.equal, suite.same, suite.ok, suite.fails

local domains <const> = { "ipv4", "local", "share" }

-- A case for each domain, with a connected pair that is closed after it.
local function pairwise(name, body, small)
    for _, domain in ipairs(domains) do
        case(name .. " (" .. domain .. ")", function()
            local near, far, here, there = net.pair(domain, small)
            local _ <close> = net.closing(near, far)
            body(near, far, here, there)
            tasks.run()
        end)
    end
end

-- Writes in all circumstances a write can meet, and expects these bytes at the other end: alone,
-- in a busy round, and behind another write.
local function arrives(expected, make, i, j)
    for _, domain in ipairs(domains) do
        for _, start in ipairs { tasks.spawn, tasks.spawn_busy } do
            for _, before in ipairs { "", net.text(net.plenty) } do
                local near, far = net.pair(domain, true)
                start(function()
                    if before ~= "" then
                        tasks.spawn(function() equal(near:write(before), true) end)
                    end
                    if i == nil and j == nil then
                        same(table.pack(near:write(make())), { n = 1, true })
                    else
                        same(table.pack(near:write(make(), i, j)), { n = 1, true })
                    end
                    assert(near:shutdown())
                end)
                local got
                tasks.spawn(function() got = net.read_all(far) end)
                tasks.run()
                ok(got == before .. expected, domain)
                net.close(near, far)
            end
        end
    end
end

-- Bytes ------------------------------------------------------------------------------------------

case("strings, numbers and memories arrive in their order", function()
    arrives("text,42-1.5,fixed,sized,2.0", function()
        return { "text,", 42, -1.5, ",", memory.create("fixed,"), net.resizable("sized,"), 2.0 }
    end)
end)

case("an empty table, and elements without bytes, send nothing", function()
    arrives("", function() return {} end)
    arrives("", function() return { "", memory.create(0), memory.create() } end)
    arrives("ab", function() return { "", "a", "", memory.create(), "b", "" } end)
end)

case("i and j count over the bytes of all elements", function()
    local whole = "0123456789"
    local function make() return { "012", "", memory.create("3456"), net.resizable("789") } end
    for _, range in ipairs {
        { 1, -1 }, { 3, 5 }, { 4, 7 }, { 1, 3 }, { 8, 10 }, { -3 }, { nil, 4 }, { 0, 100 },
        { 5, 5 }, { -100, 2 }, { 3, 8 }, { 2, 1 }, { 11 }, { 1, 0 }, { 100, 200 }, { 4, 3 },
    } do
        local i, j = range[1], range[2]
        local near, far = net.pair("local")
        tasks.spawn(function()
            equal(near:write(make(), i, j), true)
            assert(near:shutdown())
        end)
        local text = memory.create(whole)
        local expected = text:tostring(i or 1, j or -1)
        equal(tasks.await(function() return net.read_all(far) end), expected)
        net.close(near, far)
    end
end)

case("a range over more elements than fit on the stack", function()
    local parts = {}
    for index = 1, 100 do parts[index] = string.format("%03d", index) end
    local whole = table.concat(parts)
    arrives(string.sub(whole, 2, 250), function() return parts end, 2, 250)
    arrives(whole, function() return parts end)
end)

for _, count in ipairs { 31, 32, 33, 1023, 1024, 1025, 3000 } do
    case("a table of " .. count .. " elements arrives whole", function()
        local parts = {}
        for index = 1, count do
            local text = index .. ";"
            parts[index] = index % 3 == 0 and memory.create(text) or text
        end
        local expected = {}
        for index = 1, count do expected[index] = index .. ";" end
        arrives(table.concat(expected), function() return parts end)
    end)
end

for _, size in ipairs { 4095, 4096, 4097, 70000, 1024 * 1024 + 1, 9 * 1024 * 1024 } do
    case("elements of together " .. size .. " bytes arrive whole", function()
        local text = net.text(size)
        local cut = size // 3
        arrives(text, function()
            return { string.sub(text, 1, cut), memory.create(string.sub(text, cut + 1, 2 * cut)),
                     net.resizable(string.sub(text, 2 * cut + 1)) }
        end)
    end)
end

pairwise("what is sent are the bytes of the call", function(near, far)
    local size = 1024 * 1024
    local fixed, sized = memory.create(size), net.resizable(net.text(size))
    fixed:fill("f")
    local expected = "head" .. string.rep("f", size) .. net.text(size)
    local parts = { "head", fixed, sized }
    tasks.spawn(function() equal(near:write(net.text(net.plenty)), true) end)
    tasks.spawn(function() equal(near:write(parts), true) end)
    fixed:fill("!")
    sized:resize(3)
    sized:fill("!")
    parts[1], parts[2], parts[3] = nil, nil, nil
    parts, fixed, sized = nil, nil, nil -- luacheck: ignore 311
    collectgarbage()
    collectgarbage()
    tasks.spawn(function()
        ok(net.read_all(far, net.plenty + #expected) == net.text(net.plenty) .. expected)
    end)
end, true)

pairwise("one that is partly sent at the call goes on with the right byte", function(near, far)
    local parts, expected = {}, {}
    for index = 1, 700 do
        parts[index] = string.rep(string.char(index % 256), 1 + index * 37 % 20000)
        expected[index] = parts[index]
    end
    expected = table.concat(expected)
    local done
    tasks.spawn(function()
        equal(near:write(parts), true)
        done = true
    end)
    for index = 1, 700 do parts[index] = "changed" end
    tasks.rounds(3)
    ok(not done)
    tasks.spawn(function() ok(net.read_all(far, #expected) == expected) end)
end, true)

pairwise("the program's table stays as it is", function(near, far)
    local parts = { "a", 1, 2.5, "b" }
    tasks.await(function() equal(near:write(parts), true) end)
    same(parts, { "a", 1, 2.5, "b" })
    equal(math.type(parts[2]), "integer")
    tasks.await(function() equal(net.read_all(far, 6), "a12.5b") end)
end)

pairwise("a small one has reached the kernel before run is called", function(near, _, _, there)
    local task = tasks.spawn(function() equal(near:write { "at ", "once" }, true) end)
    equal(native.recv(there), "at once")
    equal(coroutine.status(task), "suspended")
end)

pairwise("writes of both kinds are sent in the order of the calls", function(near, far)
    tasks.spawn_busy(function()
        for index = 1, 30 do
            local data = index % 2 == 0 and { index, ",", memory.create(index .. ";") } or
                         index .. "."
            tasks.spawn(function() equal(near:write(data), true) end)
        end
        assert(near:shutdown())
    end)
    local expected = {}
    for index = 1, 30 do
        expected[index] = index % 2 == 0 and index .. "," .. index .. ";" or index .. "."
    end
    tasks.spawn(function() equal(net.read_all(far), table.concat(expected)) end)
end)

-- Leaving, closing -------------------------------------------------------------------------------

pairwise("one that was left goes on to its end, before later writes", function(near, far)
    local text = net.text(net.plenty)
    for _, leave in ipairs { coroutine.resume, coroutine.close } do
        for rounds = 0, 2 do
            local bytes = net.resizable(string.sub(text, 100))
            local task = tasks.spawn(function()
                near:write { string.sub(text, 1, 99), bytes }
            end)
            tasks.rounds(rounds)
            leave(task)
            bytes:resize(1)
            tasks.spawn(function() equal(near:write("tail"), true) end)
            tasks.spawn(function()
                ok(net.read_all(far, #text + 4) == text .. "tail")
            end)
            tasks.run()
        end
    end
end, true)

pairwise("close ends one that waits with operation canceled", function(near)
    local results
    tasks.spawn(function()
        results = table.pack(near:write { net.text(net.plenty), memory.create(net.plenty) })
    end)
    tasks.rounds(2)
    near:close()
    equal(results, nil)
    tasks.run()
    same(results, { n = 3, false, "operation canceled", 125 })
end, true)

pairwise("one that close finds unsent is sent", function(near, far)
    tasks.spawn_busy(function()
        tasks.spawn(function() equal(near:write { "one ", memory.create("two") }, true) end)
        near:close()
    end)
    tasks.run()
    equal(tasks.await(function() return net.read_all(far) end), "one two")
end)

pairwise("a peer that is gone is a failure", function(near, far)
    far:close()
    tasks.await(function()
        local results
        for _ = 1, 100 do
            results = table.pack(near:write { "x", "y" })
            if not results[1] then break end
            tasks.pause(2)
        end
        equal(results[1], false)
        ok(results[3] == 32 or results[3] == 104, results[2])
    end)
end)

-- Errors -----------------------------------------------------------------------------------------

pairwise("elements of other types are refused, and nothing is sent", function(near, _, _, there)
    local text = "bad value #%d in data (string or memory expected, got %s)"
    tasks.await(function()
        fails(function() near:write { true } end, text:format(1, "boolean"))
        fails(function() near:write { "a", 1, {} } end, text:format(3, "table"))
        fails(function() near:write { "a", near } end, text:format(2, "userdata"))
        fails(function() near:write { print } end, text:format(1, "function"))
        fails(function() near:write { "a", "b", false, "c" } end, text:format(3, "boolean"))
        local many = table.pack(string.byte(string.rep("x", 100), 1, -1))
        many[77] = {}
        fails(function() near:write(many) end, text:format(77, "table"))
        many[77] = "x"
        many[50] = {}
        for index = 1, 100 do if index ~= 50 then many[index] = "x" end end
        fails(function() near:write(many) end, text:format(50, "table"))
    end)
    same({ native.recv(there) }, { nil, 11 })
end)

pairwise("the data is checked first, then i, then j", function(near)
    fails(function() near:write {} end, "unable to yield")
    tasks.await(function()
        local many = {}
        for index = 1, 50 do many[index] = "x" end
        for _, data in ipairs { { "x" }, { 1 }, many } do
            fails(function() near:write(data, {}, {}) end, "#2 to 'write' (number expected, got")
            fails(function() near:write(data, 1, {}) end, "#3 to 'write' (number expected, got")
            fails(function() near:write(data, 1.5) end, "number has no integer representation")
        end
        fails(function() near:write({ true }, {}) end, "bad value #1 in data")
        near:close()
        fails(function() near:write {} end, "closed object")
    end)
end)

case("a stream that is not connected fails at once", function()
    for _, domain in ipairs(domains) do
        local stream <close> = assert(system.socket("stream", domain))
        same({ coroutine.wrap(stream.write)(stream, { "x" }) }, { false, "broken pipe", 32 })
        same({ coroutine.wrap(stream.write)(stream, {}) }, { false, "broken pipe", 32 })
    end
end)

-- Finalizers run between the checks, since numbers are spelled and large tables noted.
case("a finalizer may change the table and its memories meanwhile", function()
    local near, far = net.pair("local")
    local _ <close> = net.closing(near, far)
    local received = 0
    tasks.spawn(function()
        local buffer = memory.create(65536)
        repeat
            local count = far:read(buffer)
            received = received + (count or 0)
        until not count
    end)
    tasks.spawn(function()
        for _ = 1, 300 do
            local parts = {}
            for index = 1, 40 do parts[index] = index % 2 == 0 and index or net.resizable("abc") end
            for _ = 1, 5 do
                setmetatable({}, { __gc = function()
                    for index = 1, 40 do
                        if memory.type(parts[index]) then parts[index]:resize(100) end
                        if math.type(parts[index]) then parts[index] = "text" end
                    end
                    parts[40] = nil
                end })
            end
            collectgarbage("step")
            pcall(near.write, near, parts)
        end
        near:close()
    end)
    tasks.run()
    ok(received > 0)
    collectgarbage()
    collectgarbage()
end)

suite.finish()
