-- A process out of descriptors.

local native = require "native"

-- Calls the function while no further descriptor can be opened.
return function(body)
    -- Fill the gaps below the limit, which counts numbers and not descriptors.
    local highest = 0
    for fd in pairs(native.descriptors()) do highest = math.max(highest, fd) end
    local filled = {}
    repeat
        local fd = native.dup(0)
        filled[#filled + 1] = fd
    until fd > highest
    local old = native.limit(filled[#filled])
    native.close(table.remove(filled))
    local done, problem = xpcall(body, debug.traceback)
    native.limit(old)
    for _, fd in ipairs(filled) do native.close(fd) end
    if not done then error(problem, 0) end
end
