-- Children whose name lookups do what the test wants: with a preloaded resolver that hangs and
-- fails on demand (tests/tools/preload/scripted_resolver.cpp), or with system files of their own.

local suite = require "support.suite"
local child = require "support.child"

local resolver = {}

-- What chunks for the scripted resolver begin with. `opengate` lets those that wait go on, and
-- all that come later; `asked` counts the lookups that reached the resolver, or those of a name;
-- `namethreads` counts workers.
resolver.prelude = child.prelude .. [[
local path <const> = os.getenv "COUTIL_TEST_GATE"
local function opengate() return assert(io.open(path, "r+")) end
local function asked(name)
    local count = 0
    local log <close> = io.open(path .. ".log")
    for line in log and log:lines() or function() end do
        if name == nil or line == name then count = count + 1 end
    end
    return count
end
local function namethreads()
    local count = 0
    local list <close> = assert(io.popen("cat /proc/$PPID/task/*/comm"))
    for line in list:lines() do
        if line == "coring-names" then count = count + 1 end
    end
    return count
end
local function hang(count, results)
    for index = 1, count do
        tasks.spawn(function()
            local found <close>, problem = system.findaddr("gate." .. index)
            if results then results[#results + 1] = found and found:getdomain() or problem end
        end)
    end
end
local function goingon() return system.engine("counters").goingon end
]]

local function run(chunk, environment, before)
    local library = os.getenv "COUTIL_TEST_SCRIPTED_RESOLVER"
    if not library then
        suite.skip("COUTIL_TEST_SCRIPTED_RESOLVER does not name the library")
    end
    local gate = os.tmpname()
    local _ <close> = setmetatable({}, { __close = function()
        os.remove(gate)
        os.remove(gate .. ".log")
    end })
    os.remove(gate)
    assert(os.execute("mkfifo -m 600 " .. gate))
    local settings = { LD_PRELOAD = library, COUTIL_TEST_GATE = gate }
    -- The library is first, before a sanitizer, which would mind.
    local options = os.getenv "ASAN_OPTIONS"
    settings.ASAN_OPTIONS = (options and options .. ":" or "") .. "verify_asan_link_order=0"
    for name, value in pairs(environment or {}) do settings[name] = value end
    chunk = (before or "") .. "\n" .. resolver.prelude .. chunk
    return child.expect(chunk, { environment = settings })
end

local preload

-- Whether a preloaded library gets what a program asks of the resolver here.
local function check_preload()
    if preload == nil then
        local done, output = pcall(run, [[
            tasks.spawn(function() print(select(3, system.findaddr("fail.4"))) end)
            tasks.run()
        ]])
        preload = done and output == "3004\n" or tostring(output)
    end
    if preload ~= true then
        suite.skip("no resolver can be preloaded here: " .. preload)
    end
end

-- Runs the chunk, after resolver.prelude, with the scripted resolver; it must end well. Returns
-- what it printed. What has to come before the modules are loaded is `before`.
function resolver.scripted(chunk, environment, before)
    check_preload()
    return run(chunk, environment, before)
end

local private

local function write(path, text)
    local file <close> = assert(io.open(path, "w"))
    file:write(text)
end

-- Runs the chunk in namespaces of its own, with these files in place of those below /etc, after
-- the shell commands `setup`; it must end well. Returns what it printed.
function resolver.private(files, setup, chunk)
    if private == nil then
        private = os.execute("unshare -mnu true >/dev/null 2>&1") == true
    end
    if not private then
        suite.skip("namespaces of mounts, networks and host names need privileges")
    end
    local directory = os.tmpname()
    os.remove(directory)
    assert(os.execute("mkdir -m 700 " .. directory))
    local _ <close> = setmetatable({}, { __close = function()
        os.execute("rm -r " .. directory)
    end })
    local script = { "set -e" }
    for name, text in pairs(files) do
        write(directory .. "/" .. name, text)
        -- A file that is not there cannot be mounted over; those that matter are.
        script[#script + 1] = ("mount --bind %s/%s /etc/%s"):format(directory, name, name)
    end
    script[#script + 1] = setup
    script[#script + 1] = 'exec "$@"\n'
    write(directory .. "/setup", table.concat(script, "\n"))
    return child.expect(child.prelude .. [[
        local suite = require "support.suite"
        local equal, same = suite.equal, suite.same
    ]] .. chunk, { wrap = "unshare -mnu sh " .. directory .. "/setup" })
end

return resolver
