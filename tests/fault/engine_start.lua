-- Goal: a process in which the engine's n-th request for memory fails, n = 1, 2, 3…, gets an error
-- or a failure that says so, and goes on: the second try of everything works, and it ends well.
-- Method: interpreters of their own, since what the engine has it keeps; each does one of all.

local suite = require "support.suite"
local child = require "support.child"
local native = require "native"

local case, equal, ok = suite.case, suite.equal, suite.ok

if not native.failsheap() then
    io.stderr:write("skipped: the heap that fails is not preloaded\n")
    os.exit(77)
end

local chunk = [[
local native = require "native"
assert(package.loadlib(package.searchpath("coutil", package.cpath), "*"))

local system
local problems = 0

local function is_lack(problem)
    problem = tostring(problem)
    return problem:find("not enough memory", 1, true) or problem:find("out of memory", 1, true)
end

-- Failures and errors have to be about memory, and only happen while memory fails.
local function judge(name, may_fail, ...)
    local done, result, message = ...
    if done and result then return ... end
    if not (may_fail and is_lack(done and message or result)) then
        io.write(name, ": ", tostring(result), " ", tostring(message), "\n")
        os.exit(1)
    end
    problems = problems + 1
end

local everything = {
    { "a timer", function() system.suspend(0.001) return true end },
    { "sockets", function()
        local listener <close> = assert(system.socket("passive", "ipv4"))
        assert(listener:bind(system.address("ipv4", "127.0.0.1:0")))
        assert(listener:listen(1))
        local near <close> = assert(system.socket("stream", "ipv4"))
        assert(near:connect(listener:getaddress()))
        local far <close> = assert(listener:accept())
        assert(near:write("text"))
        local memory = require "memory"
        return far:read(memory.create(4))
    end },
    { "files", function()
        local path, file = system.maketemp(os.tmpname(), "fo")
        if not path then return path, file end
        local copy, copied
        local wrote, write_problem = file:write("text")
        if wrote then
            copy = path .. "copy"
            copied, write_problem = system.copyfile(path, copy)
            if copied then os.remove(copy) end
        end
        file:close()
        os.remove(path)
        return copied, write_problem
    end },
    { "a list", function()
        for _ in system.listdir("/proc/self") do end
        return true
    end },
    { "names", function() return system.findaddr("localhost", 80) end },
    { "a child", function() return system.execute("/bin/true") end },
    { "a signal", function()
        local me = native.getpid()
        coroutine.wrap(function()
            system.suspend()
            system.emitsig(me, "winresize")
        end)()
        return system.awaitsig("winresize")
    end },
    { "random bytes", function()
        local memory = require "memory"
        return system.random(memory.create(100000))
    end },
}

local function all(may_fail)
    local done = judge("require", may_fail, pcall(function()
        system = require "coutil.system"
        return system
    end))
    if not done then return end
    for _, each in ipairs(everything) do
        local ended = false
        local task = coroutine.create(function()
            judge(each[1], may_fail, pcall(each[2]))
            ended = true
        end)
        assert(coroutine.resume(task))
        repeat
            local done, problem = pcall(system.run, "step")
            if not done then judge("run", may_fail, done, problem) end
        until ended
        local done, problem = pcall(system.run)
        if not done then judge("run", may_fail, done, problem) end
    end
end

native.failallocation(%d)
all(true)
local failed = native.allocationfailed()
package.loaded["coutil.system"] = nil
all(false)
collectgarbage()
io.write(failed and "failed" or "done", " ", problems, "\n")
]]

case("each request of a fresh process fails once, and the second try works", function()
    local met = 0
    for n = 1, 200 do
        local output = child.expect(string.format(chunk, n))
        local word, problems = string.match(output, "^(%a+) (%d+)\n$")
        ok(word, string.format("request %d: %s", n, output))
        if word == "done" then
            equal(problems, "0")
            ok(met > 10, met)
            return
        end
        met = met + (tonumber(problems) > 0 and 1 or 0)
    end
    error("the process never ends without a failure")
end)

suite.finish()
