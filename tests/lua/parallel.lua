-- examples/parallel.lua while it computes: its result, and what it shows on the way.

local suite = require "support.suite"
local child = require "support.child"

local here <const> = string.match(arg[0], "^.*/") or "./"

local function output(arguments)
    local chunk <const> = string.format("arg = { [0] = %q, %s } dofile(arg[0])",
                                        here .. "../../examples/parallel.lua", arguments)
    return child.expect(chunk)
end

local steps <const> = " 10 %\n 20 %\n 30 %\n 40 %\n 50 %\n 60 %\n 70 %\n 80 %\n 90 %\n100 %\n"

suite.case("it counts the primes, however many tasks there are", function()
    for _, tasks in ipairs { 1, 2, 5 } do
        suite.equal(output("'60000', '" .. tasks .. "'"), steps .. "6057 primes below 60000\n")
    end
end)

suite.case("it has as many tasks as processors by itself", function()
    suite.equal(output("'60000'"), steps .. "6057 primes below 60000\n")
end)

suite.case("small limits leave tasks without a part", function()
    for limit, primes in pairs { [1] = 0, [2] = 0, [3] = 1, [4] = 2, [30] = 10 } do
        local said <const> = output("'" .. limit .. "', '8'")
        suite.equal(string.match(said, "[^\n]*\n$"), primes .. " primes below " .. limit .. "\n")
    end
end)

suite.finish()
