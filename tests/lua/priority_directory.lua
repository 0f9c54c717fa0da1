-- The priority of processes and the current directory (behaviour 10.1, 10.4).

local suite = require("support.suite").strict()
local system = require "coutil.system"
local native = require "native"
local child = require "support.child"
local shell = require "support.shell"

local case, equal, same, ok, fails = suite.case, suite.equal, suite.same, suite.ok, suite.fails

local nobody <const> = table.pack(false, "no such process", 3)
local names <const> = { highest = -20, high = -14, above = -7, normal = 0, below = 10, low = 19 }

-- Priority ----------------------------------------------------------------------------------------

local function nice_of(process)
    return math.tointeger(shell.expect("ps -o ni= -p " .. process):match("%S+"))
end

case("the priority of this process is told with its name, by zero or by its number", function()
    local name, number = system.getpriority(0)
    equal(math.type(number), "integer")
    equal(number, nice_of(native.getpid()))
    same(table.pack(system.getpriority(native.getpid())), table.pack(name, number))
    equal(names[name] or number, number)
end)

-- In a child: who lowers its priority cannot always raise it again.
local function tell(chunk)
    return child.expect([[
        local system = require "coutil.system"
        local function set(value)
            io.write(tostring((system.setpriority(0, value))), " ")
            print(system.getpriority(0))
        end
    ]] .. chunk)
end

case("priorities from normal down are set by name and by number", function()
    local _, now = system.getpriority(0)
    if now > 0 then suite.skip("this process does not run with normal priority") end
    equal(tell("for _, value in ipairs { 0, 5, 'below', 11, 18, 'low', 19 } do set(value) end"),
          table.concat({ "true normal\t0", "true other\t5", "true below\t10", "true other\t11",
                         "true other\t18", "true low\t19", "true low\t19", "" }, "\n"))
end)

case("priorities above normal are set by who may", function()
    local done = tell("print(system.setpriority(0, -1))")
    if not string.find(done, "^true") then suite.skip("this user may not raise priorities") end
    equal(tell([[
        for _, value in ipairs { "highest", "high", "above", "normal", -20, -19, -7, -1 } do
            set(value)
        end
    ]]), table.concat({ "true highest\t-20", "true high\t-14", "true above\t-7", "true normal\t0",
                        "true highest\t-20", "true other\t-19", "true above\t-7",
                        "true other\t-1", "" }, "\n"))
end)

case("who may not raise a priority is told so", function()
    shell.expect("setpriv --reuid=1 --clear-groups true")
    local command, path = child.command([[
        local done, system = pcall(require, "coutil.system")
        if not done then print("unreadable") return end
        print(system.setpriority(0, 5))
        print(system.setpriority(0, "normal"))
        print(system.setpriority(1, 5))
    ]], { wrap = "setpriv --reuid=1 --clear-groups" })
    os.execute("chmod a+r " .. path)
    local said = shell.output("(" .. command .. ")")
    os.remove(path)
    if string.find(said, "unreadable") then suite.skip("others cannot read the modules") end
    equal(said, "true\nfalse\tpermission denied\t13\nfalse\toperation not permitted\t1")
end)

case("the priority of another process is told and set", function()
    local other = native.fork()
    if other == 0 then
        while true do system.suspend(10, "~") end
    end
    local _, mine = system.getpriority(0)
    same(table.pack(system.getpriority(other)), table.pack(system.getpriority(0)))
    equal(system.setpriority(other, 19), true)
    same(table.pack(system.getpriority(other)), table.pack("low", 19))
    equal(nice_of(other), 19)
    equal(select(2, system.getpriority(0)), mine)
    native.kill(other, 9)
    native.wait(other)
    same(table.pack(system.getpriority(other)), nobody)
    same(table.pack(system.setpriority(other, "low")), nobody)
end)

case("numbers that no process has are a failure", function()
    for _, process in ipairs { 2147483647, 2147483648, 1 << 32, -1, math.mininteger,
                               math.maxinteger } do
        same(table.pack(system.getpriority(process)), nobody)
        same(table.pack(system.setpriority(process, "normal")), nobody)
        same(table.pack(system.setpriority(process, 0)), nobody)
    end
end)

