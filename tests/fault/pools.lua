-- Goal: whichever request for memory fails, making a pool and giving it tasks either works or
-- raises, and leaves nothing behind: no state, no task, no pool. Method: pools without threads, so
-- that all requests are made here.

local suite = require("support.suite").strict()
local exhaust = require "support.exhaustion"
local threads = require "coutil.threads"

local case, equal, ok = suite.case, suite.equal, suite.ok

case("a pool and its tasks", function()
    local count = exhaust(function()
        local pool <close> = threads.create(0)
        local done, problem = pool:dostring("return ...", "=task", "t", 1, "two", nil)
        if not done then error(problem, 0) end
        equal(pool:count("n"), 1)
        assert(pool:resize(0, true))
        local refused
        refused, problem = pool:dostring("x x")
        equal(refused, false)
        if string.find(problem, "not enough memory", 1, true) then error(problem, 0) end
        refused, problem = pool:dostring("", nil, nil, print)
        equal(refused, false)
        if string.find(problem, "not enough memory", 1, true) then error(problem, 0) end
    end)
    ok(count > 100, count)
end)

suite.finish()
