-- Lines from a standard stream that is no terminal, or where there is nothing to edit with.

local memory = require "memory"

local lines = {}
lines.__index = lines

-- `input` is a stream, a file or a terminal; prompts go to standard output.
function lines.create(input)
    return setmetatable({ input = input, buffer = memory.create(4096), rest = "" }, lines)
end

-- An await function: the next line, or nil at the end.
function lines:read(prompt)
    io.stdout:write(prompt)
    io.stdout:flush()
    local text = self.rest
    while not string.find(text, "\n", 1, true) do
        local count <const> = self.input:read(self.buffer)
        if not count or count == 0 then
            self.rest = ""
            return text ~= "" and text or nil
        end
        text = text .. self.buffer:tostring(1, count)
    end
    local first <const>, rest <const> = string.match(text, "^(.-)\r?\n(.*)$")
    self.rest = rest
    return first
end

function lines.make_way(_, body, ...)
    return body(...)
end

return lines
