-- Implements the heading "Events" of the manual.
--
-- Coroutines that wait for an event stand in the line of that event, a ring of places linked both
-- ways: whoever comes stands behind the last, whoever leaves does so in constant time, and an event
-- nobody waits for has nothing. An emission takes places out of the line before it resumes anybody,
-- so lines are whole whenever a program runs. A place is left by itself when its coroutine goes on
-- or is closed, since the await functions hold it in a to-be-closed variable.

local base = require "_G"
local coroutine = require "coroutine"
local table = require "table"

local error, next, select, setmetatable = base.error, base.next, base.select, base.setmetatable
local isyieldable, running = coroutine.isyieldable, coroutine.running
local resume, status, yield = coroutine.resume, coroutine.status, coroutine.yield
local unpack = table.unpack

-- Event -> the place of who has waited longest. Keys are weak, and this is the only reference to
-- those who wait: they live as long as the event does.
local lines = setmetatable({}, { __mode = "k" })

-- How many places were ever taken. Each has a number, by which an emission knows those who came
-- after it began.
local entered = 0

-- The first value of each resume of ours. A function is equal to nothing but itself, whatever
-- metatables a program has, and no program gets hold of this one.
local function token() end

-- A place: the event, and either the thread that waits, or the wait for several events that this
-- place is one of. The other fields are made at once, as growing the table would cost more.
local function new_place(event, thread, wait)
    return { event = event, thread = thread, wait = wait, number = 0, older = nil, newer = nil }
end

-- Puts the place at the end of the line of its event. Raises, before anything is changed, if the
-- event cannot be a key.
--
-- Between this and the yield nothing may run a finalizer, which could emit the event while the
-- coroutine cannot be resumed yet. So nothing is created there, and the stack does not grow: a C
-- function has just been called from where `yield` is, or from further up.
local function enter(place)
    local event = place.event
    local first = lines[event]
    if first == nil then
        lines[event] = place
        place.older, place.newer = place, place
    else
        local last = first.older
        place.older, place.newer = last, first
        last.newer, first.older = place, place
    end
    entered = entered + 1
    place.number = entered
end

-- Takes the place out of its line, if it is still there. Allocates nothing, hence cannot fail.
local function leave(place)
    local newer = place.newer
    if newer == nil then
        return
    end
    local event = place.event
    if newer == place then
        lines[event] = nil
    else
        local older = place.older
        older.newer, newer.older = newer, older
        if lines[event] == place then
            lines[event] = newer
        end
    end
    place.older, place.newer = nil, nil
end

local function leave_all(wait)
    for _, place in next, wait.places do
        leave(place)
    end
end

-- What ends a wait, whatever ended it: the coroutine stands in no line, and a debt to it is void.
local of_place = {
    __close = function(place)
        leave(place)
        place.thread = nil
    end,
}
local of_wait = {
    __close = function(wait)
        leave_all(wait)
        wait.thread = nil
    end,
}

-- Resumed coroutines emit events in their turn, and each such level takes one of about 200 that C
-- allows. Deeper than this an emission does not resume but owes, and the emission that encloses it
-- pays as soon as it has control again: so a chain of any length works.
local deepest <const> = 40
local depth = 0
local oldest_debt, newest_debt

local function owe(waiter, ...)
    local debt = { waiter = waiter, later = nil, n = select("#", ...), ... }
    if oldest_debt == nil then
        oldest_debt = debt
    else
        newest_debt.later = debt
    end
    newest_debt = debt
end

-- Resumes the coroutine. Returns a text if that was not possible: it then still waits. What it
-- yields, returns or raises is nobody's.
local function wake(thread, ...)
    local outer <const> = depth
    depth = outer + 1
    local done, problem = resume(thread, token, ...)
    depth = outer
    if not done and status(thread) == "suspended" then
        return problem
    end
end

-- Whoever pays has just resumed somebody, so there is room for one more.
local function pay()
    repeat
        local debt <const> = oldest_debt
        oldest_debt = debt.later
        local thread <const> = debt.waiter.thread
        if thread ~= nil then
            wake(thread, unpack(debt, 1, debt.n))
        end
    until oldest_debt == nil
end

-- Lets the coroutine of a place or a wait go on with these results. If C has no room at all for it,
-- which is somebody else's doing, the emission is owed, and raises if no other encloses it.
local function go_on(waiter, ...)
    if depth >= deepest then
        return owe(waiter, ...)
    end
    local problem <const> = wake(waiter.thread, ...)
    if problem then
        owe(waiter, ...)
        if depth == 0 then
            error(problem, 0)
        end
    elseif oldest_debt ~= nil then
        pay()
    end
end

-- What an emission does to one place of the line.
local function reach(place, ...)
    leave(place)
    local wait <const> = place.wait
    if wait == nil then
        return go_on(place, ...)
    end
    if wait.missing == nil then
        leave_all(wait)
        return go_on(wait, ...)
    end
    wait.missing = wait.missing - 1
    if wait.missing == 0 then
        return go_on(wait, ...)
    end
end

-- What a wait returns: what the emission gave, or else what an explicit resume gave.
local function results(...)
    if (...) == token then
        return select(2, ...)
    end
    return ...
end

local function true_or_results(...)
    if (...) == token then
        return true
    end
    return ...
end

-- A wait for several events, with a place for each; and how many these are. Nobody stands in line
-- before all of them are known to be fit for keys.
local function new_wait(...)
    local wait = setmetatable({ thread = running(), places = {}, missing = nil }, of_wait)
    local places, count = wait.places, 0
    local events <const> = { ... }
    for index = 1, select("#", ...) do
        local event = events[index]
        if event ~= nil and places[event] == nil then
            places[event] = new_place(event, nil, wait)
            count = count + 1
        end
    end
    return wait, count
end

local function enter_all(wait)
    for _, place in next, wait.places do
        enter(place)
    end
end

local event = { version = "1.0 alpha" }

function event.await(e)
    if not isyieldable() then
        error("unable to yield", 2)
    end
    local place <close> = setmetatable(new_place(e, (running())), of_place)
    enter(place)
    return results(yield())
end

function event.awaitany(...)
    if not isyieldable() then
        error("unable to yield", 2)
    end
    local new <const>, count <const> = new_wait(...)
    if count == 0 then
        error("non-nil value expected", 2)
    end
    local wait <close> = new
    enter_all(wait)
    return results(yield())
end

function event.awaitall(...)
    if not isyieldable() then
        error("unable to yield", 2)
    end
    local new <const>, count <const> = new_wait(...)
    if count == 0 then
        return true
    end
    new.missing = count
    local wait <close> = new
    enter_all(wait)
    return true_or_results(yield())
end

function event.emitone(e, ...)
    local place <const> = lines[e]
    if place == nil then
        return false
    end
    reach(place, e, ...)
    return true
end

function event.emitall(e, ...)
    local place = lines[e]
    if place == nil then
        return false
    end
    local last <const> = entered
    repeat
        reach(place, e, ...)
        place = lines[e]
    until place == nil or place.number > last
    return true
end

function event.pending(e)
    return lines[e] ~= nil
end

return event
