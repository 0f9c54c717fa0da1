-- The Lua module `memory` (behaviour 5.1, 5.2, 16.1): every function but pack and unpack, its
-- ranges and its errors. The bytes are compared as strings.

local suite = require "support.suite"
local memory = require "memory"
local memories = require "support.memories"

local case, equal, same, fails = suite.case, suite.equal, suite.same, suite.fails
local results, resizable = memories.results, memories.resizable

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

suite.finish()
