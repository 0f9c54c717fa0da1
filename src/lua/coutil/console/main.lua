-- The command coutil: does what its arguments ask for in a coroutine, and then runs the loop until
-- nothing is left to wait for.

local system = require "coutil.system"
local command_line = require "coutil.console.command_line"
local prompt = require "coutil.console.prompt"
local report = require "coutil.console.report"

local function version()
    local engine <const> = system.engine()
    print(string.format("coutil (Coring) on %s, engine %s", _VERSION, engine))
end

-- Runs a chunk that load or loadfile returned, or raises why it did not.
local function execute(compiled, problem, ...)
    if not compiled then error(problem, 0) end
    return compiled(...)
end

local function initialize()
    local text <const> = os.getenv("COUTIL_INIT")
    if not text then return end
    local path <const> = string.match(text, "^@(.*)$")
    if path then
        execute(loadfile(path))
    else
        execute(load(text, "=COUTIL_INIT"))
    end
end

local steps <const> = {}

function steps.execute(text)
    execute(load(text, "=(command line)"))
end

function steps.require(text)
    local name <const>, module <const> = string.match(text, "^(.-)=(.*)$")
    _G[name or text] = require(module or text)
end

local function run_script(words, index)
    local path <const> = words[index]
    arg = command_line.arguments(words, index) -- luacheck: ignore 121
    local compiled <const>, problem <const> =
        loadfile(path ~= "-" and path or nil) -- "-" is standard input
    execute(compiled, problem, table.unpack(words, index + 1))
end

-- Whether the input is a terminal somebody sits at.
local function is_attended()
    return system.stdin ~= nil and system.stdin.winsize ~= nil
end

local function do_all(asked, words)
    if asked.warnings then warn("@on") end
    if not asked.no_init then initialize() end
    for _, step in ipairs(asked.steps) do steps[step[1]](step[2]) end
    if asked.script then run_script(words, asked.script) end
    local asked_for_nothing <const> = not asked.script and #asked.steps == 0 and not asked.version
    if asked.interactive or asked_for_nothing and is_attended() then
        if not asked.version and not asked.interactive then version() end
        warn("@on") -- errors of coroutines would go unnoticed
        prompt()
        os.exit(true, true)
    elseif asked_for_nothing then
        execute(loadfile())
    end
end

-- Returns whether all went well. `words` is the table `arg` of the interpreter.
return function(words)
    local asked <const>, misuse <const> = command_line.parse(words)
    if not asked then
        report.problem(misuse)
        io.stderr:write(command_line.usage)
        return false
    end
    if asked.version or asked.interactive then version() end
    local well = true
    local program <const> = coroutine.create(function()
        local done <const>, problem <const> = xpcall(do_all, report.trace, asked, words)
        if done then return end
        well = false
        report.problem(problem)
        if system.isrunning() then system.halt() end
    end)
    coroutine.resume(program)
    if well then
        local done <const>, problem <const> = xpcall(system.run, report.trace)
        if not done then
            report.problem(problem)
            return false
        end
    end
    return well
end
