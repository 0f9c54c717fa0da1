-- Memory runs out while states are made, resumed and closed, and while values pass between them:
-- the n-th request of any of them fails. Both sides are as before then, or the state is dead.

local suite = require("support.suite").strict()
local system = require "coutil.system"
local coroutines = require "coutil.coroutine"
local native = require "native"
local exhaust = require "support.exhaustion"

local case, equal, ok = suite.case, suite.equal, suite.ok

-- Runs the loop until nobody waits; a failure may have ended who was to go on.
local function drain()
    for _ = 1, 5000 do
        if not system.run("ready") then return end
        system.suspend(0.0001, "~")
    end
    error "it takes too long"
end

-- From the first resume on the engine keeps a descriptor for its workers.
coroutine.wrap(system.resume)(assert(coroutines.load "")) -- luacheck: ignore 113
drain()

local function plainly(body)
    assert(coroutine.resume(coroutine.create(body)))
end

case("states are made and closed", function()
    local count = exhaust(function()
        local co = assert(coroutines.load("return ...", "=name"))
        assert(co:close())
    end)
    ok(count > 100, count)
end)

case("a chunk that is not compiled costs nothing", function()
    exhaust(function()
        local co, problem = coroutines.load("x x", "=name")
        equal(co, false)
        ok(problem == "name:1: syntax error near 'x'" or problem == "not enough memory", problem)
        local missing
        missing, problem = coroutines.loadfile "/x"
        equal(missing, false)
        ok(problem == "cannot open /x: No such file or directory" or
           problem == "not enough memory", problem)
        assert(problem ~= "not enough memory", problem)
    end)
end)

case("preloaded functions are copied", function()
    package.preload.module = function() return { "module" } end
    exhaust(function()
        local co = assert(coroutines.load "return require'module'[1]")
        assert(co:close())
    end)
    package.preload.module = nil
end)

case("values pass to and fro", function()
    local long <const> = string.rep("long", 100)
    local co
    local count = exhaust(function(start)
        start = start or plainly
        local done, text, number, other
        start(function()
            local _
            _, done, text, number, other = pcall(system.resume, co, long, 1.5, "x")
        end)
        drain()
        -- Unless all came back, it was memory; and whoever fails is not lost.
        if done ~= true then
            error(done == false and text or done or "not enough memory", 0)
        end
        equal(text, long)
        equal(number, 1.5)
        equal(other, "x")
        equal(co:status(), "suspended")
    end, function()
        -- One of its own for each failure, which may be its end; it has the failing allocator too.
        native.failallocation(1 << 40)
        co = assert(coroutines.load [[
            local yield = require "coroutine".yield
            local function echo(...) return echo(yield(...)) end
            return echo(...)
        ]])
        plainly(function() system.resume(co, "first") end)
        drain()
    end)
    ok(count > 5, count)
end)

suite.finish()
