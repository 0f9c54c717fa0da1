-- Implements the heading "Mutex" of the manual. Who waits for a lock waits for an event on the same
-- value, and looks again whenever it is resumed, whoever did that.

local base = require "_G"
local coroutine = require "coroutine"
local event = require "coutil.event"

local error, setmetatable = base.error, base.setmetatable
local isyieldable, running = coroutine.isyieldable, coroutine.running
local await, emitone = event.await, event.emitone

-- Value -> the coroutine that owns it. The owner lives as long as the value does.
local owners = setmetatable({}, { __mode = "k" })

local mutex = { version = "1.0 alpha" }

function mutex.lock(e)
    local thread <const> = running()
    local owner <const> = owners[e]
    if owner ~= nil then
        if owner == thread then
            error("nested lock", 2)
        end
        if not isyieldable() then
            error("unable to yield", 2)
        end
        repeat
            await(e)
        until owners[e] == nil
    end
    owners[e] = thread
end

function mutex.unlock(e)
    if owners[e] ~= running() then
        error("lock not owned", 2)
    end
    owners[e] = nil
    return emitone(e)
end

function mutex.islocked(e)
    return owners[e] ~= nil
end

function mutex.ownlock(e)
    return owners[e] == running()
end

return mutex
