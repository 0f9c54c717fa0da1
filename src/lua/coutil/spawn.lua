-- Implements the heading "Coroutine Finalizers" of the manual.

local base = require "_G"
local coroutine = require "coroutine"

local xpcall = base.xpcall
local create, resume = coroutine.create, coroutine.resume

-- The end of a trapped function: what it returned, for its handler, unless that knows already.
local function finish(handler, done, ...)
    if done then
        return handler(true, ...)
    end
end

local function trapped(handler, body, ...)
    local function failed(problem)
        return handler(false, problem)
    end
    return finish(handler, xpcall(body, failed, ...))
end

local spawn = {}

function spawn.catch(h, f, ...)
    local thread <const> = create(xpcall)
    resume(thread, f, h, ...)
    return thread
end

function spawn.trap(h, f, ...)
    local thread <const> = create(trapped)
    resume(thread, h, f, ...)
    return thread
end

return spawn
