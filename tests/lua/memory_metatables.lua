-- The metatables of memories, and what operators and finalizers do (behaviour 16.1, 16.2).

local suite = require "support.suite"
local memory = require "memory"
local memories = require "support.memories"

local case, equal, ok, fails = suite.case, suite.equal, suite.ok, suite.fails
local resizable = memories.resizable

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
