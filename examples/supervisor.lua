-- A supervisor of processes: starts programs, relays what they print, and starts them again when
-- they end.
--
-- usage: lua5.4 examples/supervisor.lua programs.lua
--
-- The file returns a table of programs by name:
--
--     return {
--         web = { "lua5.4", "examples/httpd.lua", "8080" },
--         clock = { "sh", "-c", "date; sleep 1", restart = "always", runpath = "/" },
--         once = { "make", restart = "never" },
--     }
--
-- `restart` is "always" (unless given), "failure" (anything but an exit with 0), or "never". A
-- program that ends soon after its start is started again later and later, up to half a minute.
-- What programs print appears line by line behind their names, errors on our error output.
--
-- SIGHUP reads the file again: programs whose entry has changed are stopped and started anew, the
-- others run on. SIGTERM and SIGINT stop all programs, then the supervisor ends; the same signal
-- once more ends it at once, and leaves them running.

local memory = require "memory"
local system = require "coutil.system"
warn("@on")

local first_pause <const>, longest_pause <const> = 0.5, 30 -- seconds before the next start
local settled <const> = 10 -- who ran for so many seconds starts without a pause
local grace <const> = 5 -- seconds from "terminate" to "TERMINATE"

local path <const> = arg[1]
local jobs = {} -- by name: what is to run
local stopping = false

local function say(form, ...)
    io.stderr:write("supervisor: ", string.format(form, ...), "\n")
end

local function spawn(body, ...)
    local task <const> = coroutine.create(body)
    assert(coroutine.resume(task, ...))
    return task
end

-- --- programs ------------------------------------------------------------------------------------

-- Puts the lines of a stream out behind the name, until it ends. Who takes them slowly keeps this
-- program waiting, and no other.
local function relay(stream, name, out)
    local buffer <const> = memory.create(4096)
    local function label(line) return name .. " | " .. line end
    local rest = ""
    while true do
        local count <const> = stream:read(buffer)
        if not count then break end
        local whole <const>, more <const> =
            string.match(rest .. buffer:tostring(1, count), "^(.*\n)(.*)$")
        if whole then out:write((string.gsub(whole, "[^\n]*\n", label))) end
        rest = whole and more or rest .. buffer:tostring(1, count)
    end
    if rest ~= "" then out:write(label(rest .. "\n")) end
    stream:close()
end

-- An await function: one life of the program. Whether it ended well, and in which words.
local function run_once(job)
    local command <const> = {
        execfile = job.entry[1],
        arguments = table.move(job.entry, 2, #job.entry, 1, {}),
        runpath = job.entry.runpath,
        stdin = false,
        stdout = "r",
        stderr = "r",
    }
    local how, code
    local life <const> = coroutine.running()
    local waits = false
    spawn(function()
        how, code = system.execute(command)
        job.pid = nil
        if waits then coroutine.resume(life) end
    end)
    if not command.pid then
        return false, string.format("could not be started: %s", tostring(code))
    end
    job.pid = command.pid
    say("%s runs as %d", job.name, command.pid)
    spawn(relay, command.stdout, job.name, system.stdout)
    spawn(relay, command.stderr, job.name, system.stderr)
    waits = how == nil
    while not how do coroutine.yield() end
    return how == "exit" and code == 0, string.format("ended: %s %s", tostring(how), tostring(code))
end

-- Waits, unless the job is stopped meanwhile.
local function pause(job, seconds)
    job.pausing = coroutine.running()
    system.suspend(seconds)
    job.pausing = nil
end

local function wants_restart(job, well)
    local restart <const> = job.entry.restart or "always"
    return not job.stopped and (restart == "always" or restart == "failure" and not well)
end

-- Keeps the program running until it is stopped, or has ended for good.
local function keep(job)
    local delay = first_pause
    while not job.stopped do
        local start <const> = system.time()
        local well <const>, words <const> = run_once(job)
        say("%s %s", job.name, words)
        if not wants_restart(job, well) then break end
        if system.time() - start >= settled then delay = first_pause end
        pause(job, delay)
        delay = math.min(delay * 2, longest_pause)
    end
    job.over = true
    if job.when_over then coroutine.resume(job.when_over) end
end

local function start(name, entry)
    local job <const> = { name = name, entry = entry }
    jobs[name] = job
    spawn(keep, job)
end

-- An await function: tells the program to end, and sees to it that it does.
local function stop(job)
    if job.stopped then return end -- somebody else sees to it
    job.stopped = true
    if job.pausing then coroutine.resume(job.pausing) end
    if job.over then return end
    job.when_over = coroutine.running()
    if job.pid then system.emitsig(job.pid, "terminate") end
    local patience <const> = coroutine.create(function()
        system.suspend(grace)
        say("%s does not end: killed", job.name)
        if job.pid then system.emitsig(job.pid, "TERMINATE") end
    end)
    coroutine.resume(patience)
    repeat coroutine.yield() until job.over
    coroutine.close(patience)
end

-- --- the table of programs -----------------------------------------------------------------------

local function same_entry(a, b)
    for key, value in pairs(a) do if b[key] ~= value then return false end end
    for key, value in pairs(b) do if a[key] ~= value then return false end end
    return true
end

-- The table of the file; nil and a message for one that cannot be used.
local function read_programs()
    local chunk <const>, problem <const> = loadfile(path)
    if not chunk then return nil, problem end
    local done <const>, programs <const> = pcall(chunk)
    if not done then return nil, programs end
    if type(programs) ~= "table" then return nil, "it returns no table" end
    for name, entry in pairs(programs) do
        if type(name) ~= "string" or type(entry) ~= "table" or type(entry[1]) ~= "string" then
            return nil, string.format("'%s' is no program", tostring(name))
        end
    end
    return programs
end

-- Stops what is not wanted any more, and starts what is not there yet.
local function follow(programs)
    for name, job in pairs(jobs) do
        if not (programs[name] and same_entry(job.entry, programs[name])) then
            spawn(function()
                stop(job)
                if jobs[name] == job then jobs[name] = nil end
                if programs[name] and not stopping then start(name, programs[name]) end
            end)
        end
    end
    for name, entry in pairs(programs) do
        if not jobs[name] then start(name, entry) end
    end
end

-- --- signals -------------------------------------------------------------------------------------

local listeners <const> = {}

local function on_signal(signal, act)
    listeners[#listeners + 1] = spawn(function()
        while not stopping and system.awaitsig(signal) do act(signal) end
    end)
end

local function reload()
    local programs <const>, problem <const> = read_programs()
    if programs then
        say("reads %s again", path)
        follow(programs)
    else
        say("goes on as before: %s", problem)
    end
end

local function stop_all(signal)
    stopping = true
    say("%s: stops all programs", signal)
    for _, job in pairs(jobs) do spawn(stop, job) end
    for _, listener in ipairs(listeners) do
        if coroutine.status(listener) == "suspended" then coroutine.close(listener) end
    end
end

local programs <const>, problem <const> = read_programs()
if not programs then
    say("%s", problem)
    os.exit(1)
end
for _, signal in ipairs { "terminate", "interrupt" } do on_signal(signal, stop_all) end
on_signal("hangup", reload)
follow(programs)
system.run()
