-- Implements the heading "Queued Events" of the manual: emissions that find nobody waiting are kept
-- for the next who comes. Waiting is that of coutil.event, in the same lines.

local base = require "_G"
local coroutine = require "coroutine"
local event = require "coutil.event"
local table = require "table"

local error, select, setmetatable = base.error, base.select, base.setmetatable
local isyieldable, unpack = coroutine.isyieldable, table.unpack
local await, awaitany, awaitall = event.await, event.awaitany, event.awaitall
local emitone, emitall = event.emitone, event.emitall

-- Event -> the newest of its kept emissions. They form a ring: behind the newest comes the oldest.
-- Keys are weak, and nothing else refers to what was kept.
local kept = setmetatable({}, { __mode = "k" })

local function keep(e, ...)
    if e == nil then
        return
    end
    local emission = { behind = nil, n = select("#", ...), ... }
    local newest = kept[e]
    if newest == nil then
        emission.behind = emission
    else
        emission.behind = newest.behind
        newest.behind = emission
    end
    kept[e] = emission
end

-- Takes out the oldest emission kept for the event, whose newest is given.
local function consume(e, newest)
    local oldest = newest.behind
    if oldest == newest then
        kept[e] = nil
    else
        newest.behind = oldest.behind
    end
    return oldest
end

-- The arguments without nil and repetitions, as a list.
local function distinct(...)
    local list, seen, count = {}, {}, 0
    local given <const> = { ... }
    for index = 1, select("#", ...) do
        local e = given[index]
        if e ~= nil and not seen[e] then
            seen[e] = true
            count = count + 1
            list[count] = e
        end
    end
    return list, count
end

local queued = { version = "1.0 alpha", pending = event.pending }

function queued.await(e)
    local newest <const> = kept[e]
    if newest == nil then
        if not isyieldable() then
            error("unable to yield", 2)
        end
        return await(e)
    end
    local emission <const> = consume(e, newest)
    return e, unpack(emission, 1, emission.n)
end

function queued.awaitany(...)
    local given <const> = { ... }
    local any = false
    for index = 1, select("#", ...) do
        local e = given[index]
        local newest = kept[e]
        any = any or e ~= nil
        if newest ~= nil then
            local emission = consume(e, newest)
            return e, unpack(emission, 1, emission.n)
        end
    end
    if not isyieldable() then
        error("unable to yield", 2)
    elseif not any then
        error("non-nil value expected", 2)
    end
    return awaitany(...)
end

function queued.awaitall(...)
    if not isyieldable() then
        error("unable to yield", 2)
    end
    local events <const>, count <const> = distinct(...)
    local missing = 0
    for index = 1, count do
        local e = events[index]
        local newest = kept[e]
        if newest == nil then
            missing = missing + 1
            events[missing] = e
        else
            consume(e, newest)
        end
    end
    return awaitall(unpack(events, 1, missing))
end

function queued.emitone(e, ...)
    if emitone(e, ...) then
        return true
    end
    keep(e, ...)
    return false
end

function queued.emitall(e, ...)
    if emitall(e, ...) then
        return true
    end
    keep(e, ...)
    return false
end

function queued.isqueued(e)
    return kept[e] ~= nil
end

queued.queued = queued.isqueued -- programs know it by either name

return queued
