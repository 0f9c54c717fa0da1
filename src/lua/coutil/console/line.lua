-- A line that is being edited: its characters, and where the cursor stands between them. Knows
-- nothing of terminals.

local line = {}
line.__index = line

function line.create()
    return setmetatable({ at = 0 }, line) -- so many characters stand left of the cursor
end

function line:text()
    return table.concat(self)
end

-- Replaces all of it; the cursor stands at the end.
function line:set(text)
    for place = #self, 1, -1 do self[place] = nil end
    for _, code in utf8.codes(text, true) do self[#self + 1] = utf8.char(code) end
    self.at = #self
end

function line:insert(character)
    self.at = self.at + 1
    table.insert(self, self.at, character)
end

-- Takes the characters from `first` to `last` out, and returns them as a text.
function line:cut(first, last)
    local text <const> = table.concat(self, "", first, last)
    table.move(self, last + 1, #self + last - first + 1, first)
    if self.at >= last then
        self.at = self.at - (last - first + 1)
    elseif self.at >= first then
        self.at = first - 1
    end
    return text
end

local function is_word(character)
    return character ~= nil and (#character > 1 or string.find(character, "[%w_]") ~= nil)
end

-- Where the cursor would be after moving over a word to the left or to the right.
function line:word_left()
    local at = self.at
    while at > 0 and not is_word(self[at]) do at = at - 1 end
    while at > 0 and is_word(self[at]) do at = at - 1 end
    return at
end

function line:word_right()
    local at = self.at
    while at < #self and not is_word(self[at + 1]) do at = at + 1 end
    while at < #self and is_word(self[at + 1]) do at = at + 1 end
    return at
end

-- Exchanges the characters around the cursor, and moves over them.
function line:swap()
    if #self < 2 or self.at == 0 then return end
    if self.at == #self then self.at = self.at - 1 end
    self[self.at], self[self.at + 1] = self[self.at + 1], self[self.at]
    self.at = self.at + 1
end

return line
