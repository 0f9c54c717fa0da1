-- A host that forks (decision 28): in the child the scheduler is not usable and says so; ending the
-- child, in whatever way, takes nothing from the parent.

local suite = require("support.suite").strict()
local system = require "coutil.system"
local memory = require "memory"
local native = require "native"
local net = require "support.net"
local tasks = require "support.tasks"
local child = require "support.child"

local case, equal, same, ok = suite.case, suite.equal, suite.same, suite.ok

-- What a child shares with its parent it neither touches nor frees, which is no leak.

-- Runs the function in a fork; fails unless it returns true there.
local function in_fork(body)
    local pid = native.fork()
    if pid == 0 then
        local done, result = xpcall(body, debug.traceback)
        if not done then io.stderr:write(result, "\n") end
        native.exit(done and result == true and 0 or 1)
    end
    same({ native.wait(pid) }, { "exit", 0 })
end

local function unusable(call, ...)
    local done, problem = coroutine.resume(coroutine.create(call), ...)
    return not done and string.find(problem, "scheduler not usable after fork", 1, true) ~= nil
end

case("await functions and run raise in the child", function()
    local near, far = net.pair()
    local listener, address = net.listener()
    local fresh = assert(system.socket("stream", "ipv4"))
    in_fork(function()
        return unusable(system.suspend) and unusable(system.suspend, 1) and unusable(system.run) and
               unusable(system.run, "ready") and unusable(far.read, far, memory.create(1)) and
               unusable(near.write, near, "x") and unusable(near.shutdown, near) and
               unusable(listener.accept, listener) and unusable(fresh.connect, fresh, address)
    end)
    net.close(near, far, listener, fresh)
end)

case("what needs no scheduler works in the child", function()
    in_fork(function()
        return system.nanosecs() > 0 and system.time("updated") > 0 and
               system.suspend(0.001, "~") and tostring(system.address("ipv4")) == "0.0.0.0:0" and
               system.isrunning() == false
    end)
end)

case("the parent goes on with what it waited for", function()
    local near, far = net.pair()
    local count
    tasks.spawn(function() count = far:read(memory.create(8)) end)
    tasks.rounds(2)
    in_fork(function()
        near, far = nil, nil
        collectgarbage()
        collectgarbage()
        return true
    end)
    tasks.spawn(function() assert(near:write("x")) end)
    tasks.run()
    equal(count, 1)
    net.close(near, far)
end)

case("in the child a waiting coroutine may be closed, and resuming one raises", function()
    local near, far = net.pair()
    local left
    local reader = coroutine.create(function() left = far:read(memory.create(8)) end)
    local sleeper = coroutine.create(function() system.suspend(1000) end)
    assert(coroutine.resume(reader))
    assert(coroutine.resume(sleeper))
    tasks.rounds(2)
    in_fork(function()
        coroutine.close(sleeper)
        local done, problem = coroutine.resume(reader, "left")
        return not done and left == nil and
               string.find(problem, "scheduler not usable after fork", 1, true) ~= nil
    end)
    coroutine.close(sleeper)
    tasks.spawn(function() assert(near:write("xyz")) end)
    tasks.run()
    equal(left, 3)
    net.close(near, far)
end)

case("children that close their state or exit with it take nothing from the parent", function()
    for _, ending in ipairs { "os.exit(0, true)", "os.exit(0, false)", "native.exit(0)" } do
        local output = child.expect(child.prelude .. string.format([[
local near, far = net.pair()
local listener, address = net.listener()
coroutine.wrap(function() print(far:read(memory.create(8))) end)()
coroutine.wrap(function() assert(listener:accept()):close() print("accepted") end)()
coroutine.wrap(function() near:write("queued") end)()
io.stdout:flush()
local pid = native.fork()
if pid == 0 then %s end
print(native.wait(pid))
coroutine.wrap(function() net.connect(address):close() end)()
system.run()
]], ending), { environment = { ASAN_OPTIONS = "detect_leaks=0" } })
        local sorted = {}
        for line in string.gmatch(output, "[^\n]+") do sorted[#sorted + 1] = line end
        table.sort(sorted)
        same(sorted, { "6", "accepted", "exit\t0" }, ending .. output)
    end
end)

case("descriptors inherited by a child are closed by its collector", function()
    local near, far = net.pair()
    in_fork(function()
        local before = select(2, native.descriptors())
        near, far = nil, nil
        collectgarbage()
        collectgarbage()
        return select(2, native.descriptors()) == before - 2
    end)
    ok(near:getaddress() and far:getaddress())
    net.close(near, far)
end)

suite.finish()