case("an integer is a value, and all else has to be a name", function()
    for _, value in ipairs { -21, 20, math.maxinteger, math.mininteger } do
        equal(fails(function() system.setpriority(0, value) end, "out of"):match("bad argument.*"),
              "bad argument #2 to 'setpriority' (out of range)")
    end
    for _, value in ipairs { "other", "x", "", "5", "0" } do
        equal(fails(function() system.setpriority(0, value) end, "bad"):match("bad argument.*"),
              "bad argument #2 to 'setpriority' (invalid option '" .. value .. "')")
    end
    fails(function() system.setpriority(0, 5.0) end, "(invalid option '5.0')")
    fails(function() system.setpriority(0) end, "string expected, got no value")
    fails(function() system.setpriority(0, nil) end, "string expected, got nil")
    fails(function() system.setpriority(0, {}) end, "string expected, got table")
end)

case("the process comes first, and is an integer in any form", function()
    fails(function() system.setpriority("x", "x") end, "bad argument #1 to 'setpriority' (number")
    fails(function() system.setpriority() end, "bad argument #1 to 'setpriority' (number expected")
    fails(function() system.getpriority() end, "bad argument #1 to 'getpriority' (number expected")
    fails(function() system.getpriority(0.5) end, "no integer representation")
    same(table.pack(system.getpriority("0")), table.pack(system.getpriority(0.0)))
end)

-- Directory ---------------------------------------------------------------------------------------

-- Calls the function in a directory of its own, and comes back from wherever it went.
local function elsewhere(body)
    local home <const> = system.getdir()
    local directory <close> = shell.directory()
    local done, problem = xpcall(body, debug.traceback, shell.expect("realpath " .. directory.path))
    assert(system.setdir(home))
    if not done then error(problem, 0) end
end

case("the directory is that of the system, for all in the process", function()
    equal(system.getdir(), shell.expect("pwd -P"))
    elsewhere(function(path)
        equal(system.setdir(path), true)
        equal(system.getdir(), path)
        equal(shell.expect("pwd -P"), path)
        os.execute("mkdir inner")
        equal(select("#", system.setdir("inner/")), 1)
        equal(system.getdir(), path .. "/inner")
        equal(system.setdir(".."), true)
        equal(system.getdir(), path)
        equal(system.setdir("inner\0ignored"), true)
        equal(system.getdir(), path .. "/inner")
        equal(system.setdir("/"), true)
        equal(system.getdir(), "/")
    end)
end)

case("a number names a directory as its text does", function()
    elsewhere(function(path)
        assert(system.setdir(path))
        os.execute("mkdir 12")
        equal(system.setdir(12), true)
        equal(system.getdir(), path .. "/12")
    end)
end)

case("directories of any depth are told", function()
    elsewhere(function(path)
        assert(system.setdir(path))
        local name <const> = string.rep("d", 200)
        for depth = 1, 50 do
            os.execute("mkdir " .. name)
            assert(system.setdir(name))
            path = path .. "/" .. name
            if depth % 7 == 1 or depth > 45 then equal(system.getdir(), path) end
        end
        ok(#path > 2 * 4096)
    end)
end)

case("a directory that is not there is a failure, and nothing changes", function()
    elsewhere(function(path)
        assert(system.setdir(path))
        os.execute(": > file")
        same(table.pack(system.setdir("nowhere")),
             table.pack(false, "no such file or directory", 2))
        same(table.pack(system.setdir("")), table.pack(false, "no such file or directory", 2))
        same(table.pack(system.setdir("file")), table.pack(false, "not a directory", 20))
        same(table.pack(system.setdir(string.rep("x", 300))),
             table.pack(false, "name too long", 36))
        equal(system.getdir(), path)
    end)
end)

case("a directory that was removed is an error", function()
    elsewhere(function(path)
        os.execute("mkdir " .. path .. "/gone")
        assert(system.setdir(path .. "/gone"))
        os.execute("rmdir " .. path .. "/gone")
        local message = fails(system.getdir, "no such file or directory")
        equal(message, "no such file or directory")
        message = fails(function() system.getdir() end, "no such")
        ok(string.find(message, "priority_directory.lua:%d+: no such file or directory$"))
    end)
end)

case("setdir wants a path", function()
    equal(fails(function() system.setdir() end, "bad argument"):match("bad argument.*"),
          "bad argument #1 to 'setdir' (string expected, got no value)")
    fails(function() system.setdir({}) end, "string expected, got table")
    equal(select("#", system.getdir("ignored")), 1)
end)

suite.finish()
