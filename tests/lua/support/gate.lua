-- Where a state stops until its creator lets it go on, and where the creator waits until it has
-- come there: a FIFO, whose both ends wait for each other when they are opened.

local gate = {}
gate.__index = gate

-- For the chunks of states, which call `pass(path)`.
gate.prelude = [[
local _G = require "_G"
local function pass(path)
    local file = assert(require"io".open(path, "r"))
    file:read("l")
    file:close()
end
]]

function gate.create()
    local path = os.tmpname()
    os.remove(path)
    assert(os.execute("mkfifo -m 600 " .. path))
    return setmetatable({ path = path }, gate)
end

-- Waits until somebody is in front of the gate. Blocks this thread.
function gate:await()
    self.file = assert(io.open(self.path, "w"))
end

function gate:open()
    if self.file == nil then
        self:await()
    end
    self.file:close()
    self.file = nil
end

function gate:__close()
    if self.file ~= nil then
        self.file:close()
    end
    os.remove(self.path)
end

return gate
