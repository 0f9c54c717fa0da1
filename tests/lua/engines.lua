-- Which engine runs, and who says so (behaviour A14, D48, decision 1; system.engine is ours):
-- COUTIL_ENGINE, the fallback where io_uring is refused, loading twice and from package.preload.
-- Each case is a child interpreter of its own.

local suite = require "support.suite"
local child = require "support.child"

local case, equal, ok = suite.case, suite.equal, suite.ok

local tell <const> = [[
local system = require "coutil.system"
local parts = table.pack(system.engine())
for index = 1, parts.n do parts[index] = tostring(parts[index]) end
print(table.concat(parts, "|"))
]]

local work <const> = tell .. child.prelude .. [[
local near, far = net.pair()
tasks.spawn(function() assert(near:write("hello")) assert(near:shutdown()) end)
tasks.spawn(function() system.suspend(0.002) print(net.read_all(far)) end)
tasks.run()
]]

local function run(chunk, engine, wrap)
    return child.run(chunk, { environment = { COUTIL_ENGINE = engine }, wrap = wrap })
end

local without_uring <const> = os.getenv("COUTIL_TEST_WITHOUT_URING")
local refused_here <const> = not string.find(run(tell, "auto"), "^uring")

-- Words that refuse io_uring to the command that follows them.
local function refusing(code)
    if not without_uring then
        suite.skip("COUTIL_TEST_WITHOUT_URING does not name the tool without_uring")
    end
    return "'" .. without_uring .. "' --errno " .. code .. " --"
end

-- The errors a filter may answer, and what they read like.
local refusals <const> = {
    EPERM = "operation not permitted",
    ENOSYS = "function not implemented",
}

local function needs_uring()
    if refused_here then suite.skip("io_uring is refused here") end
end

case("auto, nothing and the empty word take io_uring where it is allowed", function()
    needs_uring()
    for _, engine in ipairs { "auto", false, "" } do
        equal(run(work, engine), "uring\nhello\n")
    end
end)

case("uring insists on io_uring", function()
    needs_uring()
    equal(run(work, "uring"), "uring\nhello\n")
end)

case("epoll is taken when asked for, and says so", function()
    equal(run(work, "epoll"), "epoll|requested\nhello\n")
end)

case("an unknown engine acts as auto with one warning", function()
    needs_uring()
    local warning = "Lua warning: [coutil] COUTIL_ENGINE is neither auto, uring nor epoll: " ..
                    "using auto\n"
    for _, engine in ipairs { "fast", "URING", "uring " } do
        local chunk = 'warn("@on")\n' .. work .. [[
package.loaded["coutil.system"] = nil
require "coutil.system"
]]
        equal(run(chunk, engine), warning .. "uring\nhello\n")
        equal(run(work, engine), "uring\nhello\n")
    end
end)

case("where io_uring is refused auto falls back by itself and says why", function()
    for code, text in pairs(refusals) do
        for _, engine in ipairs { "auto", false, "other" } do
            equal(run(work, engine, refusing(code)), "epoll|" .. text .. "\nhello\n")
        end
    end
end)

case("epoll needs no io_uring", function()
    equal(run(work, "epoll", refusing "EPERM"), "epoll|requested\nhello\n")
end)

case("uring that is refused raises when the module is required", function()
    for code, text in pairs(refusals) do
        local output = run([[
local done, problem = pcall(require, "coutil.system")
print(done, problem)
print(pcall(require, "coutil.system"))
]], "uring", refusing(code))
        local line = "false\tcoutil.system cannot start: io_uring: " .. text .. "\n"
        equal(output, line .. line)
    end
end)

case("a ring of one entry is enough", function()
    needs_uring()
    for _, entries in ipairs { "1", "2", "3", "7" } do
        local output = child.run(work, {
            environment = { COUTIL_ENGINE = "uring", COUTIL_RING_ENTRIES = entries },
        })
        equal(output, "uring\nhello\n")
    end
end)

case("nonsense as the number of entries is ignored", function()
    needs_uring()
    for _, entries in ipairs { "", "0", "-1", "many", "99999999999999999999" } do
        local output = child.run(work, {
            environment = { COUTIL_ENGINE = "uring", COUTIL_RING_ENTRIES = entries },
        })
        equal(output, "uring\nhello\n")
    end
end)

for _, engine in ipairs { "auto", "epoll" } do
    -- D48.
    case("the second load of the module returns the same scheduler (" .. engine .. ")", function()
        local output = run([[
local first = require "coutil.system"
local native = require "native"
local before = select(2, native.descriptors())
package.loaded["coutil.system"] = nil
local second = require "coutil.system"
assert(select(2, native.descriptors()) == before, "another engine was opened")
local order = {}
coroutine.wrap(function() first.suspend() order[#order + 1] = "first" end)()
coroutine.wrap(function() second.suspend() order[#order + 1] = "second" end)()
coroutine.wrap(function()
    second.suspend()
    order[#order + 1] = tostring(first.isrunning()) .. tostring(second.isrunning())
end)()
assert(second.run() == false)
assert(getmetatable(first.address("ipv4")) == getmetatable(second.address("ipv4")))
assert(first.address("ipv4") == second.address("ipv4"))
assert(first.socket("stream", "ipv4"):bind(second.address("ipv4", "127.0.0.1:0")))
print(table.concat(order, " "))
]], engine)
        equal(output, "truetrue second first\n")
    end)

    case("the module may be loaded from package.preload (" .. engine .. ")", function()
        local output = run([[
local path = assert(package.searchpath("coutil", package.cpath))
package.preload["coutil.system"] = assert(package.loadlib(path, "luaopen_coutil_system"))
package.preload.memory = assert(package.loadlib(
    assert(package.searchpath("memory", package.cpath)), "luaopen_memory"))
package.cpath = ""
local system = require "coutil.system"
coroutine.wrap(function() print(system.suspend(0.001)) end)()
print(system.run())
local memory = require "memory"
coroutine.wrap(function()
    local stream = system.socket("stream", "ipv4")
    print(stream:read(memory.create(1)))
end)()
]], engine)
        equal(output, "true\nfalse\nfalse\tsocket is not connected\t107\n")
    end)

    case("memory may be loaded before or after the module (" .. engine .. ")", function()
        for _, order in ipairs { { "memory", "coutil.system" }, { "coutil.system", "memory" } } do
            local output = run(string.format([[
require %q
require %q
local system, memory = require "coutil.system", require "memory"
coroutine.wrap(function()
    print(system.socket("stream", "ipv4"):write(memory.create "x"))
end)()
]], order[1], order[2]), engine)
            equal(output, "false\tbroken pipe\t32\n")
        end
    end)
end

case("counters and the name are what engine knows", function()
    local output = run([[
local system = require "coutil.system"
print(pcall(system.engine, "speed"))
local counters = system.engine("counters")
print(counters.awaiting, counters.goingon, counters.records)
coroutine.wrap(system.suspend)(1)
counters = system.engine("counters")
print(counters.awaiting, counters.goingon, counters.records)
os.exit(0, false)
]], "auto")
    ok(string.find(output, "invalid option 'speed'", 1, true), output)
    ok(string.find(output, "0\t0\t0\n1\t0\t1\n", 1, true), output)
end)

suite.finish()
