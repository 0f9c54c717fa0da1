-- The environment of the process, and packed ones (behaviour 10.2, 10.3, D16).

local suite = require("support.suite").strict()
local system = require "coutil.system"
local shell = require "support.shell"

local case, equal, same, ok, fails = suite.case, suite.equal, suite.same, suite.ok, suite.fails

local name <const> = "CORING_TEST_VARIABLE"
local absent <const> = table.pack(false, "no such file or directory", 2)
local invalid <const> = table.pack(false, "invalid argument", 22)

-- One variable ------------------------------------------------------------------------------------

case("a variable that was set is had back, by us, by Lua and by children", function()
    for _, value in ipairs { "value", "", "a=b", " ", "\255\1", string.rep("long ", 100) } do
        equal(system.setenv(name, value), true)
        equal(system.getenv(name), value)
        equal(os.getenv(name), value)
        equal(shell.output("printf %s \"$" .. name .. "\""), value)
    end
    equal(system.setenv(name, nil), true)
    same(table.pack(system.getenv(name)), absent)
    equal(os.getenv(name), nil)
end)

case("values of any length are had back", function()
    for _, size in ipairs { 1022, 1023, 1024, 1025, 4096, 1000000 } do
        equal(system.setenv(name, string.rep("x", size)), true)
        equal(system.getenv(name), string.rep("x", size))
    end
    system.setenv(name, nil)
end)

case("numbers are texts, and texts end at a zero byte", function()
    equal(system.setenv(name, 1.5), true)
    equal(system.getenv(name), "1.5")
    equal(system.setenv(name .. "\0rest", "a\0b"), true)
    equal(system.getenv(name), "a")
    equal(system.getenv(name .. "\0other"), "a")
    equal(system.setenv(12345, 67), true)
    equal(system.getenv("12345"), "67")
    equal(system.getenv(12345), "67")
    system.setenv(12345, nil)
    system.setenv(name, nil)
end)

case("a variable that is not set is a failure, and removing it is none", function()
    same(table.pack(system.getenv(name)), absent)
    same(table.pack(system.getenv("")), absent)
    equal(system.setenv(name, nil), true)
    equal(select("#", system.setenv(name, nil)), 1)
end)

case("names that no variable can have are a failure", function()
    for _, wrong in ipairs { "", "=", "a=b", "=a" } do
        same(table.pack(system.setenv(wrong, "x")), invalid)
        same(table.pack(system.setenv(wrong, nil)), invalid)
    end
end)

case("setenv wants a name, and a value that is given", function()
    equal(fails(function() system.setenv(name) end, "bad argument"):match("bad argument.*"),
          "bad argument #2 to 'setenv' (string expected, got no value)")
    fails(function() system.setenv(name, {}) end, "bad argument #2 to 'setenv' (string expected")
    fails(function() system.setenv(name, true) end, "string expected, got boolean")
    fails(function() system.setenv() end, "bad argument #1 to 'setenv' (string expected")
    fails(function() system.setenv(nil, {}) end, "bad argument #1 to 'setenv' (string expected")
    same(table.pack(system.getenv(name)), absent)
end)

case("getenv wants a name, a table or nothing", function()
    equal(fails(function() system.getenv(nil) end, "bad argument"):match("bad argument.*"),
          "bad argument #1 to 'getenv' (string expected, got nil)")
    fails(function() system.getenv(true) end, "string expected, got boolean")
    fails(function() system.getenv(print) end, "string expected, got function")
end)

-- All of them -------------------------------------------------------------------------------------

-- What `env` lists, which is the environment of a child.
local function by_env()
    local variables = {}
    for text in string.gmatch(shell.expect("env -0"), "([^\0]+)\0") do
        local key, value = string.match(text, "^([^=]*)=(.*)$")
        variables[key] = value
    end
    variables._ = nil -- the shell's own
    return variables
end

