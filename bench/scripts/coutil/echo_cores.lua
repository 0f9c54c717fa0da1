-- Echo server for coutil on several processors: BENCH_TASKS tasks, each on a thread of its own with
-- a scheduler and a listener of its own, all on one port. Arguments: PORT [BUFFER].

local threads = require "coutil.threads"

-- A fresh state has no global but `require`.
local task <const> = [[
    local _G = require "_G"
    local coroutine = require "coroutine"
    local memory = require "memory"
    local system = require "coutil.system"
    local port, size, backlog = ...

    local function spawn(body, ...)
        _G.assert(coroutine.resume(coroutine.create(body), ...))
    end

    local function handle(stream)
        local buffer = memory.create(size)
        while true do
            local count = stream:read(buffer)
            if not count or not stream:write(buffer, 1, count) then
                break
            end
        end
        stream:close()
    end

    local listener = _G.assert(system.socket("passive", "ipv4"))
    _G.assert(listener:setoption("reuseport", true))
    _G.assert(listener:bind(system.address("ipv4", "127.0.0.1", port)))
    _G.assert(listener:listen(backlog))
    spawn(function()
        while true do
            local stream = listener:accept()
            if not stream then return end
            stream:setoption("nodelay", true)
            spawn(handle, stream)
        end
    end)
    system.run()
]]

local common = dofile((arg[0]:gsub("[^/]*/[^/]*$", "common.lua")))
local port <const> = common.integer(1)
local size <const> = common.integer(2, common.echo_buffer)
local count <const> = tonumber(os.getenv "BENCH_TASKS" or 1)

warn "@on"
local pool <const> = assert(threads.create(count))
for _ = 1, count do
    assert(pool:dostring(task, "@echo_cores.lua", "t", port, size, common.backlog))
end
pool:close() -- waits for ever
