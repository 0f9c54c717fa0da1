-- Manual: State Coroutines, system.resume (behaviour 1.4 to 1.7, 15.2, D28). What a state is made
-- of is in independent_state.lua; what many of them do to each other, and ends of processes, in
-- state_coroutine_pool.lua.

local suite = require("support.suite").strict()
local system = require "coutil.system"
local coroutines = require "coutil.coroutine"
local memory = require "memory"
local tasks = require "support.tasks"
local gates = require "support.gate"

local case, equal, same, ok, fails = suite.case, suite.equal, suite.same, suite.ok, suite.fails

local function load(text, ...)
    return assert(coroutines.load(gates.prelude .. text, ...))
end

local function resume(co, ...)
    return tasks.await(system.resume, co, ...)
end

-- The same with the number of results.
local function resumed(co, ...)
    return table.pack(resume(co, ...))
end

-- Starts the function in a coroutine that waits, and returns it.
local function start(body, ...)
    local task = coroutine.create(body)
    assert(coroutine.resume(task, ...))
    equal(coroutine.status(task), "suspended")
    return task
end

-- A resume that leaves at once: what the call returns without waiting, called where it could wait.
local function at_once(call, ...)
    local results
    local arguments = table.pack(...)
    local task = coroutine.create(function()
        results = table.pack(call(table.unpack(arguments, 1, arguments.n)))
    end)
    assert(coroutine.resume(task))
    equal(coroutine.status(task), "dead", "it waits")
    return results
end

local pointer = debug.upvalueid(at_once, 1) -- a light userdata

resume(load "") -- from the first one on the engine keeps a descriptor for its workers

-- Loading ------------------------------------------------------------------------------------