case("without a name all variables are told", function()
    system.setenv(name, "two\nlines=and more")
    local all = system.getenv()
    equal(all[name], "two\nlines=and more")
    local expected = by_env()
    expected._, all._, all.PWD, expected.PWD = nil, nil, nil, nil
    expected.OLDPWD, all.OLDPWD, expected.SHLVL, all.SHLVL = nil, nil, nil, nil
    same(all, expected)
    for key, value in pairs(all) do equal(system.getenv(key), value) end
    system.setenv(name, nil)
    equal(system.getenv()[name], nil)
end)

case("variables are added to a table that is given, in the ordinary way", function()
    local given <const> = { [name] = "stays", other = 1, HOME = false }
    equal(system.getenv(given), given)
    equal(given[name], "stays")
    equal(given.other, 1)
    equal(given.HOME, system.getenv("HOME") or false)
    local seen <const> = {}
    local watched <const> = setmetatable({}, { __newindex = function(_, key, value)
        seen[key] = value
    end })
    equal(system.getenv(watched), watched)
    equal(next(watched), nil)
    same(seen, system.getenv())
    fails(function()
        system.getenv(setmetatable({}, { __newindex = function() error("no", 0) end }))
    end, "no")
end)

-- Packed ------------------------------------------------------------------------------------------

case("what was packed is had back by name, and as a table", function()
    local variables <const> = { A = "1", B = "", C = "x=y", [name] = string.rep("v", 100000) }
    local packed <const> = system.packenv(variables)
    for key, value in pairs(variables) do equal(packed[key], value) end
    same(system.unpackenv(packed), variables)
    equal(packed.D, nil)
    equal(packed[""], nil)
    equal(packed["A\0B"], "1")
    equal(select("#", packed.D), 1)
end)

case("an empty environment has nothing", function()
    local packed <const> = system.packenv({})
    equal(packed.A, nil)
    same(system.unpackenv(packed), {})
end)

case("the names of an environment are not mixed up", function()
    local packed <const> = system.packenv({ AB = "ab", A = "a", ABC = "abc", [""] = "empty" })
    equal(packed.A, "a")
    equal(packed.AB, "ab")
    equal(packed.ABC, "abc")
    equal(packed.B, nil)
    equal(packed.ABCD, nil)
    equal(packed[""], "empty")
end)

case("many variables are packed", function()
    local variables <const> = {}
    for index = 1, 2000 do variables["V" .. index] = tostring(index * index) end
    same(system.unpackenv(system.packenv(variables)), variables)
end)

case("numbers become texts, and the table is left as it was", function()
    local variables <const> = { 10, 2.5, [3.5] = "x", A = 7, [-1] = "minus" }
    local copy <const> = { 10, 2.5, [3.5] = "x", A = 7, [-1] = "minus" }
    local packed <const> = system.packenv(variables)
    same(variables, copy)
    same(system.unpackenv(packed),
         { ["1"] = "10", ["2"] = "2.5", ["3.5"] = "x", A = "7", ["-1"] = "minus" })
    equal(packed[1], "10")
    equal(packed[3.5], "x")
end)

case("names and values end at a zero byte", function()
    local packed <const> = system.packenv({ ["A\0B=C"] = "1\0002" })
    same(system.unpackenv(packed), { A = "1" })
end)

case("metamethods of the table are not used", function()
    local function never() error("used") end
    same(system.unpackenv(system.packenv(setmetatable({ A = "1" }, {
        __index = never, __pairs = never, __len = never, __newindex = never,
    }))), { A = "1" })
end)

case("of a name that is there twice the same value counts everywhere", function()
    local packed <const> = system.packenv({ [1] = "number", ["1"] = "string" })
    local value <const> = packed["1"]
    ok(value == "number" or value == "string")
    equal(system.unpackenv(packed)["1"], value)
end)

