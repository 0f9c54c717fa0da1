-- Manual: Independent State (behaviour 15.1, 19, D6, D32): what a state of its own is made of, and
-- what it shares with others, seen through state coroutines.

local suite = require("support.suite").strict()
local system = require "coutil.system"
local coroutines = require "coutil.coroutine"
local native = require "native"
local tasks = require "support.tasks"
local child = require "support.child"

local case, equal, same, ok = suite.case, suite.equal, suite.same, suite.ok

-- What the chunk returns, which must not fail, in a state that is closed after that.
local function run(chunk, ...)
    local co <close> = assert(coroutines.load(chunk))
    local results = table.pack(tasks.await(system.resume, co, ...))
    if not results[1] then error(results[2], 2) end
    return table.unpack(results, 2, results.n)
end

run "" -- from the first one on the engine keeps a descriptor for its workers

-- The environment ----------------------------------------------------------------------------

local sorted <const> = [[
local table = require "table"
local function names(of)
    local list = {}
    for name in require "_G".next, of do list[#list + 1] = name end
    table.sort(list)
    return table.concat(list, " ")
end
]]

-- Sets these entries of package.preload until the returned value is closed.
local function preloaded(entries)
    local before = {}
    for name, value in pairs(package.preload) do before[name] = value end
    for name, value in pairs(entries) do package.preload[name] = value end
    return setmetatable({}, { __close = function()
        for name in pairs(entries) do package.preload[name] = nil end
        for name, value in pairs(before) do package.preload[name] = value end
    end })
end

case("only require is global", function()
    local _ <close> = preloaded { traverse = next }
    equal(run [[
        local next, names = require "package".preload.traverse, ""
        for name in next, _ENV do names = names .. name .. " " end
        return names
    ]], "require ")
end)

case("requiring _G defines the basic functions, other libraries define nothing", function()
    local names = run(sorted .. "return names(require '_G')")
    equal(names, "_G _VERSION assert collectgarbage dofile error getmetatable ipairs load " ..
                 "loadfile next pairs pcall print rawequal rawget rawlen rawset require " ..
                 "select setmetatable tonumber tostring type warn xpcall")
    names = run(sorted .. [[
        local found = ""
        for _, name in require "_G".ipairs {
            "coroutine", "table", "io", "os", "string", "utf8", "math", "debug", "package"
        } do
            local library = require(name)
            found = found .. (type(library) == "table" and _ENV[name] == nil and "." or name)
        end
        return found
    ]])
    equal(names, ".........")
    equal(run [[ return require "_G" == _ENV and print == require "_G".print ]], true)
end)

case("package is loaded, the standard libraries are preloaded", function()
    equal(run [[
        local loaded = require "package".loaded
        return loaded.package == require "package" and loaded._G == nil and loaded.table == nil
    ]], true)
    local names = run(sorted .. "return names(require 'package'.preload)")
    for name in string.gmatch("_G coroutine table io os string utf8 math debug", "%S+") do
        ok(string.find(" " .. names .. " ", " " .. name .. " ", 1, true), name)
    end
    equal(string.find(" " .. names .. " ", " package ", 1, true), nil)
end)

case("the chunk runs in a coroutine", function()
    same({ run [[
        local coroutine = require "coroutine"
        local _, main = coroutine.running()
        return coroutine.isyieldable(), main
    ]] }, { true, false })
end)

case("three dots are the arguments", function()
    same({ run("return require '_G'.select('#', ...), ...", 1, nil, "x", nil) },
         { 4, 1, nil, "x", nil })
    equal(run "return require '_G'.select('#', ...)", 0)
end)

-- Preloaded modules --------------------------------------------------------------------------

case("Lua functions are inherited, with the globals as their first upvalue and no other", function()
    local lost = "lost"
    local _ <close> = preloaded {
        globals = function() return { name = marker, is = _ENV } end, -- luacheck: ignore 113
        upvalues = function() return { name = _ENV ~= nil and "globals", lost = lost } end,
        ["with\0zero"] = function(...) return (...) end,
        constant = load("return 5", "=constant"),
    }
    same({ run [[
        marker = "inner"
        local globals = require "globals"
        return globals.name, globals.is == _ENV
    ]] }, { "inner", true })
    same({ run "local m = require 'upvalues' return m.name, m.lost" }, { "globals", nil })
    equal(run "return require 'package'.preload['with\\0zero'](5)", 5)
    equal(run "return (require 'constant')", 5)
end)

case("C functions are inherited by address", function()
    local _ <close> = preloaded { cfunction = math.type, strings = string.upper }
    equal(run "return (require 'strings')", "STRINGS")
end)

case("what cannot be inherited is left out", function()
    local callable = setmetatable({}, { __call = function() return 1 end })
    local _ <close> = preloaded {
        callable = callable, [5] = function() return 5 end, text = "text", [true] = print,
        file = io.stdout, kept = function() return "kept" end,
    }
    same({ run [[
        local preload = require "package".preload
        return preload.callable, preload[5], preload.text, preload[true], preload.file,
               (require "kept")
    ]] }, { nil, nil, nil, nil, nil, "kept" })
end)

case("a standard library that was replaced is inherited as it is", function()
    local _ <close> = preloaded { utf8 = function() return "mine" end }
    equal(run "return (require 'utf8')", "mine")
end)

case("states made by states inherit what those have", function()
    local _ <close> = preloaded { module = function() return "inherited" end }
    same({ run [[
        require "_G"
        local coroutine = require "coroutine"
        local system, coroutines = require "coutil.system", require "coutil.coroutine"
        require "package".preload.other = function() return "other" end
        local inner = coroutines.load "return (require 'module'), (require 'other')"
        local results
        coroutine.wrap(function() results = { system.resume(inner) } end)()
        system.run()
        return require "table".unpack(results)
    ]] }, { true, "inherited", "other" })
end)

case("changes of package.path and package.cpath are not inherited", function()
    local path, cpath = package.path, package.cpath
    local _ <close> = setmetatable({}, { __close = function()
        package.path, package.cpath = path, cpath
    end })
    package.path, package.cpath = "nowhere", "nowhere"
    local got, cgot = run "local package = require 'package' return package.path, package.cpath"
    equal(got, path)
    equal(cgot, cpath)
end)

case("the environment is read even where the interpreter was told not to", function()
    local output = child.expect([[
        debug.getregistry().LUA_NOENV = true
        local system, coroutines = require "coutil.system", require "coutil.coroutine"
        local co = coroutines.load "return require 'package'.path"
        coroutine.wrap(function() print(select(2, system.resume(co))) end)()
        system.run()
    ]], { environment = { LUA_PATH = "marked/?.lua;" .. os.getenv "LUA_PATH" } })
    equal(string.sub(output, 1, 13), "marked/?.lua;")
end)

case("the C modules are loaded through package.preload in any order", function()
    local library = assert(package.searchpath("coutil", package.cpath))
    local memories = assert(package.searchpath("memory", package.cpath))
    local script = [[
        local order, library, memories = { ORDER }, ]] .. string.format("%q, %q", library, memories)
    for _, order in ipairs {
        "'coroutine', 'system', 'memory'", "'memory', 'coroutine', 'system'",
        "'system', 'memory', 'coroutine'", "'coroutine', 'memory', 'system'",
    } do
        local output = child.expect(string.gsub(script, "ORDER", order) .. [[
            for _, name in ipairs(order) do
                local full = name == "memory" and name or "coutil." .. name
                local opener = "luaopen_" .. string.gsub(full, "%.", "_")
                package.preload[full] =
                    assert(package.loadlib(name == "memory" and memories or library, opener))
            end
            package.cpath = "" -- only by preloading from here on
            for _, name in ipairs(order) do
                require(name == "memory" and name or "coutil." .. name)
            end
            local chunk = [=[
                require "_G"
                require "package".cpath = ""
                for _, name in ipairs { ... } do
                    require(name == "memory" and name or "coutil." .. name)
                end
                local coroutine, system = require "coroutine", require "coutil.system"
                local inner = require "coutil.coroutine".load "return require'memory' and 'inner'"
                local results
                coroutine.wrap(function() results = { system.resume(inner) } end)()
                system.run()
                return require "table".unpack(results)
            ]=]
            local system = require "coutil.system"
            local co = require "coutil.coroutine".load(chunk)
            coroutine.wrap(function() print(system.resume(co, table.unpack(order))) end)()
            system.run()
        ]])
        equal(output, "true\ttrue\tinner\n")
    end
end)

-- Warnings -----------------------------------------------------------------------------------

local warned <const> = child.prelude .. [[
local coroutines = require "coutil.coroutine"
local function inner(chunk)
    local co <close> = assert(coroutines.load("local warn = require'_G'.warn " .. chunk))
    print(tasks.await(system.resume, co))
    io.stdout:flush()
end
io.stdout:setvbuf "no"
]]

case("warnings are off at first, in the words of the stock interpreter, for each state", function()
    equal(child.expect(warned .. [[
        warn "@on"
        inner "warn 'unseen'"
        inner "warn '@on' warn 'a' warn('b', 'c', 'd') warn '@off' warn 'e' warn '@on' warn 'f'"
        warn "main"
        warn "@off"
        inner "warn '@on' warn 'still' warn '@unknown' warn('@', 'on') warn('x', '@off') warn 'y'"
        warn "unseen"
    ]]), [[
true
Lua warning: a
Lua warning: bcd
Lua warning: f
true
Lua warning: main
Lua warning: still
Lua warning: @on
Lua warning: x@off
Lua warning: y
true
]])
end)

case("a control message may end in pieces as it may in the stock interpreter", function()
    for _, calls in ipairs {
        "warn('x', '@on') warn 'a'", "warn('@on', '') warn 'b'", "warn '@on' warn '' warn '@off'",
        "warn '@on' warn('', '') warn 'c'",
    } do
        local stock = child.expect(calls)
        local ours = child.expect(warned .. ("inner %q"):format(calls))
        equal(ours, stock .. "true\n", calls)
    end
end)

case("a line is written at once, however many pieces it has", function()
    local output = child.expect(warned .. [[
        local long = [=[
            require "_G"
            local warn, rep = require "_G".warn, require "string".rep
            warn "@on"
            local letter = rep(..., 100)
            for _ = 1, 50 do warn(letter, letter, letter, letter, letter) end
        ]=]
        for _, letter in ipairs { "a", "b", "c", "d" } do
            tasks.spawn(function()
                assert(system.resume(assert(coroutines.load(long)), letter))
            end)
        end
        tasks.run()
    ]])
    local count = 0
    for line in string.gmatch(output, "[^\n]+") do
        local letters = string.match(line, "^Lua warning: (%a+)$")
        ok(letters, line)
        equal(letters, string.rep(string.sub(letters, 1, 1), 500))
        count = count + 1
    end
    equal(count, 200)
end)

case("an error in a coroutine of the state is a warning of the state", function()
    equal(child.expect(warned .. [[
        inner [=[
            warn '@on'
            local system, coroutine = require "coutil.system", require "coroutine"
            coroutine.wrap(function() system.suspend() require"_G".error("oops", 0) end)()
            system.run()
        ]=]
    ]]), "Lua warning: [coutil] system.run: oops\ntrue\n")
end)

-- Schedulers ---------------------------------------------------------------------------------

case("each state has its own scheduler", function()
    local running
    tasks.spawn(function()
        local co <close> = coroutines.load [[
            local system = require "coutil.system"
            return system.isrunning(), system.run(), system.isrunning()
        ]]
        system.suspend()
        local before = system.isrunning()
        running = { before, select(2, system.resume(co)) }
    end)
    tasks.run()
    same(running, { true, false, false, false })
end)

case("timers run in a state", function()
    same({ run [[
        local _G = require "_G"
        local system, coroutine = require "coutil.system", require "coroutine"
        local order = ""
        for i, seconds in _G.ipairs { 0.030, 0.010, 0, 0.020 } do
            coroutine.wrap(function()
                system.suspend(seconds)
                order = order .. i
            end)()
        end
        local pending = system.run()
        return pending, order
    ]] }, { false, "3241" })
end)

local echo <const> = [[
require "_G"
local coroutine, system = require "coroutine", require "coutil.system"
local memory = require "memory"
local count = ...
local listener = assert(system.socket("passive", "ipv4"))
assert(listener:bind(system.address("ipv4", "127.0.0.1:0")))
assert(listener:listen(8))
require "coroutine".yield(listener:getaddress().port)
coroutine.wrap(function()
    for _ = 1, count do
        local stream = assert(listener:accept())
        coroutine.wrap(function()
            local buffer = memory.create(64)
            while true do
                local size = stream:read(buffer)
                if not size then break end
                system.suspend(0.0001)
                assert(stream:write(buffer, 1, size))
            end
            stream:close()
        end)()
    end
    listener:close()
end)()
assert(not system.run())
return "served"
]]

case("a server in one state talks to clients in this one and in others", function()
    local client <const> = [[
        require "_G"
        local coroutine, system = require "coroutine", require "coutil.system"
        local memory, port = require "memory", ...
        local done = 0
        for i = 1, 3 do
            coroutine.wrap(function()
                local stream <close> = assert(system.socket("stream", "ipv4"))
                assert(stream:connect(system.address("ipv4", "127.0.0.1:" .. port)))
                local buffer = memory.create(64)
                for round = 1, 10 do
                    local text = i .. ":" .. round
                    assert(stream:write(text))
                    assert(stream:read(buffer) == #text)
                    assert(memory.tostring(buffer, 1, #text) == text)
                    done = done + 1
                end
            end)()
        end
        assert(not system.run())
        return done
    ]]
    local server <close> = assert(coroutines.load(echo))
    local port = select(2, tasks.await(system.resume, server, 6))
    local results = {}
    tasks.spawn(function() results[1] = select(2, system.resume(server)) end)
    for index = 2, 3 do
        tasks.spawn(function()
            local co <close> = assert(coroutines.load(client))
            results[index] = select(2, system.resume(co, port))
        end)
    end
    tasks.run()
    same(results, { "served", 30, 30 })
end)

case("states within states run on the workers of all, and close what they have", function()
    equal(run [[
        require "_G"
        local coroutine, system = require "coroutine", require "coutil.system"
        local coroutines = require "coutil.coroutine"
        local sum = 0
        for i = 1, 3 do
            coroutine.wrap(function()
                local co = coroutines.load "local a = ... return a * 2"
                local doubled = select(2, system.resume(co, i))
                sum = sum + doubled
                assert(system.findaddr("127.0.0.1", "80", "n"))
            end)()
        end
        assert(not system.run())
        return sum
    ]], 12)
end)

case("states that load the modules in many threads at once have what they need", function()
    local chunk <const> = [[
        require "_G"
        local index = ...
        local system = require "coutil.system"
        local coroutines, memory = require "coutil.coroutine", require "memory"
        local coroutine, slept = require "coroutine", 0
        for _ = 1, 10 do
            coroutine.wrap(function() system.suspend(0.001) slept = slept + 1 end)()
        end
        local buffer = memory.create(10)
        system.run()
        return index, slept, memory.len(buffer)
    ]]
    local sum = 0
    for _ = 1, 5 do
        for index = 1, 20 do
            tasks.spawn(function()
                local co <close> = assert(coroutines.load(chunk))
                same({ system.resume(co, index) }, { true, index, 10, 10 })
                sum = sum + index
            end)
        end
        tasks.run()
    end
    equal(sum, 5 * 210)
end)

case("standard streams and descriptors of others outlive every state", function()
    local before = native.descriptors()
    for _ = 1, 20 do
        run "local system = require 'coutil.system' require'io'.stdout:write('') system.run()"
    end
    same(native.descriptors(), before)
    ok(io.stdout:write(""))
    equal(io.type(io.stdin), "file")
end)

case("a state whose loop ran on workers is closed by its creator", function()
    local co = assert(coroutines.load [[
        require "_G"
        local coroutine, system = require "coroutine", require "coutil.system"
        local coroutines = require "coutil.coroutine"
        local yield = coroutine.yield
        for round = 1, 3 do
            coroutine.wrap(function()
                system.suspend(0.001)
                system.resume(coroutines.load "") -- its mailbox is opened
            end)()
            assert(not system.run())
            yield(round)
        end
    ]])
    for round = 1, 3 do
        same({ tasks.await(system.resume, co) }, { true, round })
    end
    equal(co:close(), true)
end)

case("light userdata are the same address everywhere", function()
    local address = debug.upvalueid(run, 1)
    local got = run("return (...)", address)
    equal(got, address)
end)

suite.finish()
