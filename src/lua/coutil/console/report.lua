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

-- The handler for xpcall: the message with a traceback.
function report.trace(problem)
    if type(problem) ~= "string" then
        local metatable <const> = getmetatable(problem)
        local textual <const> = type(metatable) == "table" and metatable.__tostring
        if textual then return tostring(problem) end
        if type(problem) ~= "number" then
            problem = string.format("(error object is a %s value)", type(problem))
        end
    end
    return without_ours(debug.traceback(tostring(problem), 2))
end

function report.problem(message)
    io.stdout:flush()
    io.stderr:write("coutil: ", tostring(message), "\n")
    io.stderr:flush()
end

return report
