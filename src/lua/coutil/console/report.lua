-- Errors, as the stock interpreter tells them.

local report = {}

-- Without the lines of a traceback that are about the console.
local function without_ours(text)
    local kept <const>, ours <const> = {}, "coutil/console/[%w_]+%.lua:%d+: in "
    for line in string.gmatch(text, "[^\n]+") do
        if string.find(line, ours) then
            local last <const> = kept[#kept]
            if last == "\t[C]: in function 'xpcall'" or last == "\t(...tail calls...)" then
                kept[#kept] = nil
            end
        else
            kept[#kept + 1] = line
        end
    end
    return table.concat(kept, "\n")
end

-- The text of an error value, whatever that is.
local function text_of(problem)
    local metatable <const> = getmetatable(problem)
    if type(problem) == "string" or type(problem) == "number" then return tostring(problem) end
    if type(metatable) == "table" and metatable.__tostring then
        local done <const>, text <const> = pcall(tostring, problem)
        if done then return text, true end
    end
    return string.format("(error object is a %s value)", type(problem))
end

-- The handler for xpcall: the message with a traceback, or what an object says of itself.
function report.trace(problem)
    local text <const>, own_words <const> = text_of(problem)
    return own_words and text or without_ours(debug.traceback(text, 2))
end

function report.problem(message)
    io.stdout:flush()
    io.stderr:write("coutil: ", (text_of(message)), "\n")
    io.stderr:flush()
end

return report
