-- The lines of a session, and walking through them. The line that was begun before the walk is kept
-- and found again at its end.

local history = {}
history.__index = history

local most <const> = 1000

function history.create()
    return setmetatable({ lines = {}, at = 1, draft = "" }, history)
end

-- Adds a line, unless it is empty or as the last one; the next walk starts from the end.
function history:add(text)
    local lines <const> = self.lines
    if string.find(text, "%S") and lines[#lines] ~= text then
        lines[#lines + 1] = text
        if #lines > most then table.remove(lines, 1) end
    end
    self.at = #lines + 1
    self.draft = ""
end

-- The line before or after, or nil where there is none. `text` is the line as it is now.
function history:walk(step, text)
    local goal <const> = self.at + step
    if goal < 1 or goal > #self.lines + 1 then return nil end
    if self.at == #self.lines + 1 then self.draft = text end
    self.at = goal
    return self.lines[goal] or self.draft
end

return history
