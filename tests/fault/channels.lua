-- Memory runs out while channels are made and values are exchanged: the n-th request fails. Until a
-- match is made both sides are as before; once it is, whoever has no memory for it is told.

local suite = require("support.suite").strict()
local system = require "coutil.system"
local channel = require "coutil.channel"
local native = require "native"
local exhaust = require "support.exhaustion"

local case, equal, same, ok = suite.case, suite.equal, suite.same, suite.ok

local long <const> = string.rep("long", 100)

-- From the first wait on the engine keeps a descriptor for what other states tell it.
coroutine.wrap(system.awaitch)(channel.create "x", "in")
assert(channel.create "x":sync("out") and not system.run())

local function plainly(body)
    assert(coroutine.resume(coroutine.create(body)))
end

case("channels are made, named and closed", function()
    local count = exhaust(function()
        local ch <close> = channel.create(long)
        equal(ch:getname(), long)
        ok(channel.getnames()[long])
        same(channel.getnames { [long] = 1, other = 2 }, { [long] = true })
        equal(ch:close(), true)
    end)
    ok(count > 5, count)
    same(channel.getnames(), {})
end)

-- Who comes second fails alone: the one that waits is found by the next.
case("a sync that has no memory for what it would get leaves the other waiting", function()
    local one <const>, other <const> = channel.create "x", channel.create "x"
    local mine <const>, yours <const> = long .. "a", long .. "b"
    local failed, failures = true, 0
    while failed do
        local got
        local task = coroutine.create(function()
            got = table.pack(system.awaitch(one, "in", yours, 1.5))
        end)
        assert(coroutine.resume(task))
        collectgarbage() -- of long strings that are there already none would be made
        native.failallocation(failures + 1)
        local done, met, text, number = pcall(other.sync, other, "out", mine, 2)
        failed = native.allocationfailed()
        if failed then
            failures = failures + 1
            equal(done, false)
            ok(string.find(met, "not enough memory"), met)
            equal(system.run "ready", true)
            equal(got, nil)
            met, text, number = other:sync("out", mine, 2)
        end
        same({ met, text, number }, { true, yours, 1.5 })
        equal(system.run(), false)
        same(got, { true, mine, 2, n = 3 })
        equal(coroutine.status(task), "dead")
    end
    ok(failures >= 1, failures)
    one:close()
    other:close()
end)

case("awaits at both ends either meet or fail, and nothing is left of them", function()
    local one <const>, other <const> = channel.create "x", channel.create "x"
    local mine <const>, yours <const> = long .. "a", long .. "b"
    local count = exhaust(function(start)
        start = start or plainly
        local first, first_text, first_number, second, second_text, second_number
        start(function()
            first, first_text, first_number = system.awaitch(one, "in", mine, 1)
        end)
        start(function()
            second, second_text, second_number = system.awaitch(other, "out", yours, 2)
        end)
        system.run "ready"
        if second then
            equal(second_text, mine)
            equal(second_number, 1)
        end
        if first then
            ok(second, "matched with nobody")
            equal(first_text, yours)
            equal(first_number, 2)
            return
        end
        error("not enough memory", 0) -- it was, for one of them
    end)
    ok(count > 5, count)
    one:close()
    other:close()
end)

suite.finish()
