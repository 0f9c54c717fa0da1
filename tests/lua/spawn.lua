-- Coroutines with a handler for what becomes of them (behaviour 14.5).

local suite = require "support.suite"
local event = require "coutil.event"
local spawn = require "coutil.spawn"

local case, equal, ok, same = suite.case, suite.equal, suite.ok, suite.same

local function unexpected()
    error "the handler was called"
end

case("the module has the documented fields and no others", function()
    local names = {}
    for name in pairs(spawn) do names[#names + 1] = name end
    table.sort(names)
    same(names, { "catch", "trap" })
end)

case("both start the function at once, with its arguments, and return its coroutine", function()
    for _, name in ipairs { "catch", "trap" } do
        local given, thread
        local returned = table.pack(spawn[name](print, function(...)
            given = table.pack(...)
            thread = coroutine.running()
            coroutine.yield("discarded")
        end, 1, nil, 3, nil))
        equal(returned.n, 1)
        equal(type(returned[1]), "thread")
        equal(returned[1], thread)
        same(given, { n = 4, 1, nil, 3, nil })
        equal(coroutine.status(thread), "suspended")
        coroutine.close(thread)
    end
end)

case("catch calls no handler when there is no error", function()
    local thread = spawn.catch(unexpected, function() return 1, 2 end)
    equal(coroutine.status(thread), "dead")
end)

case("catch gives the error to its handler, as a value of any kind", function()
    local problem <const> = {}
    for _, value in ipairs { problem, "text", 42, false } do
        local given
        local thread = spawn.catch(function(...)
            given = table.pack(...)
        end, error, value, 0)
        same(given, { n = 1, value })
        equal(coroutine.status(thread), "dead")
    end
end)

-- Raises from a function whose name a traceback shows, and that has a variable to close.
local function raise_here(closed)
    local _ <close> = setmetatable({}, { __close = function() closed.done = true end })
    error "problem"
end

case("handlers run where the error was raised, before anything is unwound", function()
    for _, name in ipairs { "catch", "trap" } do
        local closed = { done = false }
        local trace, during, thread
        local returned = spawn[name](function()
            trace = debug.traceback()
            during = closed.done
            thread = coroutine.running()
        end, function() raise_here(closed) end)
        ok(string.find(trace, "raise_here", 1, true), trace)
        equal(during, false)
        equal(closed.done, true)
        equal(thread, returned)
    end
end)

case("trap gives true and the results to its handler, in the coroutine", function()
    local given, thread
    local returned = spawn.trap(function(...)
        given = table.pack(...)
        thread = coroutine.running()
    end, function(...) return ... end, nil, 2, nil)
    same(given, { n = 4, true, nil, 2, nil })
    equal(thread, returned)
    spawn.trap(function(...) given = table.pack(...) end, function() end)
    same(given, { n = 1, true })
end)

case("trap gives false and the error to its handler", function()
    local problem <const> = {}
    local given = {}
    local thread = spawn.trap(function(...)
        given[#given + 1] = table.pack(...)
    end, error, problem)
    same(given, { { n = 2, false, problem } })
    equal(coroutine.status(thread), "dead")
end)

case("functions wait freely, across errors later, too", function()
    local e = {}
    for _, name in ipairs { "catch", "trap" } do
        local given
        local thread = spawn[name](function(...) given = table.pack(...) end, function()
            local _, value = event.await(e)
            _, value = event.await(e, value)
            error(value, 0)
        end)
        event.emitone(e, 1)
        equal(given, nil)
        event.emitone(e, "late")
        same(given, name == "trap" and { n = 2, false, "late" } or { n = 1, "late" })
        equal(coroutine.status(thread), "dead")
    end
end)

case("the handler of trap may wait in the case of success", function()
    local e, finished = {}, false
    local thread = spawn.trap(function(done, value)
        equal(select(2, event.await(e)), "emitted")
        finished = done and value
    end, function() return "result" end)
    equal(coroutine.status(thread), "suspended")
    event.emitone(e, "emitted")
    equal(finished, "result")
end)

case("an error in the handler of trap kills the coroutine in silence, and calls nobody", function()
    local calls = 0
    local thread = spawn.trap(function()
        calls = calls + 1
        error "in the handler"
    end, function() end)
    equal(coroutine.status(thread), "dead")
    equal(calls, 1)
end)

case("an error in an error's handler kills the coroutine in silence", function()
    for _, name in ipairs { "catch", "trap" } do
        local thread = spawn[name](function() error "in the handler" end, error, "first")
        equal(coroutine.status(thread), "dead")
    end
end)

case("what cannot be called makes a dead coroutine, and nothing raises", function()
    for _, name in ipairs { "catch", "trap" } do
        for _, wrong in ipairs { 1, "x", {}, true } do
            equal(coroutine.status(spawn[name](wrong, error)), "dead")
            equal(coroutine.status(spawn[name](wrong, function() end)), "dead")
        end
        equal(coroutine.status(spawn[name]()), "dead")
        equal(coroutine.status(spawn[name](nil, nil)), "dead")
        local problem
        equal(coroutine.status(spawn[name](function(...)
            problem = select(select("#", ...), ...)
        end, "no function")), "dead")
        ok(string.find(problem, "attempt to call a string value"), problem)
    end
end)

case("whoever resumes the coroutine last sees what xpcall returns", function()
    local thread = spawn.catch(unexpected, function() return coroutine.yield() end)
    same(table.pack(coroutine.resume(thread, 1, nil)), { n = 4, true, true, 1, nil })
    thread = spawn.catch(function(problem) return "handled " .. problem end, function()
        error(coroutine.yield(), 0)
    end)
    same(table.pack(coroutine.resume(thread, "x")), { n = 3, true, false, "handled x" })
end)

suite.finish()