case("names and values that cannot be in an environment are refused", function()
    for _, wrong in ipairs { { ["a=b"] = "x" }, { ["="] = "x" }, { ["=a"] = "x" } } do
        local key = next(wrong)
        equal(fails(function() system.packenv(wrong) end, "bad name"):match("bad name.*"),
              "bad name '" .. key .. "' in environment (cannot contain '=')")
        ok(string.find(fails(function() system.packenv(wrong) end, ""), "environment.lua:%d+: bad"))
    end
    for _, value in ipairs { {}, true, print } do
        equal(fails(function() system.packenv({ A = value }) end, "bad name"):match("bad name.*"),
              "bad name 'A' in environment (cannot contain '=')")
        equal(fails(function() system.packenv({ [2] = value }) end, "bad name"):match("bad name.*"),
              "bad name '2' in environment (cannot contain '=')")
    end
    for _, key in ipairs { true, {}, print, coroutine.create(print) } do
        fails(function() system.packenv({ [key] = "x" }) end,
              "bad name '" .. type(key) .. "' in environment")
    end
    fails(function() system.packenv() end, "bad argument #1 to 'packenv' (table expected")
    fails(function() system.packenv("A=1") end, "table expected, got string")
    local packed <const> = system.packenv({})
    fails(function() system.packenv(packed) end, "table expected, got coutil:procesenv")
end)

case("a packed environment is asked for names only", function()
    local packed <const> = system.packenv({ A = "1" })
    equal(fails(function() return packed["A=1"] end, "bad argument"):match("bad argument.*"),
          "bad argument #2 to 'index' (cannot contain '=')")
    fails(function() return packed[{}] end, "bad argument #2 to 'index' (string expected")
    fails(function() return packed[true] end, "string expected, got boolean")
    fails(function() packed.A = "2" end, "attempt to index")
    fails(function() return #packed end, "attempt to get length")
    fails(function() return next(packed) end, "table expected")
    equal(packed.A, "1")
end)

case("its metatable is open and has one metamethod", function()
    local packed <const> = system.packenv({ A = "1" })
    local metatable <const> = getmetatable(packed)
    local names = {}
    for key in pairs(metatable) do names[#names + 1] = key end
    table.sort(names)
    same(names, { "__index", "__name" })
    equal(metatable.__name, "coutil:procesenv")
    ok(string.find(tostring(packed), "^coutil:procesenv: 0x"))
    equal(metatable.__index(packed, "A"), "1")
    fails(function() metatable.__index({}, "A") end, "coutil:procesenv expected, got table")
    fails(function() metatable.__index(io.stdout, "A") end, "coutil:procesenv expected, got FILE*")
end)

case("unpackenv adds to a table in the ordinary way", function()
    local packed <const> = system.packenv({ A = "1", B = "2" })
    local given <const> = { A = 0, C = 3 }
    equal(system.unpackenv(packed, given), given)
    same(given, { A = "1", B = "2", C = 3 })
    local seen <const> = {}
    system.unpackenv(packed, setmetatable({}, { __newindex = function(_, key, value)
        seen[key] = value
        collectgarbage()
    end }))
    same(seen, { A = "1", B = "2" })
end)

case("unpackenv wants an environment, and a table if anything", function()
    local packed <const> = system.packenv({})
    equal(fails(function() system.unpackenv(packed, nil) end, "bad"):match("bad argument.*"),
          "bad argument #2 to 'unpackenv' (table expected, got nil)")
    fails(function() system.unpackenv(packed, 1) end, "table expected, got number")
    fails(function() system.unpackenv() end, "coutil:procesenv expected, got no value")
    fails(function() system.unpackenv({}, nil) end,
          "bad argument #1 to 'unpackenv' (coutil:procesenv expected, got table)")
end)

case("a finalizer that changes the table while it is packed does no harm", function()
    local variables <const> = {}
    for index = 1, 500 do variables[index + 0.5] = index end
    collectgarbage("generational")
    for round = 1, 20 do
        setmetatable({}, { __gc = function() variables["F" .. round] = string.rep("x", round) end })
        -- Lua may notice that it was changed, and says so.
        local done, packed = pcall(system.packenv, variables)
        ok(done or string.find(packed, "invalid key to 'next'", 1, true), packed)
        if done then equal(packed["1.5"], "1") end
    end
    collectgarbage("incremental")
end)

suite.finish()
