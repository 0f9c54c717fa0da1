-- The options of the command, which are those of the stock interpreter.

local command_line = {}

command_line.usage = [=[
usage: coutil [options] [script [args]]
Available options are:
  -e stat   execute string 'stat'
  -i        enter interactive mode after executing 'script'
  -l mod    require library 'mod' into global 'mod'
  -l g=mod  require library 'mod' into global 'g'
  -v        show version information
  -E        ignore the variable COUTIL_INIT
  -W        turn warnings on
  --        stop handling options
  -         stop handling options and execute stdin
]=]

local switches <const> = { i = "interactive", v = "version", E = "no_init", W = "warnings" }

-- What the arguments ask for: switches by name; `steps`, a list of { "execute", text } and
-- { "require", text }; `script`, the index of the script, or nil. Nil and a message for what is no
-- option.
function command_line.parse(words)
    local asked <const> = { steps = {} }
    local at = 1
    while words[at] do
        local word <const> = words[at]
        if word == "-" or string.sub(word, 1, 1) ~= "-" then
            asked.script = at
            return asked
        elseif word == "--" then
            asked.script = words[at + 1] and at + 1
            return asked
        end
        local letter <const>, text = string.match(word, "^%-([el])(.*)$")
        if letter then
            if text == "" then
                at = at + 1
                text = words[at]
            end
            if not text or #word == 2 and string.sub(text, 1, 1) == "-" then
                return nil, string.format("'%s' needs argument", word)
            end
            table.insert(asked.steps, { letter == "e" and "execute" or "require", text })
        else
            local switch <const> = switches[string.match(word, "^%-(.)$")]
            if not switch then return nil, string.format("unrecognized option '%s'", word) end
            asked[switch] = true
        end
        at = at + 1
    end
    return asked
end

-- The table `arg` of a script at that index: itself is 0, its arguments follow, and before it is
-- all that came before.
function command_line.arguments(words, script)
    local first = 0
    while words[first - 1] do first = first - 1 end
    local shifted <const> = {}
    for at = first, #words do shifted[at - script] = words[at] end
    return shifted
end

return command_line
