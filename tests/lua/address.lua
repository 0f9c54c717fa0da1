-- Manual: system.address (behaviour 6.1, 6.2, defect D4 c): its forms, its fields, its errors, and
-- arbitrary texts from a seeded generator.

local suite = require("support.suite").strict()
local system = require "coutil.system"
local memory = require "memory"

local case, equal, same, ok, fails = suite.case, suite.equal, suite.same, suite.ok, suite.fails

local function resizable(text)
    local bytes = memory.create()
    bytes:resize(#text, text)
    return bytes
end

-- Forms ------------------------------------------------------------------------------------------

case("a type alone gives the wildcard address with port zero", function()
    local four, six = system.address("ipv4"), system.address("ipv6")
    same({ four.type, four.literal, four.port }, { "ipv4", "0.0.0.0", 0 })
    same({ six.type, six.literal, six.port }, { "ipv6", "::", 0 })
    same({ four.binary, six.binary }, { string.rep("\0", 4), string.rep("\0", 16) })
end)

case("an unknown type is an invalid option", function()
    fails(function() system.address("ipv5") end,
          "bad argument #1 to 'address' (invalid option 'ipv5')")
    fails(function() system.address() end, "#1 to 'address' (string expected, got no value)")
    fails(function() system.address(nil) end, "#1 to 'address' (string expected, got nil)")
end)

case("the URI form takes host and port from one text", function()
    local four = system.address("ipv4", "192.0.2.7:8080")
    same({ four.literal, four.port, tostring(four) }, { "192.0.2.7", 8080, "192.0.2.7:8080" })
    local six = system.address("ipv6", "[2001:DB8::7]:443")
    same({ six.literal, six.port, tostring(six) }, { "2001:db8::7", 443, "[2001:db8::7]:443" })
end)

case("the URI form takes its text from a memory too", function()
    for _, make in ipairs { memory.create, resizable } do
        equal(tostring(system.address("ipv4", make("1.2.3.4:5"))), "1.2.3.4:5")
        equal(tostring(system.address("ipv6", make("[::1]:5"))), "[::1]:5")
    end
end)

case("the URI form accepts ports with leading zeros up to the highest", function()
    equal(system.address("ipv4", "1.2.3.4:00080").port, 80)
    equal(system.address("ipv4", "1.2.3.4:000000000065535").port, 65535)
    equal(system.address("ipv6", "[::]:0").port, 0)
end)

case("the URI form refuses texts without a separator and a port", function()
    local bad = {
        ipv4 = { "", "1.2.3.4", "1.2.3.4:", ":", "localhost", string.rep("1", 48) .. ":1" },
        ipv6 = { "", "[", "]:1", "::1", "[::1]", "[::1]:", "[::1:80", "::1]:80", "[::1] :80",
                 "[", "[]:", "[" .. string.rep("1", 48) .. "]:1" },
    }
    for kind, texts in pairs(bad) do
        for _, text in ipairs(texts) do
            fails(function() system.address(kind, text) end,
                  "bad argument #2 to 'address' (invalid URI format)")
        end
    end
end)

case("the URI form refuses ports that are not all digits or too large", function()
    for _, port in ipairs { "x", "80x", "-1", "+1", " 80", "80 ", "65536", "99999999999999999999",
                            "0x50", "8.0" } do
        fails(function() system.address("ipv4", "1.2.3.4:" .. port) end,
              "bad argument #2 to 'address' (invalid port)")
        fails(function() system.address("ipv6", "[::1]:" .. port) end,
              "bad argument #2 to 'address' (invalid port)")
    end
end)

case("the URI form refuses hosts that are no literals with a plain error", function()
    for _, text in ipairs { ":80", "localhost:80", "1.2.3:80", "1.2.3.256:80", "1.2.3.4.5:80",
                            string.rep("1", 47) .. ":80", string.rep("1", 46) .. ":80" } do
        local message = fails(function() system.address("ipv4", text) end, "invalid argument")
        ok(string.find(message, "^.-address.lua:%d+: invalid argument$"), message)
    end
    for _, text in ipairs { "[]:80", "[x]:80", "[1.2.3.4]:80", "[::g]:80", "[:::]:80",
                            "[" .. string.rep("1", 47) .. "]:80" } do
        fails(function() system.address("ipv6", text) end, "invalid argument")
    end
end)

case("the URI form counts the arguments given, nil included", function()
    fails(function() system.address("ipv4", nil) end,
          "bad argument #2 to 'address' (string or memory expected, got nil)")
    fails(function() system.address("ipv4", {}) end, "string or memory expected, got table")
    fails(function() system.address("ipv4", "1.2.3.4", nil) end,
          "bad argument #3 to 'address' (number expected, got nil)")
end)

case("host and port are taken apart from each other", function()
    local four = system.address("ipv4", "192.0.2.7", 8080)
    same({ four.literal, four.port }, { "192.0.2.7", 8080 })
    equal(tostring(system.address("ipv6", "::1", 1, "t")), "[::1]:1")
    equal(tostring(system.address("ipv4", "192.0.2.7", "80", nil)), "192.0.2.7:80")
    equal(tostring(system.address("ipv4", "192.0.2.7", 80.0)), "192.0.2.7:80")
end)

case("host and port refuse what they cannot be", function()
    for _, port in ipairs { -1, 65536, math.maxinteger, math.mininteger } do
        fails(function() system.address("ipv4", "1.2.3.4", port) end,
              "bad argument #3 to 'address' (invalid port)")
    end
    fails(function() system.address("ipv4", "1.2.3.4", 1.5) end,
          "number has no integer representation")
    for _, mode in ipairs { "", "x", "tb", "bt", "T" } do
        fails(function() system.address("ipv4", "1.2.3.4", 1, mode) end,
              "bad argument #4 to 'address' (invalid mode)")
    end
    for _, host in ipairs { "", "localhost", "1.2.3", "::1", " 1.2.3.4", "1.2.3.4 " } do
        fails(function() system.address("ipv4", host, 1) end, "invalid argument")
    end
    for _, host in ipairs { "", "[::1]", "1.2.3.4", ":", "::1::", string.rep("f", 200) } do
        fails(function() system.address("ipv6", host, 1) end, "invalid argument")
    end
end)

case("binary hosts are taken from strings and memories of the exact size", function()
    equal(tostring(system.address("ipv4", "\1\2\3\4", 5, "b")), "1.2.3.4:5")
    equal(tostring(system.address("ipv4", resizable "\1\2\3\4", 5, "b")), "1.2.3.4:5")
    local one = string.rep("\0", 15) .. "\1"
    equal(tostring(system.address("ipv6", memory.create(one), 5, "b")), "[::1]:5")
    for _, bytes in ipairs { "", "\1\2\3", "\1\2\3\4\5", one } do
        fails(function() system.address("ipv4", bytes, 5, "b") end,
              "bad argument #2 to 'address' (invalid binary address)")
    end
    fails(function() system.address("ipv6", "\1\2\3\4", 5, "b") end, "invalid binary address")
end)

case("zones of ipv6 literals are accepted and dropped", function()
    equal(tostring(system.address("ipv6", "fe80::1%eth0", 80)), "[fe80::1]:80")
    equal(tostring(system.address("ipv6", "[fe80::1%lo]:80")), "[fe80::1]:80")
    ok(system.address("ipv6", "fe80::1%lo", 80) == system.address("ipv6", "fe80::1", 80))
end)

case("ipv6 text is canonical", function()
    local texts = {
        ["0:0:0:0:0:0:0:0"] = "::", ["::FFFF:1.2.3.4"] = "::ffff:1.2.3.4",
        ["2001:0db8:0:0:0:0:0:1"] = "2001:db8::1", ["0:0:0:0:0:0:0:1"] = "::1",
        ["1:0:0:2:0:0:0:3"] = "1:0:0:2::3",
    }
    for text, canonical in pairs(texts) do
        equal(system.address("ipv6", text, 0).literal, canonical)
    end
end)

-- Fields -----------------------------------------------------------------------------------------

case("fields can be written and read back", function()
    local four = system.address("ipv4")
    four.literal = "192.0.2.1"
    four.port = "8080"
    same({ four.literal, four.binary, four.port }, { "192.0.2.1", "\192\0\2\1", 8080 })
    four.binary = "\1\2\3\4"
    four.port = 65535
    equal(tostring(four), "1.2.3.4:65535")
    local six = system.address("ipv6")
    six.binary = memory.create(string.rep("\0", 15) .. "\1")
    equal(six.literal, "::1")
    six.literal = "fe80::2%lo"
    equal(six.literal, "fe80::2")
end)

case("fields refuse values they cannot hold, and keep the old one", function()
    local four = system.address("ipv4", "1.2.3.4:5")
    local function put(field, value) return function() four[field] = value end end
    for _, literal in ipairs { "", "::1", "localhost", "1.2.3" } do
        local message = fails(put("literal", literal), "invalid argument")
        ok(string.find(message, ":%d+: invalid argument$"), message)
    end
    fails(put("literal", {}), "bad argument #3 to 'newindex' (string expected, got table)")
    fails(put("literal", nil), "(string expected, got nil)")
    for _, bytes in ipairs { "", "\1\2\3", string.rep("\0", 16) } do
        fails(put("binary", bytes), "bad argument #3 to 'newindex' (wrong byte size)")
    end
    fails(put("binary", {}), "(string or memory expected, got table)")
    for _, port in ipairs { -1, 65536, math.mininteger } do
        fails(put("port", port), "bad argument #3 to 'newindex' (invalid port)")
    end
    fails(put("port", {}), "(number expected, got table)")
    fails(put("port", 1.5), "number has no integer representation")
    fails(put("type", "ipv6"), "bad argument #2 to 'newindex' (invalid option 'type')")
    fails(put("host", "x"), "bad argument #2 to 'newindex' (invalid option 'host')")
    equal(tostring(four), "1.2.3.4:5")
end)

case("other keys are invalid options", function()
    local four = system.address("ipv4")
    fails(function() return four.host end,
          "bad argument #2 to 'index' (invalid option 'host')")
    fails(function() return four[{}] end, "(string expected, got table)")
    fails(function() return four[true] end, "(string expected, got boolean)")
    fails(function() four[{}] = 1 end, "(string expected, got table)")
end)

case("addresses are equal when type, host and port are", function()
    local one = system.address("ipv4", "1.2.3.4:5")
    ok(one == system.address("ipv4", "1.2.3.4", 5))
    ok(one ~= system.address("ipv4", "1.2.3.4", 6))
    ok(one ~= system.address("ipv4", "1.2.3.5", 5))
    ok(one ~= system.address("ipv6", "::ffff:1.2.3.4", 5))
    ok(system.address("ipv4") ~= system.address("ipv6"))
    ok(not rawequal(one, system.address("ipv4", "1.2.3.4", 5)))
end)

case("the metatable is open and has four metamethods", function()
    local metatable = getmetatable(system.address("ipv4"))
    equal(metatable.__name, "coutil:netaddress")
    local names = {}
    for name in pairs(metatable) do names[#names + 1] = name end
    table.sort(names)
    equal(table.concat(names, " "), "__eq __index __name __newindex __tostring")
    local four = system.address("ipv4")
    metatable.__newindex(four, "port", 7)
    equal(metatable.__index(four, "port"), 7)
    fails(function() metatable.__index({}, "port") end, "coutil:netaddress expected, got table")
    fails(function() metatable.__tostring(io.stdout) end, "coutil:netaddress expected, got FILE*")
    equal(metatable.__eq(four, four), true)
    equal(metatable.__eq(four, 1), false)
    fails(function() return four .. "x" end, "concatenate")
    fails(function() return #four end, "length")
end)

-- Anything ---------------------------------------------------------------------------------------

-- Pieces that are more likely to come near a boundary than random bytes are.
local pieces <const> = {
    "1", "255", "256", ".", ":", "::", "[", "]", "]:", "%", "lo", "\0", "f", "ffff", "1.2.3.4",
    "65535", "65536", "0", "-", " ", "[::1]:80", string.rep("1", 46), string.rep(":", 46), "\255",
}

case("ten thousand arbitrary texts give an address or one of the known errors", function()
    math.randomseed(20260721)
    local known = { "invalid URI format", "invalid port", "invalid argument",
                    "invalid binary address", "invalid mode" }
    local accepted = 0
    for _ = 1, 10000 do
        local parts = {}
        for index = 1, math.random(0, 9) do parts[index] = pieces[math.random(#pieces)] end
        local text = table.concat(parts)
        local kind = math.random(2) == 1 and "ipv4" or "ipv6"
        local done, result
        if math.random(2) == 1 then
            done, result = pcall(system.address, kind, text)
        else
            done, result = pcall(system.address, kind, text, math.random(-1, 65536),
                                 math.random(4) == 1 and "b" or "t")
        end
        if done then
            accepted = accepted + 1
            ok(system.address(kind, tostring(result)) == result, text)
        else
            local found = false
            for _, message in ipairs(known) do
                found = found or string.find(result, message, 1, true)
            end
            ok(found, result)
        end
    end
    ok(accepted > 20, accepted)
end)

case("every address survives its own text", function()
    math.randomseed(7)
    for _ = 1, 2000 do
        local size = math.random(2) == 1 and 4 or 16
        local bytes = {}
        for index = 1, size do bytes[index] = math.random(3) == 1 and math.random(0, 255) or 0 end
        local made = system.address(size == 4 and "ipv4" or "ipv6",
                                    string.char(table.unpack(bytes)), math.random(0, 65535), "b")
        ok(system.address(made.type, tostring(made)) == made, tostring(made))
        ok(system.address(made.type, made.literal, made.port) == made, tostring(made))
    end
end)

suite.finish()
