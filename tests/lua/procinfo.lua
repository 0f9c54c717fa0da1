-- What is told about the process, its user and the machine (behaviour 13.1, D43), compared with
-- /proc and with other programs.

local suite = require("support.suite").strict()
local system = require "coutil.system"
local memory = require "memory"
local native = require "native"
local child = require "support.child"
local shell = require "support.shell"
local shortage = require "support.shortage"

local case, equal, same, ok, fails = suite.case, suite.equal, suite.same, suite.ok, suite.fails

local info <const> = system.procinfo
local kinds <const> = {
    string = "enThkvV$HU",
    integer = "ug=dmR<>iopPSwxX#^bfMr",
    float = "cs1lLt",
}

-- The number that a line of /proc/self/status tells.
local function status(name)
    return math.tointeger(string.match(shell.read("/proc/self/status"), name .. ":%s*(%d+)"))
end

-- How it is asked --------------------------------------------------------------------------------

case("each character is one value, of the type it is known for", function()
    for kind, letters in pairs(kinds) do
        for letter in string.gmatch(letters, ".") do
            local results = table.pack(info(letter))
            equal(results.n, 1, letter)
            equal(math.type(results[1]) or type(results[1]), kind, letter)
        end
    end
end)

case("values come in the order of the characters, as often as they are asked for", function()
    local k, pid = info("k#")
    same(table.pack(info("#k#k")), table.pack(pid, k, pid, k))
    equal(select("#", info("")), 0)
    equal(select("#", info(string.rep("k$", 50000))), 100000)
    fails(function() info(string.rep("k", 1000000)) end, "stack overflow")
end)

case("what is told in one call belongs together", function()
    local results = table.pack(info("c" .. string.rep("e", 300) .. "c"))
    equal(results[1], results[302])
end)

case("other characters are refused when their turn comes", function()
    local message = fails(function() info("kZ") end, "unknown mode char (got 'Z')")
    ok(string.find(message, "procinfo.lua:%d+: unknown mode char %(got 'Z'%)$"))
    fails(function() info(" ") end, "unknown mode char (got ' ')")
    fails(function() info("2") end, "unknown mode char (got '2')")
end)

case("the argument is a string", function()
    equal(fails(function() info() end, "bad argument"):match("bad argument.*"),
          "bad argument #1 to 'info' (string expected, got no value)")
    fails(function() info(nil) end, "string expected, got nil")
    fails(function() info({}) end, "string expected, got table")
    equal(math.type(info(1)), "float") -- a number is its text
    equal(select("#", info("k\0Z")), 1)
end)

-- Names ------------------------------------------------------------------------------------------

case("the names of the system are those of uname", function()
    for letter, option in pairs { h = "m", k = "s", v = "r", V = "v", n = "n" } do
        equal(info(letter), shell.expect("uname -" .. option))
    end
    equal(info("n"), shell.expect("hostname"))
end)