case("the module has four functions, which are the methods of its objects", function()
    local names = {}
    for name, value in pairs(coroutines) do
        equal(type(value), "function")
        names[#names + 1] = name
    end
    table.sort(names)
    same(names, { "close", "load", "loadfile", "status" })
    local co = load ""
    local class = getmetatable(co)
    equal(class.__name, "coutil:coroutine")
    equal(class.__index, coroutines)
    ok(class.__gc and class.__close)
    ok(string.match(tostring(co), "^coutil:coroutine: 0x"))
    equal(co:status(), "suspended")
    equal(co:close(), true)
end)

case("programs may add functions to the module", function()
    coroutines.twice = function(co) return co:status(), co:status() end
    local _ <close> = setmetatable({}, { __close = function() coroutines.twice = nil end })
    same({ load"":twice() }, { "suspended", "suspended" })
end)

case("loaded once more the module is the same table", function()
    local loaded = package.loaded["coutil.coroutine"]
    package.loaded["coutil.coroutine"] = nil
    equal(require "coutil.coroutine", loaded)
end)

case("chunks are strings, numbers or memories, but no functions", function()
    same(resumed(assert(coroutines.load "return 1")), { true, 1, n = 2 })
    local text = "return 2"
    local fixed = memory.create(text)
    same(resumed(assert(coroutines.load(fixed))), { true, 2, n = 2 })
    local resizable = memory.create()
    memory.resize(resizable, #text)
    memory.fill(resizable, text)
    same(resumed(assert(coroutines.load(resizable))), { true, 2, n = 2 })
    local done, message = coroutines.load(5)
    equal(done, false)
    ok(string.find(message, '[string "5"]:1:', 1, true), message)
    for _, wrong in ipairs { {}, print, true, io.stdout } do
        fails(function() coroutines.load(wrong) end, "string or memory expected, got ")
    end
    fails(function() coroutines.load() end,
          "bad argument #1 to 'load' (string or memory expected, got no value)")
    fails(function() coroutines.load("", {}) end, "bad argument #2 to 'load' (string expected")
    fails(function() coroutines.load("", "", {}) end, "bad argument #3 to 'load' (string expected")
end)

case("the name of a chunk is its text unless another one is given", function()
    local chunk = "require '_G' error 'oops'"
    local message = select(2, resume(assert(coroutines.load(chunk))))
    equal(message, '[string "require \'_G\' error \'oops\'"]:1: oops')
    message = select(2, resume(assert(coroutines.load(memory.create(chunk)))))
    equal(message, '[string "require \'_G\' error \'oops\'"]:1: oops')
    message = select(2, resume(assert(coroutines.load(chunk, "@name.lua"))))
    equal(message, "name.lua:1: oops")
    message = select(2, resume(assert(coroutines.load(chunk, nil, nil))))
    ok(string.find(message, '[string "require', 1, true))
end)

case("the mode says whether chunks may be text or binary", function()
    local binary = string.dump(function(...) return ... end)
    same(table.pack(coroutines.load("", "=x", "b")),
         { false, "attempt to load a text chunk (mode is 'b')", n = 2 })
    same(table.pack(coroutines.load(binary, "=x", "t")),
         { false, "attempt to load a binary chunk (mode is 't')", n = 2 })
    same(resumed(assert(coroutines.load(binary, nil, "b")), 1, 2), { true, 1, 2, n = 3 })
    same(resumed(assert(coroutines.load(memory.create(binary))), 3), { true, 3, n = 2 })
end)

case("a chunk that cannot be compiled is a failure with two values", function()
    local results = table.pack(coroutines.load("x x", "=name"))
    same(results, { false, "name:1: syntax error near 'x'", n = 2 })
end)

case("chunks are loaded from files", function()
    local path <const> = os.tmpname()
    local _ <close> = setmetatable({}, { __close = function() os.remove(path) end })
    local file = assert(io.open(path, "w"))
    file:write("#!shebang\nreturn 'file', ...")
    file:close()
    same(resumed(assert(coroutines.loadfile(path)), 7), { true, "file", 7, n = 3 })
    same(table.pack(coroutines.loadfile(path, "b")),
         { false, "attempt to load a text chunk (mode is 'b')", n = 2 })
    same(table.pack(coroutines.loadfile("/x")),
         { false, "cannot open /x: No such file or directory", n = 2 })
    fails(function() coroutines.loadfile({}) end, "bad argument #1 to 'loadfile' (string expected")
    fails(function() coroutines.loadfile("/x", {}) end,
          "bad argument #2 to 'loadfile' (string expected")
end)

-- Values -------------------------------------------------------------------------------------

case("values of every transferable type keep type, subtype and count", function()
    local co = load [[
        local yield = require "coroutine".yield
        local function echo(...) return echo(yield(...)) end
        return echo(...)
    ]]
    local long = string.rep("\0\255long", 300000)
    local sets = {
        table.pack(), table.pack(nil), table.pack(nil, nil), table.pack(1, nil),
        table.pack(true, false, 0, 0.0, -0.0, 1, 1.0, math.mininteger, math.maxinteger),
        table.pack(math.huge, -math.huge, 0 / 0, 2 ^ 53), table.pack("", "a\0b", long, "1"),
        table.pack(pointer, nil, pointer),
    }
    local many = { n = 1000 }
    for index = 1, 1000 do many[index] = index end
    sets[#sets + 1] = many
    for _, set in ipairs(sets) do
        local results = resumed(co, table.unpack(set, 1, set.n))
        equal(results.n, set.n + 1)
        equal(results[1], true)
        for index = 1, set.n do
            equal(results[index + 1], set[index])
            if set[index] == 0 then
                equal(1 / results[index + 1], 1 / set[index]) -- the sign of zero
            end
        end
    end
end)

case("a chunk that yields or returns nothing gives just true", function()
    local co = load "require 'coroutine'.yield()"
    same(resumed(co), { true, n = 1 })
    same(resumed(co), { true, n = 1 })
    equal(co:status(), "dead")
end)

case("arguments that cannot be transferred are refused at once, with their place", function()
    local co = load "return ..."
    for _, value in ipairs { {}, print, coroutine.create(print), io.stdout } do
        same(at_once(system.resume, co, value),
             { false, ("unable to transfer argument #2 (got %s)"):format(type(value)), n = 2 })
        same(at_once(system.resume, co, nil, "text", value, {}),
             { false, ("unable to transfer argument #4 (got %s)"):format(type(value)), n = 2 })
        equal(co:status(), "suspended")
    end
    same(resumed(co, 1), { true, 1, n = 2 })
end)

case("results that cannot be transferred are dropped, with the place of the first", function()
    local co = load [[
        local yield = require "coroutine".yield
        local got = yield({})
        got = yield(1, nil, print, {})
        got = yield(got)
        return got, yield
    ]]
    same(resumed(co), { false, "unable to transfer return value #1 (got table)", n = 2 })
    equal(co:status(), "suspended")
    same(resumed(co, 1), { false, "unable to transfer return value #3 (got function)", n = 2 })
    same(resumed(co, "kept"), { true, "kept", n = 2 })
    same(resumed(co, 2), { false, "unable to transfer return value #2 (got function)", n = 2 })
    equal(co:status(), "dead")
    same(table.pack(co:close()), { true, n = 1 })
end)

case("errors keep the type of their value if it can be transferred", function()
    for _, set in ipairs {
        { "'text'", "text" }, { "5", 5 }, { "5.0", 5.0 }, { "nil", nil }, { "false", false },
    } do
        local co = load(("error(%s, 0)"):format(set[1]))
        same(resumed(co), { false, set[2], n = 2 })
        equal(co:status(), "dead")
    end
    same(resumed(load "error {}"), { false, "unable to transfer error (got table)", n = 2 })
    same(resumed(load "error(print)"), { false, "unable to transfer error (got function)", n = 2 })
    local co = load("local x = nil; x()", "=chunk")
    same(resumed(co), { false, "chunk:7: attempt to call a nil value (local 'x')", n = 2 })
end)

case("what C functions keep on the stack while the chunk is suspended stays there", function()
    local co = load [[
        local table = require "table"
        local yield = require "coroutine".yield
        local object = setmetatable({}, { __index = function(_, name) return yield(name) end,
                                          __add = function(_, number) return yield(number) end })
        local function iterator() return yield("next") end
        local collected = { pcall(function() return object.field, object + 1 end) }
        for value in iterator do collected[#collected + 1] = value end
        collected[#collected + 1] = select(2, pcall(error, (yield "error")))
        return table.unpack(collected)
    ]]
    same(resumed(co), { true, "field", n = 2 })
    same(resumed(co, "a"), { true, 1, n = 2 })
    same(resumed(co, "b"), { true, "next", n = 2 })
    same(resumed(co, "c"), { true, "next", n = 2 })
    same(resumed(co), { true, "error", n = 2 })
    same(resumed(co, "d"), { true, true, "a", "b", "c", "d", n = 6 })
end)

-- Checks -------------------------------------------------------------------------------------

case("resume checks type, running, dead, whether it can wait, and then the arguments", function()
    local gate <close> = gates.create()
    local co = load "pass(...)"
    fails(function() system.resume() end,
          "bad argument #1 to 'resume' (coutil:coroutine expected, got no value)")
    fails(function() system.resume(coroutine.create(print), {}) end,
          "coutil:coroutine expected, got thread")
    fails(function() system.resume(io.stdout) end, "coutil:coroutine expected, got FILE*")
    fails(function() system.resume(co) end, "unable to yield")
    fails(function() system.resume(co, {}) end, "unable to yield")
    start(system.resume, co, gate.path)
    same(table.pack(system.resume(co, {})), { false, "cannot resume running coroutine", n = 2 })
    gate:open()
    equal(system.run(), false)
    same(table.pack(system.resume(co, {})), { false, "cannot resume dead coroutine", n = 2 })
end)

case("status says running from the call until the loop has heard of the end", function()
    local gate <close> = gates.create()
    local co = load "pass(...) require 'coroutine'.yield() error 'x'"
    equal(co:status(), "suspended")
    local during
    tasks.spawn(function()
        system.resume(co, gate.path)
        during = co:status()
    end)
    equal(co:status(), "running")
    gate:open()
    equal(system.run(), false)
    equal(during, "suspended")
    resume(co)
    equal(co:status(), "dead")
    fails(function() coroutines.status({}) end, "coutil:coroutine expected, got table")
end)

case("a second resume of one that runs is refused, also when it was left", function()
    local gate <close> = gates.create()
    local co = load "pass(...) return 1"
    local task = start(function(...) return "left", system.resume(...) end, co, gate.path)
    same(at_once(system.resume, co), { false, "cannot resume running coroutine", n = 2 })
    gate:await()
    same({ coroutine.resume(task, 2, nil) }, { true, "left", 2 })
    same(at_once(system.resume, co), { false, "cannot resume running coroutine", n = 2 })
    gate:open()
    equal(system.run(), false)
    same(at_once(system.resume, co), { false, "cannot resume dead coroutine", n = 2 })
end)

-- Leaving ------------------------------------------------------------------------------------

case("one that was left goes on, its results are dropped, and it keeps run alive", function()
    local gate <close> = gates.create()
    local co = load "local got = require 'coroutine'.yield(pass(...)) return got"
    local task = start(system.resume, co, gate.path)
    gate:await()
    same(table.pack(coroutine.resume(task, 1, nil, 3, nil)), { true, 1, nil, 3, nil, n = 5 })
    equal(co:status(), "running")
    equal(system.engine("counters").goingon, 1)
    equal(system.run("ready"), true)
    gate:open()
    equal(system.run(), false)
    equal(co:status(), "suspended")
    same(resumed(co, "next"), { true, "next", n = 2 })
end)

case("an error that nobody waited for is told by close", function()
    local gate <close> = gates.create()
    local co = load("pass(...) error('missed', 0)")
    local task = start(system.resume, co, gate.path)
    gate:await()
    coroutine.resume(task)
    gate:open()
    equal(system.run(), false)
    equal(co:status(), "dead")
    same(table.pack(co:close()), { false, "missed", n = 2 })
    same(table.pack(co:close()), { true, n = 1 })
end)

case("closing the coroutine that waits leaves as an explicit resume does", function()
    local gate <close> = gates.create()
    local co = load "pass(...) return 1"
    local task = start(system.resume, co, gate.path)
    gate:await()
    ok(coroutine.close(task))
    equal(co:status(), "running")
    gate:open()
    equal(system.run(), false)
    equal(co:status(), "dead")
end)

case("whoever left may wait anew at once", function()
    local gate <close> = gates.create()
    local one, other = load "pass(...)", load "return ..."
    local task = start(function()
        equal(system.resume(one, gate.path), "left")
        same(table.pack(system.resume(other, 1)), { true, 1, n = 2 })
        equal(system.suspend(), true)
        return "end"
    end)
    gate:await()
    assert(coroutine.resume(task, "left"))
    gate:open()
    equal(system.run(), false)
    equal(coroutine.status(task), "dead")
    equal(one:status(), "dead")
end)

-- Closing ------------------------------------------------------------------------------------

-- A file whose bytes tell what ran in other states.
local function journal()
    local path = os.tmpname()
    local self = { path = path }
    function self.read()
        local file <close> = assert(io.open(path))
        return (file:read("a"))
    end
    return setmetatable(self, { __close = function() os.remove(path) end })
end

local writing <const> = [[
local path = ...
local function note(text)
    local file = require"io".open(path, "a")
    file:write(text)
    file:close()
end
local function closing(text, problem)
    return setmetatable({}, { __close = function(_, why)
        note(text .. "(" .. tostring(why) .. ")")
        if problem then error(problem, 0) end
    end })
end
local function collected(text)
    return setmetatable({}, { __gc = function() note(text) end })
end
local yield = require "coroutine".yield
]]

case("one that runs cannot be closed", function()
    local gate <close> = gates.create()
    local co = load "pass(...)"
    start(system.resume, co, gate.path)
    fails(function() coroutines.close(co) end,
          "bad argument #1 to 'close' (cannot close a running coroutine)")
    fails(function() co:close() end,
          "calling 'close' on bad self (cannot close a running coroutine)")
    gate:open()
    equal(system.run(), false)
    equal(co:close(), true)
    fails(function() coroutines.close({}) end, "coutil:coroutine expected, got table")
end)

case("close ends a state here and now: first its pending variables, then its finalizers", function()
    local log <close> = journal()
    local co = load(writing .. [[
        kept = collected "c"
        local a <close> = closing "a"
        local b <close> = closing "b"
        yield()
    ]])
    resume(co, log.path)
    same(table.pack(co:close()), { true, n = 1 })
    equal(log.read(), "b(nil)a(nil)c")
    equal(co:status(), "dead")
    same(at_once(system.resume, co), { false, "cannot resume dead coroutine", n = 2 })
    same(table.pack(co:close()), { true, n = 1 })
    equal(log.read(), "b(nil)a(nil)c")
end)

case("one that has not begun, and one that has ended, can be closed", function()
    local log <close> = journal()
    same(table.pack(load"error 'never'":close()), { true, n = 1 })
    local co = load(writing .. "kept = collected 'c' return 1")
    resume(co, log.path)
    equal(log.read(), "")
    same(table.pack(co:close()), { true, n = 1 })
    equal(log.read(), "c")
end)

case("an error closes pending variables, whose error takes its place", function()
    local log <close> = journal()
    local co = load(writing .. "local a <close> = closing 'a' error('x', 0)")
    same(resumed(co, log.path), { false, "x", n = 2 })
    equal(log.read(), "a(x)")
    same(table.pack(co:close()), { false, "x", n = 2 })
    co = load(writing .. "local a <close> = closing('b', 'y') error('x', 0)")
    same(resumed(co, log.path), { false, "y", n = 2 })
    equal(log.read(), "a(x)b(x)")
    same(table.pack(co:close()), { false, "y", n = 2 })
    same(table.pack(co:close()), { true, n = 1 })
end)

case("an error of variables that close closes is what close returns, once", function()
    local log <close> = journal()
    for _, problem in ipairs { "'y'", "{}" } do
        local co = load(writing .. ("local a <close> = closing('a', %s) yield()"):format(problem))
        resume(co, log.path)
        same(table.pack(co:close()),
             { false, problem == "{}" and "unable to transfer error (got table)" or "y", n = 2 })
        same(table.pack(co:close()), { true, n = 1 })
    end
    equal(log.read(), "a(nil)a(nil)")
end)

case("close tells of an error that cannot be transferred", function()
    local co = load "error {}"
    resume(co)
    same(table.pack(co:close()), { false, "unable to transfer error (got table)", n = 2 })
    same(table.pack(co:close()), { true, n = 1 })
end)

case("leaving its scope closes one that is suspended", function()
    local log <close> = journal()
    local other
    do
        local co <close> = load(writing .. "local a <close> = closing 'a' yield()")
        other = co
        resume(co, log.path)
    end
    equal(log.read(), "a(nil)")
    equal(other:status(), "dead")
    same(table.pack(other:close()), { true, n = 1 })
end)

case("one that runs when its scope is left is closed when it has stopped", function()
    local log <close> = journal()
    local gate <close> = gates.create()
    local other, task
    do
        local co <close> = load(writing .. [[
            local a <close> = closing 'a'
            pass(select(2, ...))
            yield()
        ]])
        other = co
        task = start(function() return system.resume(co, log.path, gate.path) end)
        gate:await()
    end
    equal(other:status(), "running")
    gate:open()
    equal(system.run(), false)
    equal(coroutine.status(task), "dead")
    equal(log.read(), "a(nil)")
    equal(other:status(), "dead")
end)

case("one that nobody refers to is closed by its finalizer", function()
    local log <close> = journal()
    resume(load(writing .. "local a <close> = closing 'a' kept = collected 'c' yield()"), log.path)
    collectgarbage()
    collectgarbage()
    equal(log.read(), "a(nil)c")
end)

case("while a coroutine waits for it, a state coroutine is not collected", function()
    local gate <close> = gates.create()
    local weak = setmetatable({ load "pass(...) return 1" }, { __mode = "v" })
    local results
    start(function() results = table.pack(system.resume(weak[1], gate.path)) end)
    collectgarbage()
    collectgarbage()
    ok(weak[1])
    gate:open()
    equal(system.run(), false)
    same(results, { true, 1, n = 2 })
end)

case("one that runs when nobody refers to it any more is released when it has stopped", function()
    local log <close> = journal()
    local gate <close> = gates.create()
    local weak = setmetatable({ load(writing .. [[
        kept = collected "c"
        pass(select(2, ...))
        note "p"
        yield()
    ]]) }, { __mode = "v" })
    local task = start(function() system.resume(weak[1], log.path, gate.path) end)
    gate:await()
    coroutine.resume(task)
    collectgarbage()
    collectgarbage()
    equal(weak[1], nil)
    equal(log.read(), "")
    gate:open()
    equal(system.run(), false)
    equal(log.read(), "pc")
end)

case("a finalizer that finds a finalized one finds it dead", function()
    local seen
    do
        local co = load ""
        -- Marked after the coroutine, so finalized before it; what it keeps is called later.
        local early = setmetatable({ co = co }, { __gc = function(self)
            seen = self
        end })
        early.self = early
    end
    collectgarbage()
    collectgarbage()
    equal(seen.co:status(), "dead")
    same(table.pack(seen.co:close()), { true, n = 1 })
    same(at_once(system.resume, seen.co), { false, "cannot resume dead coroutine", n = 2 })
end)

-- Await functions in the chunk ------------------------------------------------------------------

case("an await function called by the chunk itself suspends the whole state coroutine", function()
    local co = load [[
        local table = require "table"
        local system = require "coutil.system"
        local first = table.pack(system.suspend(100))
        local second = table.pack(system.suspend())
        return first.n, first[1], second.n, second[1], second[2], system.run()
    ]]
    same(resumed(co), { true, n = 1 })
    same(resumed(co, "a"), { true, n = 1 })
    equal(co:status(), "suspended")
    same(resumed(co, "b", "c"), { true, 1, "a", 2, "b", "c", false, n = 7 })
end)

case("one that is closed while its chunk waits leaves nothing behind", function()
    for _, call in ipairs { "suspend(100)", "suspend()", "findaddr 'localhost'" } do
        local co = load("require 'coutil.system'." .. call)
        same(resumed(co), { true, n = 1 })
        same(table.pack(co:close()), { true, n = 1 })
    end
end)

suite.finish()
