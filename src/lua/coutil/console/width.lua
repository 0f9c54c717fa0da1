-- How many columns of a terminal a character takes: two for those of East Asian scripts and most
-- pictures, none for marks that combine with the character before.

local wide <const> = {
    { 0x1100, 0x115F }, { 0x2E80, 0xA4CF }, { 0xAC00, 0xD7A3 }, { 0xF900, 0xFAFF },
    { 0xFE30, 0xFE6F }, { 0xFF00, 0xFF60 }, { 0xFFE0, 0xFFE6 }, { 0x1F300, 0x1FAFF },
    { 0x20000, 0x3FFFD },
}
local narrow <const> = { { 0x0300, 0x036F }, { 0x200B, 0x200F }, { 0xFE00, 0xFE0F } }

local function is_in(ranges, code)
    for _, range in ipairs(ranges) do
        if code >= range[1] and code <= range[2] then return true end
    end
    return false
end

return function(character)
    local code <const> = utf8.codepoint(character)
    if code < 0x300 then return 1 end
    return is_in(narrow, code) and 0 or is_in(wide, code) and 2 or 1
end
