-- Goal: what `cmake --install` puts down works by itself: the modules where a stock interpreter
-- looks, the command, and the library for native modules. Method: installs into a directory of its
-- own and runs programs that know nothing of the build tree.
-- Arguments: cmake, the build tree, the C compiler, the flags for Lua's headers.

local cmake <const>, build <const>, compiler <const>, flags <const> = arg[1], arg[2], arg[3], arg[4]

local function run(form, ...)
    local command <const> = string.format(form, ...)
    local pipe <const> = assert(io.popen(command .. " 2>&1", "r"))
    local output <const> = pipe:read("a")
    if not pipe:close() then
        error(command .. "\n" .. output, 2)
    end
    return output
end

local function expect(output, expected)
    if output ~= expected then
        error(string.format("expected %q, got %q", expected, output), 2)
    end
end

local root <const> = run("mktemp -d"):match("^(.-)\n$")
local function clear()
    os.execute("rm -rf '" .. root .. "'")
end
local _ <close> = setmetatable({}, { __close = clear })
local here <const> = arg[0]:match("^(.*)/[^/]*$")

run("'%s' --install '%s' --prefix '%s'", cmake, build, root)
local libraries <const> = run("dirname $(find '%s' -name libluamem.so)", root):match("^(.-)\n")
local modules <const> = libraries .. "/lua/5.4"
local environment <const> = string.format(
    "LUA_PATH='%s/share/lua/5.4/?.lua' LUA_CPATH='%s/?.so' ", root, modules)

-- A program with modules of both kinds.
local program <const> = root .. "/program.lua"
local file <const> = assert(io.open(program, "w"))
file:write([[
    local system = require "coutil.system"
    local event = require "coutil.event"
    coroutine.wrap(function() event.await "now" print "heard" end)()
    coroutine.wrap(function() system.suspend(0.001) event.emitone "now" end)()
    system.run()
]])
file:close()
expect(run("%s lua5.4 '%s'", environment, program), "heard\n")

-- The command, whose modules are where Lua looks.
local awaiting <const> = 'print(require "coutil.system".suspend(0))'
expect(run("%s '%s/bin/coutil' -e '%s'", environment, root, awaiting), "true\n")

-- A native module. Its memories are ours: they can be resized.
run("'%s' -shared -fPIC %s -I'%s/include' -o '%s/native_user.so' "
    .. "'%s/native_user.c' -L'%s' -lluamem -Wl,-rpath,'%s'",
    compiler, flags, root, modules, here, libraries, libraries)
local chunk <const> = [[
    local memory = require "memory"
    local made = require "native_user" "text"
    made:resize(6, "ual")
    print(memory.type(made), made:tostring())
]]
expect(run("%s lua5.4 -e '%s'", environment, chunk), "resizable\ttextua\n")

-- Once more over what is there.
run("'%s' --install '%s' --prefix '%s'", cmake, build, root)
print("installed, used, and installed again")
