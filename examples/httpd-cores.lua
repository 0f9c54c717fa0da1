-- An HTTP/1.1 server on all processors: a pool with a thread for each, and on each thread a task
-- with a scheduler, a listener and connections of its own. All listeners have the same port, and
-- the kernel deals the connections out; tasks share nothing and wait for nobody.
--
-- usage: lua5.4 examples/httpd-cores.lua [port [address [tasks]]]
--
-- The port is 8080 unless given, and any free one for 0; the address is 127.0.0.1 unless given;
-- there are as many tasks as processors unless given. SIGINT and SIGTERM stop the server as they
-- stop httpd.lua: every task answers what it was asked, then leaves.

local here <const> = arg[0]:match("^.*/") or "./"
local channel = require "coutil.channel"
local system = require "coutil.system"
local threads = require "coutil.threads"
warn("@on")

-- A fresh state has no globals but `require`. It brings the others with the basic functions, as the
-- modules it loads expect them.
local task <const> = [[
    local _G = require "_G"
    for _, name in _G.ipairs { "coroutine", "math", "os", "string", "table" } do
        _G[name] = require(name)
    end
    local package = require "package"
    local path, port, host = ...
    package.path = path .. "?.lua;" .. package.path
    local system = require "coutil.system"
    local channel = require "coutil.channel"
    local server = require "httpd_server"
    warn "@on"

    local done <const>, listener = pcall(server.listen, port, host, true)
    coroutine.yield("started", "out", done, not done and tostring(listener) or nil)
    if not done then return end
    server.start(function()
        system.awaitch(channel.create "stop", "in")
        system.halt()
    end)
    server.run(listener, { ["/"] = "Hello, world!\n" })
]]

-- How many processors there are.
local function processors()
    local count = 0
    for _ in system.cpuinfo("m") do count = count + 1 end
    return count
end

local port = tonumber(arg[1] or 8080)
local host <const> = arg[2] or "127.0.0.1"
local count <const> = tonumber(arg[3]) or processors()

-- Who binds first chooses the port. This socket never listens, so it gets no connections; as long
-- as it is open nobody else gets the port, whatever becomes of the tasks.
local domain <const> = host:find(":", 1, true) and "ipv6" or "ipv4"
local holder <close> = assert(system.socket("passive", domain))
assert(holder:setoption("reuseport", true))
assert(holder:bind(system.address(domain, host, port)))
local address <const> = holder:getaddress()
port = address.port

-- Left by an error too, the scope of the pool ends with its tasks.
local pool <close> = assert(threads.create(count))
local started <const>, stop <const> = channel.create "started", channel.create "stop"
local running = 0

local function stop_all()
    while running > 0 do
        system.awaitch(stop, "out")
        running = running - 1
    end
end

local function stop_on(signal)
    if system.awaitsig(signal) then
        stop_all()
        system.halt()
    end
end

local function start_all()
    for _ = 1, count do
        assert(pool:dostring(task, "@httpd-cores.lua", "t", here, port, host))
    end
    for _ = 1, count do
        local _, done <const>, problem <const> = system.awaitch(started, "in")
        if done then
            running = running + 1
        else
            warn(problem)
        end
    end
    if running < count then
        stop_all()
        system.halt()
        return
    end
    print("listening on " .. tostring(address))
    io.stdout:flush()
end

coroutine.wrap(stop_on)("interrupt")
coroutine.wrap(stop_on)("terminate")
coroutine.wrap(start_all)()
system.run()
