-- What a program finds when it loads the library (behaviour 19): the fields of the module, no
-- globals, the names the shared objects export.

local suite = require "support.suite"
local child = require "support.child"

local case, equal, ok = suite.case, suite.equal, suite.ok

-- The fields of behaviour 19.
local complete <const> = [[ address awaitch awaitsig copyfile cpuinfo emitsig execute filebits
    fileinfo findaddr getdir getenv getpriority grantfile halt isrunning linkfile listdir makedir
    maketemp movefile nameaddr nanosecs netinfo openfile ownfile packenv printall procinfo random
    removefile resume run setdir setenv setpriority socket stderr stdin stdout suspend time
    touchfile unpackenv ]]

local system = require "coutil.system"

local function path_of(name)
    return assert(package.searchpath(name, package.cpath))
end

case("the module has the documented fields, and one of ours", function()
    for name in string.gmatch(complete .. " engine", "%a+") do
        ok(system[name] ~= nil, name)
    end
    for name in pairs(system) do
        ok(name == "engine" or string.find(complete, "%s" .. name .. "%s"), name)
    end
end)

case("the module table is an ordinary table", function()
    equal(type(system), "table")
    equal(getmetatable(system), nil)
    system.ours = print
    equal(system.ours, print)
    system.ours = nil
end)

case("loading sets no globals and leaves package.loaded clean", function()
    local output = child.expect [[
local before = {}
for name in pairs(_G) do before[name] = true end
require "coutil.system"
require "memory"
for name in pairs(_G) do if not before[name] then print("global", name) end end
for name in pairs(package.loaded) do
    if string.find(name, "coutil") then print("loaded", name) end
end
]]
    equal(output, "loaded\tcoutil.system\n")
end)

case("the module coutil itself does not exist", function()
    local done = pcall(require, "coutil")
    equal(done, false)
end)

case("coutil.system is found by the all-in-one searcher in coutil.so", function()
    ok(string.find(path_of "coutil", "coutil%.so$"))
    local output = child.expect 'print(select(2, require "coutil.system"))'
    ok(string.find(output, "/coutil%.so\n$"), output)
end)

case("so is coutil.event: no file in Lua comes before it", function()
    local output = child.expect 'print(select(2, require "coutil.event"))'
    ok(string.find(output, "/coutil%.so\n$"), output)
end)

-- Exported names, as readelf tells them.
local function exports(name)
    local pipe = io.popen("readelf --dyn-syms --wide '" .. path_of(name) .. "' 2>/dev/null")
    local names = {}
    for line in pipe:lines() do
        local kind, binding, place, symbol =
            string.match(line, "^%s*%d+:%s+%x+%s+%S+%s+(%u+)%s+(%u+)%s+%u+%s+(%S+)%s+(%S+)")
        if symbol and place ~= "UND" and binding ~= "LOCAL" and kind ~= "SECTION" then
            names[#names + 1] = symbol
        end
    end
    pipe:close()
    if #names == 0 then suite.skip("readelf is not here") end
    return names
end

case("coutil.so exports nothing but its entry points", function()
    for _, name in ipairs(exports "coutil") do
        ok(string.find(name, "^luaopen_coutil_"), name)
    end
end)

case("memory.so exports its entry point and the interface of lua-memory", function()
    local found = false
    for _, name in ipairs(exports "memory") do
        ok(name == "luaopen_memory" or string.find(name, "^luamem_"), name)
        found = found or name == "luaopen_memory"
    end
    ok(found)
end)

case("neither brings a Lua of its own", function()
    for _, name in ipairs { "coutil", "memory" } do
        local pipe = io.popen("readelf --dynamic --wide '" .. path_of(name) .. "' 2>/dev/null")
        local text = pipe:read("a")
        pipe:close()
        if text == "" then suite.skip("readelf is not here") end
        equal(string.find(text, "liblua", 1, true), nil)
    end
end)

suite.finish()
