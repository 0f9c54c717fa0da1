-- The test framework of tests/lua: a script states its cases one after the other, each runs at
-- once, and suite.finish() tells the result. A case that leaves something behind has failed:
-- garbage is collected after each, no coroutine may be waiting, and no descriptor may be open that
-- was not before.

-- On the path of the tests the script memory.lua hides the module memory; so shared objects are
-- looked for first.
local searchers = package.searchers
searchers[2], searchers[3] = searchers[3], searchers[2]

local suite = {
    -- A script may set this to a function that returns the number of open descriptors. Pure Lua
    -- cannot count them without opening some.
    descriptors = nil,

    -- Whether the engine's own accounts are checked as well; see suite.strict.
    accounts = false,
}

local passed, skipped = 0, 0
local failures = {}

-- Thrown by suite.skip, and recognised by its metatable so that no program error looks like it.
local skipping = {}

local function show(value)
    if type(value) == "string" then
        return string.format("%q", value)
    end
    return tostring(value)
end

local function with(what, text)
    return what == nil and text or string.format("%s: %s", what, text)
end

-- Whether two numbers are one value and one subtype, as NaN is not to `==` and 1.0 is not to us.
local function identical(a, b)
    if a ~= a then
        return b ~= b
    end
    return rawequal(a, b) and math.type(a) == math.type(b)
end

local function trace(problem)
    if getmetatable(problem) == skipping then
        return problem
    end
    return debug.traceback(tostring(problem), 2)
end

-- What the case left behind, or nil when there is nothing.
local function leftovers(opened)
    collectgarbage()
    collectgarbage()
    local system = package.loaded["coutil.system"]
    if system ~= nil and system.run("ready") ~= false then
        return "coroutines are still waiting after the case"
    end
    if suite.accounts then
        for name, count in pairs(system.engine("counters")) do
            if name ~= "inkernel" and count ~= 0 then
                return string.format("%d %s after the case", count, name)
            end
        end
    end
    if suite.descriptors ~= nil then
        local open = suite.descriptors()
        if open ~= opened then
            return string.format("%d descriptors before the case, %d after it", opened, open)
        end
    end
    return nil
end

-- From now on each case must also leave the engine without operations and the process with the
-- descriptors it had. What the engine opens once and keeps is opened by support.net.
function suite.strict()
    local native = require "native"
    local loaded, problem = pcall(require, "coutil.system")
    if not loaded and string.find(problem, "cannot start: io_uring", 1, true) then
        print("skipped: " .. problem)
        os.exit(77)
    end
    require "support.net"
    -- Workers wake the engine by a descriptor that it keeps from the first call on.
    local system = require "coutil.system"
    local many = require("memory").create(65536)
    assert(coroutine.resume(coroutine.create(function() system.random(many) end)))
    assert(system.run() == false)
    suite.descriptors = function() return (select(2, native.descriptors())) end
    suite.accounts = true
    return suite
end

-- Runs the function as the case that proves the sentence `name`.
function suite.case(name, body)
    if os.getenv("COUTIL_TEST_VERBOSE") then
        io.stderr:write(name, "\n")
    end
    local opened = suite.descriptors ~= nil and suite.descriptors() or nil
    local done, problem = xpcall(body, trace)
    local checked, left = xpcall(leftovers, trace, opened)
    if done or getmetatable(problem) == skipping then
        if not checked or left ~= nil then
            failures[#failures + 1] = { name = name, problem = left }
            return
        end
    end
    if done then
        passed = passed + 1
    elseif getmetatable(problem) == skipping then
        skipped = skipped + 1
        print(string.format("skipped: %s (%s)", name, problem.reason))
    else
        failures[#failures + 1] = { name = name, problem = problem }
    end
end

-- Ends the case without a result.
function suite.skip(reason)
    error(setmetatable({ reason = reason }, skipping), 0)
end

-- Expects one and the same value; integers and floats differ.
function suite.equal(actual, expected, what)
    if not identical(actual, expected) then
        error(with(what, string.format("%s expected, got %s", show(expected), show(actual))), 2)
    end
end

local function compare(actual, expected, path)
    if type(actual) ~= "table" or type(expected) ~= "table" then
        if not identical(actual, expected) then
            return string.format("%s: %s expected, got %s", path, show(expected), show(actual))
        end
        return nil
    end
    for key, value in next, expected do
        local inner = string.format("%s[%s]", path, show(key))
        local problem = compare(rawget(actual, key), value, inner)
        if problem ~= nil then
            return problem
        end
    end
    for key, value in next, actual do
        if rawget(expected, key) == nil then
            return string.format("%s[%s]: nothing expected, got %s", path, show(key), show(value))
        end
    end
    return nil
end

-- Expects tables with the same keys and, at any depth, the same values.
function suite.same(actual, expected, what)
    local problem = compare(actual, expected, what or "value")
    if problem ~= nil then
        error(problem, 2)
    end
end

-- Expects a true value, and returns it.
function suite.ok(condition, what)
    if not condition then
        error(with(what, "a true value expected, got " .. show(condition)), 2)
    end
    return condition
end

-- Expects that the function raises an error whose text contains `text`, and returns the whole text.
function suite.fails(body, text)
    local done, problem = pcall(body)
    if done then
        error(string.format("error %q expected, but there was none", text), 2)
    end
    if getmetatable(problem) == skipping then
        error(problem, 0)
    end
    local message = tostring(problem)
    if not string.find(message, text, 1, true) then
        error(string.format("error %q expected, got %q", text, message), 2)
    end
    return message
end

-- Prints what failed and the counts, and ends the program.
function suite.finish()
    local script = string.match(arg and arg[0] or "suite", "([^/]+)$")
    local name = string.gsub(script, "%.lua$", "")
    for _, failure in ipairs(failures) do
        print(string.format("FAILED: %s\n%s", failure.name, failure.problem))
    end
    if skipped > 0 then
        print(string.format("%s: %d skipped", name, skipped))
    end
    print(string.format("%s: %d passed, %d failed", name, passed, #failures))
    if passed == 0 and skipped > 0 and #failures == 0 then
        os.exit(77, true) -- nothing was shown
    end
    os.exit(#failures == 0, true)
end

return suite
