-- Editing a line on a terminal in raw mode. Whoever reads a line waits as in any other read: other
-- coroutines run meanwhile, and may put out lines of their own above the one that is edited.

local memory = require "memory"
local keys = require "coutil.console.keys"
local line = require "coutil.console.line"
local width = require "coutil.console.width"

local editor = {}
editor.__index = editor

-- `input` and `output` are terminals; `past` is a history.
function editor.create(input, output, past)
    return setmetatable({
        input = input,
        output = output,
        past = past,
        keys = keys.create(),
        byte = memory.create(1), -- no more at a time: what comes behind the line may be others'
        clipboard = "",
    }, editor)
end

-- The columns from character `first` to `last`.
local function columns(of, first, last)
    local sum = 0
    for place = first, last do sum = sum + width(of[place]) end
    return sum
end

-- What shows the prompt and the part of the line around the cursor that fits into one row.
local function drawing(prompt, of, room)
    local first, last = 1, #of
    while columns(of, first, of.at) > room do first = first + 1 end
    while columns(of, first, last) > room do last = last - 1 end
    local behind <const> = columns(of, of.at + 1, last)
    return "\r" .. prompt .. table.concat(of, "", first, last) .. "\27[K"
        .. (behind > 0 and string.format("\27[%dD", behind) or "")
end

function editor:picture()
    local wide <const> = self.output:winsize()
    local room <const> = (wide and wide > 0 and wide or 80) - utf8.len(self.prompt, 1, -1, true) - 1
    return drawing(self.prompt, self.edited, math.max(room, 4))
end

-- What to do for a key; those that return true have ended the line.
local actions <const> = {}

actions["left"] = function(_, of) of.at = math.max(of.at - 1, 0) end
actions["right"] = function(_, of) of.at = math.min(of.at + 1, #of) end
actions["home"] = function(_, of) of.at = 0 end
actions["end"] = function(_, of) of.at = #of end
actions["previous word"] = function(_, of) of.at = of:word_left() end
actions["next word"] = function(_, of) of.at = of:word_right() end
actions["swap"] = function(_, of) of:swap() end
actions["rub out"] = function(_, of) if of.at > 0 then of:cut(of.at, of.at) end end
actions["delete"] = function(_, of) if of.at < #of then of:cut(of.at + 1, of.at + 1) end end
actions["tab"] = function(_, of) for _ = 1, 4 do of:insert(" ") end end
actions["character"] = function(_, of, character) of:insert(character) end

actions["cut to end"] = function(self, of)
    if of.at < #of then self.clipboard = of:cut(of.at + 1, #of) end
end

actions["cut to start"] = function(self, of)
    if of.at > 0 then self.clipboard = of:cut(1, of.at) end
end

actions["cut word"] = function(self, of)
    local first <const> = of:word_left() + 1
    if first <= of.at then self.clipboard = of:cut(first, of.at) end
end

actions["paste"] = function(self, of)
    for _, code in utf8.codes(self.clipboard, true) do of:insert(utf8.char(code)) end
end

actions["clear screen"] = function(self) self.output:write("\27[H\27[2J") end

local function walk(step)
    return function(self, of)
        local text <const> = self.past:walk(step, of:text())
        if text then of:set(text) end
    end
end

actions["previous"] = walk(-1)
actions["next"] = walk(1)

actions["enter"] = function(_, of)
    of.at = #of
    return true
end

actions["interrupt"] = function(_, of)
    of.interrupted = true
    return true
end

actions["end of input"] = function(self, of)
    of.over = #of == 0
    if not of.over then actions["delete"](self, of) end
    return of.over
end

-- Handles keys until the line has ended; false when the terminal has.
local function edit(self)
    local of <const> = self.edited
    self.output:write(self:picture())
    repeat
        if not self.input:read(self.byte) then return false end
        local key <const>, character <const> = self.keys:take(self.byte:tostring())
        local ended <const> = key and actions[key](self, of, character)
        if key then self.output:write(self:picture()) end
    until ended
    return true
end

-- An await function: the line that was entered. Nil at the end of the input, or false when the
-- line was interrupted.
function editor:read(prompt)
    self.prompt, self.edited = prompt, line.create()
    assert(self.input:setmode("raw"))
    local whole <const> = edit(self)
    local of <const> = self.edited
    self.edited = nil
    self.input:setmode("normal")
    self.output:write("\n")
    if not whole or of.over then return nil end
    if of.interrupted then return false end
    self.past:add(of:text())
    return of:text()
end

-- Calls the function, which puts out lines, while the edited line is out of the way.
function editor:make_way(body, ...)
    if not self.edited then return body(...) end
    io.stdout:write("\r\27[K")
    body(...)
    io.stdout:write(self:picture())
    io.stdout:flush()
end

return editor
