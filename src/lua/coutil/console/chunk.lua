-- Chunks from lines, as the stock interpreter reads them: an expression is shown, and a statement
-- may go on for as many lines as it takes.

local chunk = {}

local name <const> = "=stdin"

local function is_incomplete(problem)
    return string.find(problem, "<eof>%f[%z]") ~= nil or string.find(problem, "<eof>$") ~= nil
end

-- Reads one chunk: `read` is an await function from a prompt to a line, nil at the end or false
-- when it was interrupted. Returns the function; or nil and the message of the compiler; or just
-- nil or false, as `read` did.
function chunk.read(read, first_prompt, other_prompt)
    local text = read(first_prompt)
    if not text then return text end
    text = string.gsub(text, "^=", "return ")
    local expression <const> = load("return " .. text, name)
    if expression then return expression end
    while true do
        local statement <const>, problem <const> = load(text, name)
        if statement or not is_incomplete(problem) then return statement, problem end
        local more <const> = read(other_prompt)
        if more == nil then return nil, problem end
        if not more then return false end
        text = text .. "\n" .. more
    end
end

return chunk
