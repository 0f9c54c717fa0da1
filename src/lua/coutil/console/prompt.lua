-- The conversation: reads a chunk, runs it, shows what it returned, and so on. Chunks run in
-- coroutines of their own, so they may await; the loop runs the others meanwhile.

local system = require "coutil.system"
local chunk = require "coutil.console.chunk"
local editor = require "coutil.console.editor"
local history = require "coutil.console.history"
local lines = require "coutil.console.lines"
local report = require "coutil.console.report"

-- Who reads lines here: an editor where there is a terminal that can be drawn on.
local function reader()
    local input <const>, output <const> = system.stdin, system.stdout
    if input and input.winsize and output and output.winsize and os.getenv("TERM") ~= "dumb" then
        return editor.create(input, output, history.create())
    end
    return lines.create(input)
end

-- Runs functions one at a time, each in a coroutine of its own, and waits for their ends. While one
-- waits for something, an interrupt ends it; one that never waits cannot be interrupted.
local runner = {}
runner.__index = runner

function runner.create()
    local self <const> = setmetatable({}, runner)
    self.watcher = coroutine.create(function()
        while system.awaitsig("interrupt") do self:finish(false, "interrupted!") end
    end)
    coroutine.resume(self.watcher)
    return self
end

-- The function has ended, in one way or another.
function runner:finish(...)
    local task <const>, caller <const> = self.task, self.caller
    if not task then return end
    self.task, self.caller = nil, nil
    self.results = table.pack(...)
    if coroutine.running() ~= task then coroutine.close(task) end
    if caller then coroutine.resume(caller) end
end

-- An await function: what the function returns behind true, or false and why it failed.
function runner:run(body)
    self.results = nil
    self.task = coroutine.create(function() self:finish(xpcall(body, report.trace)) end)
    coroutine.resume(self.task)
    if not self.results then
        self.caller = coroutine.running()
        repeat coroutine.yield() until self.results
    end
    return self.results
end

local function show(results)
    if not results[1] then
        report.problem(results[2])
    elseif results.n > 1 then
        local shown <const>, problem <const> = pcall(print, table.unpack(results, 2, results.n))
        if not shown then
            report.problem("error calling 'print'")
            report.problem(problem)
        end
    end
end

local function prompt_text(name, default)
    local text <const> = _G[name]
    return text == nil and default or tostring(text)
end

-- An await function: converses until the input ends.
return function()
    if not system.stdin then return end
    local from <const> = reader()
    local chunks <const> = runner.create()
    local plain_print <const> = print
    _G.print = function(...) return from:make_way(plain_print, ...) end -- luacheck: ignore 122
    local function read(prompt) return from:read(prompt) end
    while true do
        local compiled <const>, problem <const> =
            chunk.read(read, prompt_text("_PROMPT", "> "), prompt_text("_PROMPT2", ">> "))
        if compiled then
            show(chunks:run(compiled))
        elseif problem then
            report.problem(problem)
        elseif compiled == nil then
            break
        end
    end
    _G.print = plain_print -- luacheck: ignore 122
    coroutine.close(chunks.watcher)
end
