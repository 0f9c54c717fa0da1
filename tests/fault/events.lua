-- Memory runs out in waits for events and in emissions: the n-th request fails. A wait that could
-- not begin leaves nothing that counts, an emission that fails has reached some and not the others,
-- and whoever still waits can be reached by the next one.

local suite = require("support.suite").strict()
local native = require "native"
local event = require "coutil.event"
local exhaust = require "support.exhaustion"

local case, equal, ok = suite.case, suite.equal, suite.ok

local function plainly(body)
    assert(coroutine.resume(coroutine.create(body)))
end

-- Whether the scenario has met failures at all: those of the engine are none of its concern.
local function met(count, least)
    ok(native.failsheap() or count > least, count .. " failures")
end

-- Events that are used again and such that are not; no place may be left for the former.
local kept <const> = { "kept", 1, true, {}, print }

local function expect_nobody()
    for _, e in ipairs(kept) do equal(event.pending(e), false) end
end

case("waits for one event, which end in every way", function()
    local count = exhaust(function(start)
        start = start or plainly
        expect_nobody()
        local resumed = 0
        for _, e in ipairs(kept) do
            start(function()
                event.await(e)
                resumed = resumed + 1
                event.await({})
            end)
            start(function()
                event.await(e)
                resumed = resumed + 1
            end)
        end
        for index, e in ipairs(kept) do
            if index % 2 == 0 then event.emitall(e) else event.emitone(e) end
        end
        ok(resumed == 7, resumed)
        for _, e in ipairs(kept) do event.emitone(e) end
        equal(resumed, 10)
        expect_nobody()
    end)
    met(count, 10)
end)

case("waits for several events", function()
    local count = exhaust(function(start)
        start = start or plainly
        expect_nobody()
        local ended = 0
        for _, wait in ipairs { event.awaitany, event.awaitall } do
            start(function()
                wait(table.unpack(kept))
                ended = ended + 1
            end)
            start(function()
                wait({}, "kept", {}, 1.5, 2.5, table.unpack(kept))
                ended = ended + 1
            end)
        end
        for _, e in ipairs(kept) do event.emitall(e, 1, 2, 3) end
        event.emitall(1.5)
        equal(event.emitall(2.5), true)
        equal(ended, 3)
    end)
    met(count, 10)
end)

-- From the fortieth link on emissions are owed.
case("emissions within emissions, deeper than they are made at once", function()
    local links <const> = 60
    local count = exhaust(function(start)
        start = start or plainly
        local reached = 0
        for index = 1, links do
            start(function()
                event.await(-index)
                reached = reached + 1
                event.emitone(-index - 1, "value", index)
            end)
        end
        event.emitone(-1)
        for index = reached + 1, links do equal(event.pending(-index), true) end -- nobody is lost
        assert(reached == links, "not enough memory") -- who emitted has ended with that
    end)
    met(count, 10)
    for index = 1, links do event.emitall(-index) end
end)

case("emissions of more values than find room", function()
    local many <const> = table.pack("many")
    many[3000] = "last"
    local count = exhaust(function(start)
        start = start or plainly
        local last
        start(function() last = (select(3000, event.await "many")) end)
        start(function() event.awaitall("many", "more") end)
        local done, problem = pcall(function() event.emitall(table.unpack(many, 1, 3000)) end)
        -- So it is told where a stack cannot grow.
        if not done and string.find(problem, "too many") then error("not enough memory", 0) end
        assert(done, problem)
        assert(last == "last", "not enough memory") -- it has ended with that
        equal(event.emitone "more", true)
    end)
    met(count, 2)
end)

suite.finish()
