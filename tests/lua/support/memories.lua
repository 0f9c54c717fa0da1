-- What the tests of the module `memory` share.

local memory = require "memory"

local memories = {}

-- The results of a call with their number, so that no value and nil differ.
memories.results = table.pack

-- A resizable memory with these bytes.
function memories.resizable(text)
    local m = memory.create()
    m:resize(#text, text)
    return m
end

return memories