case("the user is that of the user database", function()
    local user = shell.expect("id -u")
    local entry = shell.expect("getent passwd " .. user)
    local fields = {}
    for field in string.gmatch(entry .. ":", "([^:]*):") do fields[#fields + 1] = field end
    local name, id, group, home, command = info("UugH$")
    equal(name, fields[1])
    equal(id, math.tointeger(user))
    equal(group, math.tointeger(fields[4]))
    equal(home, fields[6])
    equal(command, fields[7])
    equal(name, shell.expect("id -un"))
    equal(child.expect([[io.write((require "coutil.system".procinfo("H")))]],
                       { environment = { HOME = "/elsewhere" } }), home)
end)

-- As a user of this number, the chunk's file being open to all.
local function as_user(number, chunk)
    shell.expect("setpriv --reuid=" .. number .. " --clear-groups true")
    local command, path = child.command(chunk, {
        wrap = "setpriv --reuid=" .. number .. " --clear-groups",
    })
    os.execute("chmod a+r " .. path)
    local output = shell.output("(" .. command .. ")")
    os.remove(path)
    return output
end

case("the effective user counts, and one without an entry is an error", function()
    local chunk <const> = [[
        local done, system = pcall(require, "coutil.system")
        if not done then print("unreadable") return end
        for letter in string.gmatch("UugH$", ".") do
            print(select(2, pcall(system.procinfo, letter)))
        end
    ]]
    local nobody = shell.expect("getent passwd 1")
    local name, group, home = string.match(nobody, "^([^:]*):[^:]*:1:(%d+):[^:]*:([^:]*)")
    local said = as_user(1, chunk)
    if string.find(said, "unreadable") then suite.skip("others cannot read the modules") end
    equal(string.match(said, "^[^\n]*\n[^\n]*\n[^\n]*\n[^\n]*"),
          string.format("%s\n1\n%s\n%s", name, group, home))
    equal(as_user(54321, chunk), string.rep("no such file or directory", 5, "\n"))
end)

-- The executable ---------------------------------------------------------------------------------

case("the executable is the file that the process runs", function()
    equal(info("e"), shell.expect("readlink /proc/" .. native.getpid() .. "/exe"))
end)

case("the path of the executable is told whole, up to the longest there is", function()
    local directory <close> = shell.directory()
    local interpreter <const> = child.interpreter
    for _, size in ipairs { 254, 255, 256, 1024, 4000 } do
        local path = directory.path
        while #path < size - 2 do
            path = path .. "/" .. string.rep("d", math.min(200, size - 3 - #path))
        end
        path = path .. "/" .. string.rep("x", size - 1 - #path)
        os.execute("mkdir -p " .. shell.quote(string.match(path, "^(.*)/")))
        ok(os.execute(string.format("cp /proc/%d/exe %s", native.getpid(), shell.quote(path))))
        child.interpreter = path
        local told = child.expect([[io.write((require "coutil.system".procinfo("e")))]])
        child.interpreter = interpreter
        equal(told, path)
    end
end)

-- The temporary directory ------------------------------------------------------------------------

case("the temporary directory is the first of four variables, or /tmp", function()
    local names <const> = { "TMPDIR", "TMP", "TEMP", "TEMPDIR" }
    local before = {}
    for _, name in ipairs(names) do
        before[name] = os.getenv(name)
        system.setenv(name, nil)
    end
    equal(info("T"), "/tmp")
    for index = #names, 1, -1 do
        system.setenv(names[index], "/the/" .. names[index])
        equal(info("T"), "/the/" .. names[index])
    end
    for value, expected in pairs {
        ["/a/"] = "/a", ["/a//"] = "/a", ["/"] = "/", ["//"] = "/", ["a"] = "a",
        ["/" .. string.rep("long/", 1000)] = "/" .. string.rep("long/", 999) .. "long",
    } do
        system.setenv("TMPDIR", value)
        equal(info("T"), expected)
    end
    for _, name in ipairs(names) do system.setenv(name, before[name]) end
end)

-- Resources --------------------------------------------------------------------------------------

case("processor time is that of this process, in seconds", function()
    local before = info("c") + info("s")
    local clock = os.clock()
    repeat until os.clock() - clock > 0.05
    local used = info("c") + info("s") - before
    ok(used >= 0.045 and used < 5, used)
    local total = info("c") + info("s")
    ok(math.abs(total - os.clock()) < 0.1, total)
end)

case("what grows with use grows", function()
    local soft, waits = info("px")
    local touched <const> = memory.create(8 * 1024 * 1024)
    touched:fill("x")
    ok(info("p") >= soft + #touched // 4096 // 1024, "at least a fault for each huge page")
    for _ = 1, 5 do system.suspend(0.001, "~") end
    ok(info("x") >= waits + 5)
    for letter in string.gmatch("=dm<>iopPSwxX", ".") do ok(info(letter) >= 0, letter) end
end)

case("resident memory is counted in bytes", function()
    local unit <const> = math.tointeger(shell.expect("getconf PAGESIZE"))
    local pages = math.tointeger(string.match(shell.read("/proc/self/statm"), "^%d+ (%d+)"))
    local slack <const> = 2 * 1024 * 1024 -- the kernel counts in batches
    ok(math.abs(info("r") - pages * unit) < slack, info("r"))
    equal(info("r") % unit, 0)
    equal(info("R") % 1024, 0)
    ok(math.abs(info("R") - 1024 * status("VmHWM")) < slack, info("R"))
    local before = info("r")
    local kept <const> = memory.create(16 * 1024 * 1024)
    kept:fill("x")
    ok(info("r") > before + #kept - slack)
    ok(info("R") > before + #kept - slack)
end)

case("processes are known by their numbers", function()
    equal(info("#"), native.getpid())
    equal(info("^"), status("PPid"))
end)

-- The machine ------------------------------------------------------------------------------------

-- What the function tells between two readings of a text that are the same.
local function while_same(path, ask)
    for _ = 1, 100 do
        local before = shell.read(path)
        local results = table.pack(ask())
        if shell.read(path) == before then return before, table.unpack(results) end
    end
    suite.skip(path .. " changes too often")
end

case("load averages are those of the kernel", function()
    local text, one, five, fifteen = while_same("/proc/loadavg", function() return info("1lL") end)
    local expected = table.pack(string.match(text, "(%S+) (%S+) (%S+)"))
    for index, value in ipairs { one, five, fifteen } do
        ok(math.abs(value - tonumber(expected[index])) <= 0.011, value)
    end
end)

case("uptime lies between two readings of it", function()
    local function kernel() return tonumber(string.match(shell.read("/proc/uptime"), "^%S+")) end
    local before = kernel()
    local told = info("t")
    ok(before <= told + 0.011 and told <= kernel() + 0.011, told)
end)

case("memory is that of the kernel's text, in bytes", function()
    local function kernel(name)
        return 1024 * math.tointeger(string.match(shell.read("/proc/meminfo"), name .. ":%s*(%d+)"))
    end
    equal(info("b"), kernel("MemTotal"))
    ok(math.abs(info("f") - kernel("MemAvailable")) < info("b") // 5)
    ok(info("f") <= info("b"))
end)

-- The limits of the group with this path and of all above it.
local function limits(top, path, file)
    local found = {}
    while true do
        local text = shell.read(top .. path .. "/" .. file)
        local number = text and math.tointeger(tonumber(text))
        found[#found + 1] = number or text and math.huge
        if path == "" then return found end
        path = string.match(path, "^(.*)/")
    end
end

case("the memory limit is the smallest of the control groups around the process", function()
    local groups = shell.read("/proc/self/cgroup")
    local found = {}
    for numbers, path in string.gmatch(groups, ":([^:\n]*):(/[^\n]*)") do
        path = path == "/" and "" or path
        if numbers == "memory" then
            found = limits("/sys/fs/cgroup/memory", path, "memory.limit_in_bytes")
        elseif numbers == "" and #found == 0 then
            found = limits("/sys/fs/cgroup", path, "memory.max")
        end
    end
    if #found == 0 then suite.skip("no control group of this process has a file with a limit") end
    local smallest = math.min(table.unpack(found))
    if smallest == math.huge then
        ok(info("M") > info("b"), "no limit is more than there is")
    else
        equal(info("M"), smallest)
    end
end)

-- Failures ---------------------------------------------------------------------------------------

case("what cannot be read is an error, and nothing else is", function()
    shortage(function()
        for letter in string.gmatch("bfr", ".") do
            local message = fails(function() info(letter) end, "too many open files")
            ok(string.find(message, "procinfo.lua:%d+: too many open files$"))
        end
        equal(select("#", info("enkc1t#R")), 8)
        equal(info("M"), 0)
    end)
end)

case("without /proc the executable is an error", function()
    if string.find(child.interpreter, "lua_host", 1, true) then
        suite.skip("sanitizers need /proc themselves")
    end
    shell.expect("unshare --mount umount -l /proc")
    equal(child.run([[
        local system = require "coutil.system"
        print(pcall(system.procinfo, "e"))
        print(system.procinfo("M"), (system.procinfo("k")))
    ]], { wrap = "unshare --mount sh -c 'umount -l /proc; exec \"$0\" \"$@\"'" }),
          "false\tno such file or directory\n0\tLinux\n")
end)

suite.finish()
