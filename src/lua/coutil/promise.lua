-- Implements the heading "Promises" of the manual. A promise is a function, and the event on which
-- its fulfillment is emitted is that function.

local base = require "_G"
local coroutine = require "coroutine"
local event = require "coutil.event"
local table = require "table"

local error, select = base.error, base.select
local isyieldable = coroutine.isyieldable
local await, awaitany, awaitall, emitall =
    event.await, event.awaitany, event.awaitall, event.emitall
local pack, unpack = table.pack, table.unpack

-- The values without the promise, which comes first if an emission brought them.
local function without(promise, ...)
    if (...) == promise then
        return select(2, ...)
    end
    return ...
end

local promise = { version = "1.0 alpha" }

function promise.create()
    local results

    local function claim(ready)
        if ready then
            return results ~= nil
        end
        if results ~= nil then
            return unpack(results, 1, results.n)
        end
        if not isyieldable() then
            error("unable to yield", 2)
        end
        return without(claim, await(claim))
    end

    local function fulfill(...)
        local first <const> = results == nil
        results = pack(...)
        if first then
            emitall(claim, ...)
        end
        return first
    end

    return claim, fulfill
end

-- The unfulfilled among the first `count` of the list, as a list; nil is skipped.
local function pending(list, count)
    local found, number = {}, 0
    for index = 1, count do
        local claim = list[index]
        if claim ~= nil and not claim(true) then
            number = number + 1
            found[number] = claim
        end
    end
    return found, number
end

-- How many of the arguments come before the first nil.
local function leading(list, count)
    for index = 1, count do
        if list[index] == nil then
            return index - 1
        end
    end
    return count
end

function promise.onlypending(...)
    local given <const> = { ... }
    local found <const>, number <const> = pending(given, leading(given, select("#", ...)))
    return unpack(found, 1, number)
end

function promise.pickready(...)
    local given <const> = { ... }
    for index = 1, leading(given, select("#", ...)) do
        if given[index](true) then
            return given[index]
        end
    end
end

function promise.awaitall(...)
    local found <const>, number <const> = pending({ ... }, select("#", ...))
    if not isyieldable() then
        error("unable to yield", 2)
    end
    return awaitall(unpack(found, 1, number))
end

function promise.awaitany(...)
    local given <const> = { ... }
    local any = false
    for index = 1, select("#", ...) do
        local claim = given[index]
        any = any or claim ~= nil
        if claim ~= nil and claim(true) then
            return claim
        end
    end
    if not isyieldable() then
        error("unable to yield", 2)
    elseif not any then
        error("non-nil value expected", 2)
    end
    return awaitany(...)
end

return promise
