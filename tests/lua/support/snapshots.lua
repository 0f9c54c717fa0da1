-- The conventions of the iterators over a snapshot (behaviour 6.5), stated once for all of them.

local suite = require "support.suite"
local native = require "native"

local case, equal, same, fails = suite.case, suite.equal, suite.same, suite.fails

-- `make(which)` returns what the function under test returns for these characters; `letter` is one
-- of them, `letters` are all.
return function(class, make, letter, letters)
    local closed <const> = "(closed " .. class .. ")"

    case("an iterator comes with what it takes, where it starts, and itself to close", function()
        local results <close> = setmetatable(table.pack(make(letter)), {
            __close = function(all) getmetatable(all[1]).__close(all[1]) end,
        })
        equal(results.n, 4)
        equal(getmetatable(results[1]).__name, class)
        equal(results[2], letter)
        equal(results[3], 0)
        equal(results[4], results[1])
        suite.ok(string.find(tostring(results[1]), "^" .. class .. ": 0x"))
    end)

    case("the class has four metamethods and nothing to index", function()
        local iterator <close> = make(letter)
        local names = {}
        for name in pairs(getmetatable(iterator)) do names[#names + 1] = name end
        table.sort(names)
        same(names, { "__call", "__close", "__gc", "__len", "__name" })
        fails(function() return iterator.next end, "attempt to index")
    end)

    case("every call returns the next index and a value for each character", function()
        local iterator <close>, which = make(letters)
        local last = 0
        for index = 0, #iterator - 1 do
            local results = table.pack(iterator(which, index))
            equal(results.n, 1 + #letters)
            equal(results[1], index + 1)
            for position = 1, #letters do suite.ok(results[position + 1] ~= nil) end
            last = index + 1
        end
        equal(last, #iterator)
        suite.ok(last > 0)
    end)

    case("the index is zero if it is left out, and outside of the list there is nothing", function()
        local iterator <close> = make(letter)
        same(table.pack(iterator(letter)), table.pack(iterator(letter, 0)))
        same(table.pack(iterator(letter, nil)), table.pack(iterator(letter, 0)))
        for _, index in ipairs { #iterator, #iterator + 1, -1, math.maxinteger, math.mininteger } do
            equal(select("#", iterator(letter, index)), 0)
        end
        equal(iterator(letter, "0"), 1)
        equal(iterator("", 0), 1)
        equal(select("#", iterator("", 0)), 1)
    end)

    case("a for loop visits all and closes the iterator, also when it is left early", function()
        local seen, kept = 0, nil
        local iterator, which, first, closing = make(letter)
        for index in iterator, which, first, closing do
            seen = seen + 1
            equal(index, seen)
        end
        fails(function() return #iterator end, closed)
        iterator, which, first, closing = make(letter)
        for index in iterator, which, first, closing do
            kept = index
            if index > 0 then break end
        end
        equal(kept, 1)
        fails(function() return #iterator end, closed)
    end)

    case("an exhausted iterator stays usable", function()
        local iterator <close> = make(letter)
        local count = 0
        for _ = 1, 2 do
            for _ in iterator, letter do count = count + 1 end
        end
        equal(count, 2 * #iterator)
    end)

    case("the characters are looked at in each call, and only then", function()
        for _, which in ipairs { {}, true, print } do
            local iterator <close>, given = make(which)
            equal(given, which)
            equal(fails(function() return iterator(given) end, "bad argument #2"):match("%((.*)%)"),
                  "string expected, got " .. type(which))
        end
        local absent <close>, ended = make(), nil
        fails(function() for _ in make() do ended = true end end, "string expected, got nil")
        equal(ended, nil)
        fails(function() return absent(nil) end, "(string expected, got nil)")
        fails(function() return absent() end, "(string expected, got no value)")
        local iterator <close>, unknown = make(letter .. "?Z")
        fails(function() return iterator(unknown) end, "unknown mode char (got '?')")
        -- Where there is nothing to return nothing is looked for.
        equal(select("#", iterator(unknown, #iterator)), 0)
        fails(function() return iterator(letter, {}) end, "number expected, got table")
        fails(function() return iterator({}, {}) end, "string expected, got table")
        fails(function() return iterator(letter, 0.5) end, "no integer representation")
    end)

    case("a closed iterator says so, and closing it again does nothing", function()
        for _, close in ipairs { "__close", "__gc" } do
            local iterator = make(letter)
            local metatable = getmetatable(iterator)
            equal(select("#", metatable[close](iterator)), 0)
            metatable.__close(iterator)
            metatable.__gc(iterator)
            fails(function() return iterator(letter) end,
                  "bad argument #1 to 'iterator' " .. closed)
            fails(function() return iterator({}, {}) end, closed)
            fails(function() return #iterator end, "bad argument #1 to 'len' " .. closed)
        end
    end)

    case("the metamethods take nothing else for an iterator", function()
        local iterator <close> = make(letter)
        local metatable = getmetatable(iterator)
        for _, other in ipairs { 1, "x", {}, io.stdout, setmetatable({}, metatable) } do
            for _, name in ipairs { "__call", "__len", "__close" } do
                fails(function() metatable[name](other) end, class .. " expected, got ")
            end
            metatable.__gc(other)
        end
    end)

    case("a finalizer that closes the iterator it runs in does no harm", function()
        local iterator = make(letters)
        local close <const> = getmetatable(iterator).__close
        collectgarbage() -- no string that it makes is there already
        collectgarbage("generational")
        collectgarbage("stop")
        setmetatable({}, { __gc = function() close(iterator) end })
        collectgarbage("restart") -- the next string that is made runs it
        local done, problem = pcall(iterator, letters)
        collectgarbage("incremental")
        suite.ok(not done, "no finalizer ran")
        suite.ok(string.find(problem, closed, 1, true), problem)
    end)

    case("values for as many characters as the stack has room for", function()
        local iterator <close> = make(letter)
        equal(select("#", iterator(string.rep(letter, 100000))), 100001)
        fails(function() return iterator(string.rep(letter, 1000000)) end, "stack overflow")
    end)

    case("a snapshot that is dropped is collected, and what it used is gone", function()
        local before = select(2, native.descriptors())
        local gone = setmetatable({}, { __mode = "k" })
        for _ = 1, 100 do gone[(make(letter))] = true end
        collectgarbage()
        collectgarbage()
        equal(next(gone), nil)
        equal(select(2, native.descriptors()), before)
    end)
end
