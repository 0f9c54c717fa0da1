-- The Lua module `memory` (behaviour 5.1, 5.2, 16.1): every function, its ranges and its errors.
-- The bytes are compared as strings, and pack and unpack also with string.pack and string.unpack.

local suite = require "support.suite"
local memory = require "memory"

local case, equal, same, ok, fails = suite.case, suite.equal, suite.same, suite.ok, suite.fails

-- The results of a call with their number, so that no value and nil differ.
local function results(...)
    return { n = select("#", ...), ... }
end

local function resizable(text)
    local m = memory.create()
    m:resize(#text, text)
    return m
end

-- The range 5.2 says i and j mean, as the string it holds.
local function slice(text, i, j)
    i, j = i or 1, j or -1
    if i < 0 then i = math.max(#text + i + 1, 1) elseif i == 0 then i = 1 end
    if j < 0 then j = math.max(#text + j + 1, 0) elseif j > #text then j = #text end
    local taken = {}
    for index = i, j do
        taken[#taken + 1] = string.sub(text, index, index)
    end
    return table.concat(taken)
end

local indices = {
    false, 1, 2, 5, 6, 7, 100, 0, -1, -2, -5, -6, -100, math.maxinteger, math.mininteger, 3.0, "2",
}

-- Calls body with every pair of indices, false standing for nil.
local function each_range(body)
    for _, i in ipairs(indices) do
        for _, j in ipairs(indices) do
            local expected = slice("abcde", math.tointeger(i or 1), math.tointeger(j or -1))
            body(i or nil, j or nil, expected)
        end
    end
end

-- create, type, len ------------------------------------------------------------------------------

case("the module has its twelve functions and nothing else", function()
    local names = {}
    for name, value in pairs(memory) do
        equal(type(value), "function", name)
        names[#names + 1] = name
    end
    table.sort(names)
    equal(table.concat(names, " "),
          "create diff fill find get len pack resize set tostring type unpack")
end)

case("create without argument gives an empty resizable memory", function()
    local m = memory.create()
    equal(memory.type(m), "resizable")
    equal(#m, 0)
    equal(tostring(m), "")
end)

case("create with a number gives a fixed memory of zeros", function()
    for _, size in ipairs { 0, 1, 3.0, 4096 } do
        local m = memory.create(size)
        equal(m:type(), "fixed")
        equal(m:len(), math.tointeger(size))
        equal(m:tostring(), string.rep("\0", math.tointeger(size)))
    end
end)

case("create with a numeric string copies the string", function()
    local m = memory.create("12")
    equal(m:type(), "fixed")
    equal(m:tostring(), "12")
end)

case("create copies the range of a string or of a memory", function()
    for _, source in ipairs { "abcde", memory.create("abcde"), resizable("abcde") } do
        each_range(function(i, j, expected)
            local m = memory.create(source, i, j)
            equal(m:type(), "fixed")
            equal(m:tostring(), expected)
        end)
    end
end)

case("create makes a copy and no reference", function()
    local source = memory.create("abc")
    local copy = memory.create(source)
    source:set(1, 120)
    equal(tostring(copy), "abc")
end)

case("create refuses values that are no bytes", function()
    fails(function() memory.create(nil) end, "string or memory expected, got nil")
    fails(function() memory.create({}) end, "string or memory expected, got table")
    fails(function() memory.create(true) end, "bad argument #1 to 'create'")
    fails(function() memory.create(io.stdout) end, "string or memory expected, got FILE*")
    fails(function() memory.create("abc", {}) end, "bad argument #2 to 'create'")
    fails(function() memory.create("abc", 1, 1.5) end, "number has no integer representation")
end)

case("sizes are integers from 0 to below 2^31-1", function()
    for _, size in ipairs { -1, 0x7fffffff, math.maxinteger, math.mininteger } do
        fails(function() memory.create(size) end, "bad argument #1 to 'create' (invalid size)")
        local m = memory.create()
        fails(function() memory.resize(m, size) end, "bad argument #2 to 'resize' (invalid size)")
        fails(function() m:resize(size) end, "bad argument #1 to 'resize' (invalid size)")
    end
    fails(function() memory.create(1.5) end, "number has no integer representation")
end)

case("type gives nil for whatever is no memory", function()
    for _, value in ipairs { "abc", 1, true, {}, io.stdout, print } do
        same(results(memory.type(value)), { n = 1 })
    end
    same(results(memory.type(nil)), { n = 1 })
    same(results(memory.type()), { n = 1 })
end)

case("a table that names itself a memory is none", function()
    local fake = setmetatable({}, getmetatable(memory.create(1)))
    equal(memory.type(fake), nil)
    fails(function() memory.len(fake) end, "memory expected")
end)

case("len wants a memory", function()
    equal(memory.len(resizable("abc")), 3)
    fails(function() memory.len("abc") end,
          "bad argument #1 to 'len' (memory expected, got string)")
    fails(function() memory.len() end, "memory expected, got no value")
    fails(function() memory.create(1).len(nil) end, "memory expected, got nil")
end)

-- resize -----------------------------------------------------------------------------------------

case("resize keeps the bytes that fit and returns nothing", function()
    local m = memory.create()
    same(results(m:resize(3)), { n = 0 })
    equal(tostring(m), "\0\0\0")
    m:fill("abc")
    m:resize(5)
    equal(tostring(m), "abc\0\0")
    m:resize(2)
    equal(tostring(m), "ab")
    m:resize(2, "x")
    equal(tostring(m), "ab")
    m:resize(0)
    equal(tostring(m), "")
    equal(m:type(), "resizable")
    m:resize("1", "z")
    equal(tostring(m), "z")
end)

case("resize fills the new bytes with repetitions", function()
    local m = resizable("ab")
    m:resize(9, "xyz")
    equal(tostring(m), "abxyzxyzx")
    m:resize(11, memory.create("pqr"))
    equal(tostring(m), "abxyzxyzxpq")
    m:resize(14, 12)
    equal(tostring(m), "abxyzxyzxpq121")
    m:resize(15, "")
    m:resize(16, nil)
    m:resize(17, memory.create())
    equal(tostring(m), "abxyzxyzxpq121\0\0\0")
end)

case("resize repeats the memory itself although it moves", function()
    local m = resizable("abc")
    m:resize(100000, m)
    equal(tostring(m), string.rep("abc", 33334):sub(1, 100000))
    local empty = memory.create()
    empty:resize(3, empty)
    equal(tostring(empty), "\0\0\0")
end)

case("resize wants a resizable memory, after a size", function()
    local text = "bad argument #1 to 'resize' (resizable memory expected)"
    fails(function() memory.resize(memory.create(3), 4) end, text)
    fails(function() memory.resize("abc", 4) end, text)
    fails(function() memory.resize(nil, 4) end, text)
    fails(function() memory.resize(nil, -4) end, "bad argument #2 to 'resize' (invalid size)")
    fails(function() memory.create(1):resize(2) end,
          "calling 'resize' on bad self (resizable memory expected)")
    local m = resizable("ab")
    fails(function() m:resize(3, {}) end, "string or memory expected, got table")
    equal(tostring(m), "ab")
end)

-- diff -------------------------------------------------------------------------------------------

case("diff tells the first difference and the order", function()
    local expectations = {
        { "", "", nil, false }, { "abc", "abc", nil, false },
        { "abc", "abd", 3, true }, { "abd", "abc", 3, false },
        { "ab", "abc", 3, true }, { "abc", "ab", 3, false },
        { "", "a", 1, true }, { "a", "", 1, false },
        { "a\0b", "a\0c", 3, true }, { 12, "13", 2, true },
    }
    for _, e in ipairs(expectations) do
        same(results(memory.diff(e[1], e[2])), { n = 2, e[3], e[4] })
        same(results(memory.create(tostring(e[1])):diff(e[2])), { n = 2, e[3], e[4] })
        same(results(memory.diff(e[1], resizable(tostring(e[2])))), { n = 2, e[3], e[4] })
    end
end)

case("diff orders bytes without sign", function()
    same(results(memory.diff("\x7f", "\x80")), { n = 2, 1, true })
    same(results(memory.diff("\xff", "\x01")), { n = 2, 1, false })
end)

case("diff refuses what is no bytes", function()
    fails(function() memory.diff("a") end, "bad argument #2 to 'diff' (string or memory expected")
    fails(function() memory.diff({}, "a") end, "bad argument #1 to 'diff'")
end)

-- tostring, get, set -----------------------------------------------------------------------------

case("tostring gives the range of a memory, string or number", function()
    for _, source in ipairs { "abcde", memory.create("abcde"), resizable("abcde") } do
        each_range(function(i, j, expected)
            equal(memory.tostring(source, i, j), expected)
        end)
    end
    equal(memory.tostring(12345, 2, 3), "23")
    equal(memory.tostring(memory.create(), 1, 10), "")
    fails(function() memory.tostring(nil) end, "string or memory expected, got nil")
end)

case("get gives the bytes of the range as integers", function()
    each_range(function(i, j, expected)
        for _, m in ipairs { memory.create("abcde"), resizable("abcde") } do
            if i ~= nil and j ~= nil then
                same(results(m:get(i, j)), results(expected:byte(1, -1)))
            end
        end
    end)
    same(results(memory.create("\255\0"):get(1, 2)), { n = 2, 255, 0 })
end)

case("get of one index gives that byte, or nothing outside", function()
    local m = memory.create("abcde")
    same(results(m:get(2)), { n = 1, 98 })
    same(results(m:get(-1)), { n = 1, 101 })
    for _, index in ipairs { 0, 6, -6, math.maxinteger, math.mininteger } do
        same(results(m:get(index)), { n = 0 })
    end
    same(results(memory.create():get(1)), { n = 0 })
end)

case("get refuses strings, a missing index and what the stack cannot hold", function()
    fails(function() memory.get("abc", 1) end, "memory expected, got string")
    fails(function() memory.create(1):get() end, "bad argument #1 to 'get' (number expected")
    fails(function() memory.create(1):get(nil, 1) end, "number expected, got nil")
    fails(function() memory.create(2000000):get(1, -1) end, "string slice too long")
end)

case("set writes bytes from the index on and returns nothing", function()
    local m = memory.create(5)
    same(results(m:set(1, 1, 2)), { n = 0 })
    equal(tostring(m), "\1\2\0\0\0")
    m:set(0, 7)
    m:set(-1, 255.0)
    m:set(-100, "6")
    m:set(3)
    equal(tostring(m), "\6\2\0\0\255")
    m:set(4, 8, 9, 10, {}, "surplus")
    equal(tostring(m), "\6\2\0\8\9")
end)

case("set wants an index inside, and bytes", function()
    local m = memory.create("ab")
    for _, index in ipairs { 3, 100, math.maxinteger } do
        fails(function() memory.set(m, index, 1) end,
              "bad argument #2 to 'set' (index out of bounds)")
    end
    fails(function() memory.create(0):set(1, 1) end, "(index out of bounds)")
    fails(function() memory.create():set(-1) end, "(index out of bounds)")
    fails(function() memory.set(m, 1, 256) end, "bad argument #3 to 'set' (value out of range)")
    fails(function() memory.set(m, 1, 0, -1) end, "bad argument #4 to 'set' (value out of range)")
    fails(function() m:set(1, 0, "x") end, "bad argument #3 to 'set' (number expected, got string)")
    fails(function() m:set(1, 1.5) end, "number has no integer representation")
    fails(function() memory.set("ab", 1, 1) end, "memory expected, got string")
    equal(tostring(m), "ab")
end)

-- find, fill -------------------------------------------------------------------------------------

case("find gives start and end of the first occurrence", function()
    for _, m in ipairs { "abcabc", memory.create("abcabc"), resizable("abcabc") } do
        for _, s in ipairs { "bc", memory.create("bc") } do
            same(results(memory.find(m, s)), { n = 2, 2, 3 })
            same(results(memory.find(m, s, 3)), { n = 2, 5, 6 })
            same(results(memory.find(m, s, 3, 5)), { n = 0 })
            same(results(memory.find(m, s, -5, -4)), { n = 2, 2, 3 })
            same(results(memory.find(m, s, 1, -1, 2)), { n = 2, 3, 3 })
            same(results(memory.find(m, s, nil, nil, -1)), { n = 2, 3, 3 })
        end
    end
    same(results(memory.find("a\0b", "\0b")), { n = 2, 2, 3 })
    same(results(memory.find(12345, 34)), { n = 2, 3, 4 })
end)

case("find gives nothing when there is nothing to search or to find", function()
    local m = memory.create("abc")
    same(results(m:find("x")), { n = 0 })
    same(results(m:find("")), { n = 0 })
    same(results(m:find("a", 1, -1, 2)), { n = 0 })
    same(results(m:find("a", 4)), { n = 0 })
    same(results(m:find("a", 2, 1)), { n = 0 })
    same(results(memory.create():find("a")), { n = 0 })
    same(results(m:find(memory.create())), { n = 0 })
end)

case("find searches the prefix that fits the range and tells the whole end", function()
    same(results(memory.find("abc", "bcdef", 2)), { n = 2, 2, 6 })
    same(results(memory.find("abc", "abcd")), { n = 2, 1, 4 })
    same(results(memory.find("abc", "bcd")), { n = 0 })
end)

case("find refuses what is no bytes", function()
    fails(function() memory.find("a") end, "bad argument #2 to 'find' (string or memory expected")
    fails(function() memory.find({}, "a") end, "bad argument #1 to 'find'")
    fails(function() memory.create(1):find("a", {}) end, "bad argument #2 to 'find'")
end)

case("fill with a number writes that byte in the range", function()
    each_range(function(i, j, expected)
        local m = memory.create("abcde")
        same(results(m:fill(42, i, j)), { n = 0 })
        local start = #expected > 0 and assert(string.find("abcde", expected, 1, true)) or 1
        local text = "abcde"
        equal(tostring(m), text:sub(1, start - 1) .. ("*"):rep(#expected)
              .. text:sub(start + #expected))
    end)
    local m = memory.create(1)
    m:fill(65.0)
    equal(tostring(m), "A")
    fails(function() memory.fill(m, 256) end, "bad argument #2 to 'fill' (value out of range)")
    fails(function() memory.fill(m, -1) end, "bad argument #2 to 'fill' (value out of range)")
    fails(function() memory.fill(m, 1.5) end, "number has no integer representation")
end)

case("fill repeats the bytes of a string or memory from the origin", function()
    for _, s in ipairs { "xyz", memory.create("xyz"), resizable("xyz") } do
        local m = memory.create(8)
        m:fill(s)
        equal(tostring(m), "xyzxyzxy")
        m:fill(s, 2, -2, 2)
        equal(tostring(m), "xyzyzyzy")
        m:fill(s, 4, 4, -1)
        equal(tostring(m), "xyzzzyzy")
        m:fill(s, 1, -1, 4)
        m:fill(s, 5, 4)
        m:fill("")
        equal(tostring(m), "xyzzzyzy")
    end
    local m = memory.create(4)
    m:fill("12")
    equal(tostring(m), "1212")
    memory.create():fill("x")
end)

case("fill may take its bytes from the memory it writes", function()
    local m = memory.create("abcdefgh")
    m:fill(m, 3, -1, 1)
    equal(tostring(m), "ababcdef")
    m = memory.create("abcdefgh")
    m:fill(m, 1, -1, 3)
    equal(tostring(m), "cdefghcd")
    m = memory.create("abcdefgh")
    m:fill(m, 2, -1, 7)
    equal(tostring(m), "aghghghg")
end)

case("fill refuses what is no memory or no bytes", function()
    fails(function() memory.fill("abc", 1) end, "bad argument #1 to 'fill' (memory expected")
    fails(function() memory.create(1):fill() end, "bad argument #1 to 'fill' (string or memory")
    fails(function() memory.create(1):fill({}) end, "string or memory expected, got table")
end)

-- pack, unpack -----------------------------------------------------------------------------------

-- Formats with values, which must come out as string.pack makes them and go in as they were.
local packings = {
    { "bBhHlLjJTi3I3", -1, 255, -2, 65535, -3, 4, math.mininteger, 5, 6, -8388608, 16777215 },
    { "<i1i2i4i8i16", -128, -32768, -5, math.maxinteger, -6 },
    { ">i1i2i4i8i16", 127, 32767, 5, math.mininteger, math.mininteger },
    { "=I5 >I9 <I16 >J", 0xffffffffff, 7, math.maxinteger, 8 },
    { "<fdn>fdn=d", 0.5, 1e300, -0.0, -1.5, math.huge, math.pi, 3.25 },
    { "s1s2s>s4zc3", "a", "", "bcd", "\0\1", "xyz", "c\0c" },
    { "c0z", "", "" },
    { "!bhbib!4jb!8j", 1, 2, 3, 4, 5, 6, 7, 8 },
    { "!16 b i16 b s4", 1, 2, 3, "four" },
    { "bxxhXlb", 1, 2, 3 },
    { "!8 bXjbXi4 Xs2 Xx", 1, 2 },
    { " b  < > = b ", 1, 2 },
    { "" },
}

case("pack writes the bytes of string.pack and unpack reads them", function()
    for _, p in ipairs(packings) do
        local expected = string.pack(table.unpack(p))
        local room = #expected + 2
        for _, m in ipairs { memory.create(room), resizable(("\xAA"):rep(room)) } do
            same(results(m:pack(p[1], 1, table.unpack(p, 2))), { n = 2, true, #expected + 1 })
            equal(m:tostring(1, #expected), expected, p[1])
            local values = results(string.unpack(p[1], expected))
            same(results(m:unpack(p[1])), values, p[1])
            same(results(memory.unpack(m, p[1], 1)), values, p[1])
            same(results(memory.unpack(expected, p[1])), values, p[1])
        end
    end
end)

case("pack and unpack align for places in the memory, whatever the index", function()
    local m = memory.create(("\xAA"):rep(16))
    same(results(m:pack("!4 <i4", 2, 1)), { n = 2, true, 9 })
    equal(tostring(m), "\xAA\0\0\0\1\0\0\0" .. ("\xAA"):rep(8))
    same(results(m:unpack("!4 <i4", 2)), { n = 2, 1, 9 })
    same(results(m:pack("B", -1, 7)), { n = 2, true, 17 })
    same(results(m:pack("B", 0, 8)), { n = 2, true, 2 })
    same(results(m:unpack("B", -1)), { n = 2, 7, 17 })
    same(results(m:unpack("B", 0)), { n = 2, 8, 2 })
    same(results(m:unpack("", 17)), { n = 1, 17 })
end)

case("pack takes the bytes of memories, also of its own", function()
    local m = memory.create(10)
    m:pack("zs1c2", 1, memory.create("ab"), resizable("cd"), memory.create("ef"))
    equal(m:tostring(1, 8), "ab\0\2cdef")
    local own = memory.create("abc")
    same(results(own:pack("c3", 1, own)), { n = 2, true, 4 })
    equal(tostring(own), "abc")
    local ref = resizable("abc")
    same(results(ref:pack("s1", 1, ref)), { n = 3, false, 1, ref })
    m:pack("z", 1, 42)
    equal(m:tostring(1, 3), "42\0")
end)

case("pack returns where it stopped and the values left", function()
    local m = memory.create(4)
    same(results(m:pack("<I2I2I2", 1, 1, 2, 3, "surplus")), { n = 4, false, 5, 3, "surplus" })
    equal(tostring(m), "\1\0\2\0")
    same(results(m:pack("BI4B", 2, 1, 2.0, 3)), { n = 4, false, 3, 2.0, 3 })
    same(results(m:pack("Bs1", 1, 1, 12345)), { n = 3, false, 2, 12345 })
    same(results(m:pack("c5", 1, "12345")), { n = 3, false, 1, "12345" })
    same(results(m:pack("z", 1, "1234")), { n = 3, false, 1, "1234" })
    same(results(m:pack("I4x", 1, 1)), { n = 2, false, 5 })
    same(results(m:pack("!4BXi4B", 2, 1, 2)), { n = 3, false, 5, 2 })
    same(results(m:pack("!8BXi8B", 2, 1, 2)), { n = 3, false, 3, 2 })
    same(results(m:pack("d", 1, 1.5)), { n = 3, false, 1, 1.5 })
    same(results(memory.create():pack("B", 1, 1)), { n = 3, false, 1, 1 })
    same(results(memory.create():pack("c0", 1, "")), { n = 2, true, 1 })
    same(results(memory.create():pack("!4Xi4", 1)), { n = 2, true, 1 })
end)

case("an item that does not fit leaves its place untouched", function()
    local m = memory.create("....")
    m:pack("!4 B i4", 1, 1, 2)
    m:pack("s1", 2, "abc")
    equal(tostring(m), "\1...")
end)

case("pack raises for values out of the range of their item", function()
    local m = memory.create(64)
    for size = 1, 7 do
        local limit = 1 << (8 * size - 1)
        for _, value in ipairs { limit, -limit - 1, math.maxinteger, math.mininteger } do
            fails(function() memory.pack(m, "i" .. size, 1, value) end,
                  "bad argument #4 to 'pack' (integer overflow)")
        end
        for _, value in ipairs { limit * 2, -1, math.mininteger } do
            fails(function() m:pack("I" .. size, 1, value) end,
                  "bad argument #3 to 'pack' (unsigned overflow)")
        end
        for _, value in ipairs { limit - 1, -limit } do
            m:pack("i" .. size, 1, value)
            equal((m:unpack("i" .. size)), value)
        end
        m:pack("I" .. size, 1, limit * 2 - 1)
        equal((m:unpack("I" .. size)), limit * 2 - 1)
    end
    fails(function() m:pack("c3", 1, "ab") end, "wrong length")
    fails(function() m:pack("c3", 1, "abcd") end, "wrong length")
    fails(function() m:pack("z", 1, "a\0b") end, "string contains zeros")
    fails(function() m:pack("z", 1, m) end, "string contains zeros")
    fails(function() m:pack("s1", 1, ("x"):rep(256)) end,
          "string length does not fit in given size")
end)

case("pack raises for values of the wrong type", function()
    local m = memory.create(8)
    fails(function() memory.pack(m, "BB", 1, 1) end, "bad argument #5 to 'pack' (number expected")
    fails(function() m:pack("B", 1, 1.5) end, "number has no integer representation")
    fails(function() m:pack("d", 1, {}) end, "number expected, got table")
    fails(function() m:pack("z", 1, {}) end, "string or memory expected, got table")
    fails(function() memory.pack("abc", "B", 1, 1) end, "memory expected, got string")
    fails(function() m:pack("B") end, "bad argument #2 to 'pack' (number expected, got no value)")
    fails(function() m:pack(nil, 1) end, "bad argument #1 to 'pack' (string expected")
end)

case("pack and unpack want an index inside or right behind", function()
    for _, m in ipairs { memory.create("abc"), resizable("abc") } do
        for _, index in ipairs { 5, 100, math.maxinteger } do
            fails(function() memory.pack(m, "", index) end,
                  "bad argument #3 to 'pack' (index out of bounds)")
            fails(function() memory.unpack(m, "", index) end,
                  "bad argument #3 to 'unpack' (index out of bounds)")
        end
        same(results(m:pack("", 4)), { n = 2, true, 4 })
        same(results(m:pack("", math.mininteger)), { n = 2, true, 1 })
    end
end)

case("malformed formats are refused", function()
    local m = memory.create(64)
    local malformed = {
        ["i0"] = "integral size (0) out of limits [1,16]",
        ["i17"] = "integral size (17) out of limits [1,16]",
        ["s17"] = "integral size (17) out of limits [1,16]",
        ["!17"] = "integral size (17) out of limits [1,16]",
        ["I99999999999"] = "integral size (",
        ["c"] = "missing size for format option 'c'",
        ["r"] = "invalid format option 'r'",
        ["1"] = "invalid format option '1'",
        ["X"] = "invalid next option for option 'X'",
        ["XX"] = "invalid next option for option 'X'",
        ["Xz"] = "invalid next option for option 'X'",
        ["Xc4"] = "invalid next option for option 'X'",
        ["X i"] = "invalid next option for option 'X'",
        ["!4i3"] = "format asks for alignment not power of 2",
        ["!Xi3"] = "format asks for alignment not power of 2",
    }
    for format, text in pairs(malformed) do
        fails(function() m:pack(format, 1, 1) end, text)
        fails(function() m:unpack(format) end, text)
    end
    fails(function() memory.unpack(m, "X") end, "bad argument #2 to 'unpack'")
end)

case("unpack raises when the bytes end too early", function()
    local short = "bad argument #2 to 'unpack' (data string too short)"
    for _, s in ipairs { "abc", memory.create("abc"), resizable("abc") } do
        for _, format in ipairs { "i4", "d", "c4", "s", "xxxx", "i3x", "!8xXi8", "Bs1" } do
            fails(function() memory.unpack(s, format) end, short)
        end
        fails(function() memory.unpack(s, "z") end,
              "bad argument #2 to 'unpack' (unfinished string for format 'z')")
        same(results(memory.unpack(s, "c3")), { n = 2, "abc", 4 })
    end
    fails(function() memory.unpack(memory.create(), "z") end, "unfinished string")
    fails(function() memory.unpack("\xff", "s1") end, short)
    fails(function() memory.unpack(("\xff"):rep(20), "s8") end, short)
end)

case("unpack raises for integers that Lua cannot hold", function()
    local text = "16-byte integer does not fit into Lua Integer"
    fails(function() memory.unpack(("\1"):rep(16), "<i16") end, text)
    fails(function() memory.unpack(("\xff"):rep(16), "I16") end, text)
    fails(function() memory.unpack(("\1"):rep(16), ">I16") end, text)
    equal((memory.unpack(("\xff"):rep(16), "i16")), -1)
    equal((memory.unpack(("\xff"):rep(8) .. ("\0"):rep(8), "<I16")), -1)
    fails(function() memory.unpack(("\xff"):rep(8) .. ("\0"):rep(8), "<i16") end, text)
end)

case("unpack refuses what is no bytes and too many results", function()
    fails(function() memory.unpack(nil, "B") end, "string or memory expected, got nil")
    fails(function() memory.unpack({}, "B") end, "bad argument #1 to 'unpack'")
    fails(function() memory.create(1):unpack() end, "string expected, got no value")
    local m = memory.create(2000000)
    fails(function() m:unpack(("B"):rep(#m)) end, "too many results")
    equal(select("#", m:unpack(("B"):rep(5000))), 5001)
    equal(select("#", m:unpack(("c1"):rep(5000))), 5001)
end)

case("random packings agree with string.pack", function()
    local kinds = { "b", "B", "h", "H", "i", "I", "l", "j", "i3", "I7", "i16", "f", "d", "s1", "z" }
    local settings = { "<", ">", "=", "!", "!1", "!2", "!4", "!8", " ", "x" }
    for _ = 1, 300 do
        local format, values = "!4", {}
        for _ = 1, math.random(1, 8) do
            local kind = kinds[math.random(#kinds)]
            if kind == "i3" or kind == "I7" then
                format = format .. "!1"
            end
            format = format .. kind
            if kind == "s1" or kind == "z" then
                values[#values + 1] = ("v"):rep(math.random(0, 9))
            else
                values[#values + 1] = math.random(0, 127)
            end
            format = format .. settings[math.random(#settings)]
        end
        local expected = string.pack(format, table.unpack(values))
        local m = memory.create(#expected)
        same(results(m:pack(format, 1, table.unpack(values))), { n = 2, true, #expected + 1 })
        equal(tostring(m), expected, format)
        same(results(m:unpack(format)), results(string.unpack(format, expected)), format)
    end
end)

-- metatables -------------------------------------------------------------------------------------

case("methods are looked up in the module table", function()
    for _, m in ipairs { memory.create("a"), resizable("a") } do
        local metatable = getmetatable(m)
        equal(metatable.__index, memory)
        equal(metatable.__newindex, nil)
        equal(metatable.__eq, nil)
        memory.shout = function(self) return tostring(self):upper() end
        equal(m:shout(), "A")
        memory.shout = nil
        equal(#m, 1)
        equal(tostring(m), "a")
        equal(string.format("%s", m), "a")
    end
    equal(getmetatable(memory.create("")).__name, "char[]")
    equal(getmetatable(memory.create()).__name, "luamem_Ref")
    ok(memory.create("a") ~= memory.create("a"))
end)

case("concatenation of memories, strings and numbers gives a string", function()
    for _, m in ipairs { memory.create("ab"), resizable("ab") } do
        equal(m .. "c", "abc")
        equal("c" .. m, "cab")
        equal(m .. 1, "ab1")
        equal(1.5 .. m, "1.5ab")
        equal(m .. m, "abab")
        equal("<" .. m .. "|" .. m .. ">", "<ab|ab>")
        equal(m .. memory.create(), "ab")
    end
    local long = memory.create(("x"):rep(100000))
    equal(long .. long, ("x"):rep(200000))
end)

case("concatenation with anything else is left to its own metamethod", function()
    local other = setmetatable({}, {
        __concat = function(a, b) return memory.type(a) or "other", memory.type(b) or "other" end,
    })
    equal(memory.create("a") .. other, "fixed")
    equal(other .. memory.create("a"), "other")
    local waits = setmetatable({}, { __concat = function() return coroutine.yield("waiting") end })
    local thread = coroutine.wrap(function() return memory.create("a") .. waits end)
    equal(thread(), "waiting")
    equal(thread("done"), "done")
end)

case("concatenation with what has no metamethod is an error", function()
    local m = memory.create("a")
    fails(function() return m .. nil end, "attempt to concat a 'userdata' with a 'nil'")
    fails(function() return {} .. m end, "attempt to concat a 'table' with a 'userdata'")
end)

case("a closed resizable memory is empty and refers to nothing", function()
    local kept
    do
        local m <close> = resizable("abc")
        kept = m
    end
    equal(memory.type(kept), "other")
    equal(#kept, 0)
    equal(tostring(kept), "")
    fails(function() kept:resize(1) end, "resizable memory expected")
    getmetatable(kept).__close(kept)
    getmetatable(kept).__gc(kept)
    equal(#kept, 0)
end)

case("closing an empty resizable memory changes nothing", function()
    local m = memory.create()
    getmetatable(m).__close(m)
    equal(m:type(), "resizable")
    m:resize(2, "x")
    equal(tostring(m), "xx")
end)

case("fixed memories cannot be closed", function()
    equal(getmetatable(memory.create(1)).__gc, nil)
    fails(function() local m <close> = memory.create(1); return m end,
          "variable 'm' got a non-closable value")
end)

case("the finalizer ignores what is no reference", function()
    local finalizer = getmetatable(memory.create()).__gc
    finalizer()
    finalizer(nil)
    finalizer(memory.create("abc"))
    finalizer(io.stdout)
end)

-- Finalizers are program code and run in the middle of calls that allocate.
case("memories may be closed and resized while others are created from them", function()
    local victim = resizable(("x"):rep(5000))
    local function again()
        setmetatable({}, { __gc = function()
            if victim ~= nil then
                victim:resize(#victim > 10 and 3 or 5000, "x")
                again()
            end
        end })
    end
    collectgarbage("generational")
    again()
    for index = 1, 3000 do
        memory.create(victim)
        memory.concat = victim .. victim
        memory.find(victim, index + 0.5)
        victim:pack("z", 1, index + 0.5)
        victim:unpack("c1c1c1")
        memory.diff(index + 0.25, victim)
    end
    memory.concat = nil
    victim = nil
    collectgarbage("incremental")
end)

suite.finish()
