-- Implements the heading "Events" of the manual.
--
-- Coroutines that wait for an event stand in the line of that event, a ring of places linked both
-- ways: whoever comes stands behind the last, whoever leaves does so in constant time, and an event
-- nobody waits for has nothing. An emission takes places out of the line before it resumes anybody,
-- so lines are whole whenever a program runs. A place is left by itself when its coroutine goes on
-- or is closed, since the await functions hold it in a to-be-closed variable. So values that reach
-- a coroutine need no mark: resumed by hand or by an emission, it is out of all lines, and returns
-- what it was given.

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

-- Puts the place at the end of the line of its event. Raises, before anything is changed, if the
-- event cannot be a key.
--
-- Between this and the yield nothing may run a finalizer, which could emit the event while the
-- coroutine cannot be resumed yet. So nothing is created there, and the stack does not grow: a C
-- function has just been called from where `yield` is, or from further up.
local function enter(place)
    local event <const> = place.event
    local first <const> = lines[event]
    if first == nil then
        lines[event] = place
        place.older, place.newer = place, place
    else
        local last <const> = first.older
        place.older, place.newer = last, first
        last.newer, first.older = place, place
    end
    entered = entered + 1
    place.number = entered
end

-- Takes the place out of its line, if it is still there. Allocates nothing, hence cannot fail.
local function leave(place)
    local newer <const> = place.newer
    if newer == nil then
        return
    end
    local event <const> = place.event
    if newer == place then
        lines[event] = nil
    else
        local older <const> = place.older
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

-- Takes out of line who stands at the place, and returns whom to resume: the place itself or the
-- wait it belongs to. Returns nil if that wait lacks other events.
local function take(place)
    leave(place)
    local wait <const> = place.wait
    if wait == nil then
        return place
    end
    if wait.missing == nil then
        leave_all(wait)
        return wait
    end
    wait.missing = wait.missing - 1
    if wait.missing == 0 then
        return wait
    end
end

-- --- resuming --------------------------------------------------------------------------------

-- Resumed coroutines emit events in their turn, and each such level takes one of about 200 that C
-- allows, or a few with calls such as pcall. Deeper than this an emission does not resume but owes,
-- and the emission that encloses it pays as soon as it has control again: so a chain of any length
-- works.
local deepest <const> = 40
local depth = 0
local oldest_debt, newest_debt

local function owe(waiter, ...)
    local debt = { waiter = waiter, later = nil, n = select("#", ...), ... }
    waiter.debt = debt
    if oldest_debt == nil then
        oldest_debt = debt
    else
        newest_debt.later = debt
    end
    newest_debt = debt
end

-- Whoever pays has just resumed somebody, so there is room for one more.
local function pay()
    local outer <const> = depth
    repeat
        local debt = oldest_debt
        oldest_debt = debt.later
        local waiter = debt.waiter
        if waiter.debt == debt then -- it has not left meanwhile
            waiter.debt = nil
            depth = outer + 1
            resume(waiter.thread, unpack(debt, 1, debt.n))
            depth = outer
        end
    until oldest_debt == nil
end

-- Lets the coroutine of a place or a wait go on with these results. What it yields, returns or
-- raises is nobody's. If C has no room at all for it, which is somebody else's doing, the emission
-- is owed, and raises if no other encloses it.
local function go_on(waiter, ...)
    local outer <const> = depth
    if outer >= deepest then
        return owe(waiter, ...)
    end
    local thread <const> = waiter.thread
    depth = outer + 1
    local done, problem = resume(thread, ...)
    depth = outer
    if not done and status(thread) == "suspended" then
        owe(waiter, ...)
        if outer == 0 then
            error(problem, 0)
        end
    elseif oldest_debt ~= nil then
        pay()
    end
end

-- --- waiting ---------------------------------------------------------------------------------

-- Places for waits for one event are used again, as making one takes about as long as waiting. They
-- are linked by `newer`, and refer to nothing else.
local free
local free_count = 0
local most_free <const> = 100

-- What ends a wait, whatever ended it: the coroutine stands in no line, and a debt to it is void.
local of_place = {
    __close = function(place)
        if place.newer ~= nil then
            leave(place)
        end
        place.event, place.thread, place.debt = nil, nil, nil
        if free_count < most_free then
            free_count = free_count + 1
            place.newer = free
            free = place
        end
    end,
}
local of_wait = {
    __close = function(wait)
        leave_all(wait)
        wait.thread, wait.debt = nil, nil
    end,
}

-- A place that is a wait of its own; only the first of its values from `running` counts.
local function new_place(event, thread)
    local place = free
    if place == nil then
        -- With all fields it will have: growing the table would cost more.
        place = setmetatable({
            event = nil, thread = nil, wait = nil, number = 0, older = nil, newer = nil, debt = nil,
        }, of_place)
    else
        free = place.newer
        free_count = free_count - 1
        place.newer = nil
    end
    place.event, place.thread = event, thread
    return place
end

-- A wait for several events, with a place for each; and how many these are. Nobody stands in line
-- before all of them are known to be fit for keys.
local function new_wait(...)
    local places, count = {}, 0
    local wait <const> =
        setmetatable({ thread = running(), places = places, missing = nil, debt = nil }, of_wait)
    local events <const> = { ... }
    for index = 1, select("#", ...) do
        local event = events[index]
        if event ~= nil and places[event] == nil then
            places[event] = { event = event, wait = wait, number = 0, older = nil, newer = nil }
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

local function true_or(wait, ...)
    if wait.missing == 0 and wait.debt == nil then
        return true
    end
    return ...
end

local event = { version = "1.0 alpha" }

function event.await(e)
    if not isyieldable() then
        error("unable to yield", 2)
    end
    local place <close> = new_place(e, running())
    enter(place)
    return yield()
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
    return yield()
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
    return true_or(wait, yield())
end

function event.emitone(e, ...)
    local place <const> = lines[e]
    if place == nil then
        return false
    end
    local waiter <const> = take(place)
    if waiter ~= nil then
        go_on(waiter, e, ...)
    end
    return true
end

function event.emitall(e, ...)
    local place = lines[e]
    if place == nil then
        return false
    end
    local last <const> = entered
    repeat
        local waiter = take(place)
        if waiter ~= nil then
            go_on(waiter, e, ...)
        end
        place = lines[e]
    until place == nil or place.number > last
    return true
end

function event.pending(e)
    return lines[e] ~= nil
end

return event
