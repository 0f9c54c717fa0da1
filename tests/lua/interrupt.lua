-- Signals while run sleeps: the interrupt of the stock interpreter ends a sleeping run with the
-- error that any Lua code would end with, and others go unnoticed.

local suite = require "support.suite"
local child = require "support.child"

local case, equal = suite.case, suite.equal

-- Sends the signal to this process until the shell is told to stop, in the background.
local bother <const> = child.prelude .. [[
local function bother(signal)
    os.execute(string.format("(for n in 1 2 3 4 5 6 7 8 9 10; do sleep 0.05; " ..
        "kill -%s %d 2>/dev/null || exit; done) >/dev/null 2>&1 &", signal, native.getpid()))
end
]]

-- The kills that follow the first would end the program: it ends well before them.
local once <const> = child.prelude .. [[
local function bother(signal)
    os.execute(string.format("(sleep 0.1; kill -%s %d) >/dev/null 2>&1 &", signal,
        native.getpid()))
end
]]

case("an interrupt while run sleeps raises interrupted! in the main program", function()
    local output = child.expect(once .. [[
local near, far = net.pair()
coroutine.wrap(function() far:read(memory.create(1)) end)()
bother("INT")
local done, problem = pcall(system.run)
print(done, (string.gsub(tostring(problem), "^.*: ", "")), system.isrunning())
]])
    equal(output, "false\tinterrupted!\tfalse\n")
end)

case("an interrupt while run sleeps until a deadline raises too", function()
    local output = child.expect(once .. [[
coroutine.wrap(system.suspend)(100)
bother("INT")
local done, problem = pcall(system.run)
print(done, (string.gsub(tostring(problem), "^.*: ", "")))
os.exit(0, true)
]])
    equal(output, "false\tinterrupted!\n")
end)

case("after an interrupt another run goes on where the first was", function()
    local output = child.expect(once .. [[
local near, far = net.pair()
local got
coroutine.wrap(function()
    local buffer = memory.create(8)
    got = buffer:tostring(1, far:read(buffer))
end)()
bother("INT")
print(pcall(system.run) == false)
coroutine.wrap(function() system.suspend(0.01) near:write("later") end)()
print(system.run(), got)
]])
    equal(output, "true\nfalse\tlater\n")
end)

case("an interrupt ends the interpreter as usual when nobody catches it", function()
    local output, how, code = child.run(once .. [[
coroutine.wrap(system.suspend)(100)
bother("INT")
system.run()
]])
    equal(how, "exit")
    equal(code, 1)
    equal(string.find(output, "interrupted!", 1, true) ~= nil, true)
end)

case("signals that are ignored or handled elsewhere do not disturb run", function()
    local output = child.expect(bother .. [[
bother("WINCH")
bother("CONT")
coroutine.wrap(function()
    system.time("updated")
    local start = system.nanosecs()
    system.suspend(0.4)
    print((system.nanosecs() - start) / 1e9 >= 0.4)
end)()
print(system.run())
]])
    equal(output, "true\nfalse\n")
end)

case("a step that was interrupted by a foreign signal still resumes somebody", function()
    local output = child.expect(bother .. [[
bother("CONT")
coroutine.wrap(function() system.suspend(0.3) print("resumed") end)()
print(system.run("step"))
]])
    equal(output, "resumed\nfalse\n")
end)

case("blocking suspension is not shortened by signals", function()
    local output = child.expect(bother .. [[
bother("CONT")
local start = system.nanosecs()
system.suspend(0.3, "~")
print((system.nanosecs() - start) / 1e9 >= 0.3)
]])
    equal(output, "true\n")
end)

suite.finish()
