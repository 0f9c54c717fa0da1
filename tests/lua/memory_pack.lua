-- memory.pack and memory.unpack (behaviour 16.1), compared with string.pack and string.unpack.

local suite = require "support.suite"
local memory = require "memory"
local memories = require "support.memories"

local case, equal, same, fails = suite.case, suite.equal, suite.same, suite.fails
local results, resizable = memories.results, memories.resizable

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

suite.finish()
