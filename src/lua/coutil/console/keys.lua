-- What the bytes of a terminal in raw mode mean: characters, or keys with a name. Bytes come one at
-- a time, and some make a key only together.

local controls <const> = {
    [1] = "home", [2] = "left", [3] = "interrupt", [4] = "end of input", [5] = "end",
    [6] = "right", [8] = "rub out", [9] = "tab", [10] = "enter", [11] = "cut to end",
    [12] = "clear screen", [13] = "enter", [14] = "next", [16] = "previous", [20] = "swap",
    [21] = "cut to start", [23] = "cut word", [25] = "paste", [127] = "rub out",
}

-- Behind ESC, or behind ESC and the bracket or letter that announces a sequence.
local sequences <const> = {
    ["[A"] = "previous", ["[B"] = "next", ["[C"] = "right", ["[D"] = "left",
    ["[H"] = "home", ["[F"] = "end", ["OA"] = "previous", ["OB"] = "next", ["OC"] = "right",
    ["OD"] = "left", ["OH"] = "home", ["OF"] = "end", ["[1~"] = "home", ["[3~"] = "delete",
    ["[4~"] = "end", ["[7~"] = "home", ["[8~"] = "end", ["[1;5C"] = "next word",
    ["[1;5D"] = "previous word", ["f"] = "next word", ["b"] = "previous word",
    ["\127"] = "cut word",
}

-- Whether a sequence ends here: a letter, or ESC [ with parameters and a final byte.
local function is_complete(sequence)
    local first <const> = string.sub(sequence, 1, 1)
    if first == "[" then return string.find(sequence, "^%[[\x20-\x3F]*[\x40-\x7E]$") ~= nil end
    return first ~= "O" or #sequence == 2
end

local longest <const> = 16 -- no sequence of a key has more bytes

-- How many bytes a character has whose first one this is; nil for what begins none.
local function size_of(byte)
    return byte < 0x80 and 1 or byte >= 0xC2 and byte < 0xE0 and 2
        or byte >= 0xE0 and byte < 0xF0 and 3 or byte >= 0xF0 and byte < 0xF5 and 4 or nil
end

local keys = {}
keys.__index = keys

function keys.create()
    return setmetatable({ pending = "" }, keys)
end

-- Takes a byte. Returns the key it completes, if any: its name, or "character" and the character.
-- What has no meaning is swallowed.
function keys:take(byte)
    local code <const> = string.byte(byte)
    if string.byte(self.pending) == 27 then
        self.pending = self.pending .. byte
        local sequence <const> = string.sub(self.pending, 2)
        if is_complete(sequence) or #sequence > longest then
            self.pending = ""
            return sequences[sequence]
        end
        return nil
    end
    if self.pending ~= "" and code & 0xC0 ~= 0x80 then self.pending = "" end
    if self.pending == "" and (code < 32 or code == 127) then
        if code == 27 then self.pending = byte end
        return controls[code]
    end
    local bytes <const> = self.pending .. byte
    local size <const> = size_of(string.byte(bytes))
    self.pending = size and #bytes < size and bytes or ""
    if size == #bytes and utf8.len(bytes) == 1 then return "character", bytes end
    return nil
end

return keys
