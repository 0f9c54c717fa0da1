-- Goal: fileinfo tells what the kernel tells, letter by letter. Method: stat(1) is asked the same,
-- for each kind of file, in both modes; both at once and by a worker.

local system = require "coutil.system"
local native = require "native"
local suite = require("support.suite").strict()
local paths = require "support.paths"
local tasks = require "support.tasks"

local case, equal, same, ok, fails = suite.case, suite.equal, suite.same, suite.ok, suite.fails
local shell = paths.shell
local bits = system.filebits

-- What stat(1) says about a path, without following a link at its end unless asked.
local function seen(path, format, follow)
    local text = shell("stat " .. (follow and "-L " or "") .. "-c %s -- %s", format, path)
    return math.tointeger(text) or tonumber(text) or text
end

local numbers = {
    u = "%u", g = "%g", ["#"] = "%i", ["*"] = "%h", B = "%s", b = "%b", i = "%o",
}

-- Each kind of file that can be made here, by its name in the directory.
local function make_each(at)
    local made = { file = at "file", directory = at "directory", pipe = at "pipe" }
    paths.write(made.file, "some text")
    shell("mkdir %s; mkfifo -m 640 %s; ln %s %s", made.directory, made.pipe, made.file, at "hard")
    shell("ln -s file %s", at "link")
    made.character = "/dev/null"
    return made
end

case("each letter tells what stat(1) tells, for each kind of file", function()
    paths.both(function(call, at)
        for kind, path in pairs(make_each(at)) do
            equal(call("fileinfo", path, "?"), kind)
            equal(call("fileinfo", path, "M"), tonumber("0x" .. seen(path, "%f")))
            for letter, format in pairs(numbers) do
                local value = call("fileinfo", path, letter)
                equal(value, seen(path, format), kind .. " " .. letter)
                equal(math.type(value), "integer")
            end
            equal(call("fileinfo", path, "_"), 0)
            equal(call("fileinfo", path, "v"), 0)
            equal(call("fileinfo", path, "D"), seen(path, "%d"))
            local device = call("fileinfo", path, "d")
            equal(device, kind == "character" and 0x103 or 0)
        end
    end)
end)

case("times are floats with all that stat(1) shows of them", function()
    paths.both(function(call, at)
        local path = paths.write(at "file", "")
        shell("touch -a -d @1234567890.123456 %s; touch -m -d @2.5 %s", path, path)
        local access, modification, status, birth = call("fileinfo", path, "amsc")
        equal(access, 1234567890.123456)
        equal(modification, 2.5)
        for letter, value in pairs { ["%Z"] = status, ["%W"] = birth } do
            equal(math.type(value), "float")
            equal(value // 1 | 0, seen(path, letter))
        end
        ok(status % 1 > 0 or birth % 1 > 0, "no part of a second in either")
    end)
end)

case("times before 1970 are negative", function()
    paths.both(function(call, at)
        local path = paths.write(at "file", "")
        shell("touch -d @-1.5 %s", path)
        equal(call("fileinfo", path, "m"), -1.5)
    end)
end)

case("permission letters are booleans", function()
    local letters = "UGSrwxRWX421"
    paths.both(function(call, at)
        local path = paths.write(at "file", "")
        for index = 1, #letters do
            shell("chmod %s %s", string.format("%04o", 1 << 12 - index), path)
            local values = { call("fileinfo", path, letters) }
            for other = 1, #letters do equal(values[other], other == index) end
        end
    end)
end)

case("values come in the order of the letters, repeated as they are", function()
    paths.both(function(call, at)
        local path = paths.write(at "file", "12345")
        same({ call("fileinfo", path, "B?B?rxB") }, { 5, "file", 5, "file", true, false, 5 })
        local many = string.rep("B@p", 500)
        local values = table.pack(call("fileinfo", path, many))
        equal(values.n, 1500)
        equal(values[1], 5)
        equal(values[1500], path)
    end)
end)

case("l is about the link, for the letters that files have too, and for no other", function()
    paths.both(function(call, at)
        paths.write(at "file", "12345678")
        shell("ln -s file %s", at "link")
        same({ call("fileinfo", at "link", "?B=") }, { "file", 8, "file" })
        same({ call("fileinfo", at "link", "l?B=") }, { "link", 4, "file" })
        equal(call("fileinfo", at "link", "l#"), seen(at "link", "%i"))
        equal(call("fileinfo", at "link", "#"), seen(at "file", "%i"))
        equal(call("fileinfo", at "link", "lp"), at "file")
        equal(call("fileinfo", at "file", "l?"), "file")
        -- A link from here into /proc: its file system is that of its end.
        shell("ln -s /proc/self %s", at "proc")
        same({ call("fileinfo", at "proc", "l?@") }, { "link", "proc" })
        same({ call("fileinfo", at "proc", "?@") }, { "directory", "proc" })
        same({ call("fileinfo", at "proc", "l@") }, { "proc" })
    end)
end)

case("~ and l begin a mode in any order and number", function()
    local at <close> = paths.directory()
    shell("ln -s nowhere %s", at "link")
    for _, mode in ipairs { "~l?", "l~?", "~~l?", "ll~l?" } do
        equal(system.fileinfo(at "link", mode), "link")
    end
    tasks.await(function() equal(system.fileinfo(at "link", "ll?"), "link") end)
end)

case("= is the text of a link, and nil for what is none", function()
    paths.both(function(call, at)
        local long = string.rep("long/", 800) -- nearly all a link can hold
        for index, text in ipairs { "x", "with space/..", long } do
            shell("ln -s %s %s", text, at(index))
            equal(call("fileinfo", at(index), "="), text)
        end
        paths.write(at "file", "")
        same(table.pack(call("fileinfo", at "file", "=B=")), { nil, 0, nil, n = 3 })
        same(table.pack(call("fileinfo", at.path, "=")), { nil, n = 1 })
    end)
end)

case("p is the path without links or dots", function()
    paths.both(function(call, at)
        shell("mkdir -p %s; ln -s b/c %s", at "b/c", at "link")
        equal(call("fileinfo", at "link/../.././link/.", "p"), at "b/c")
        equal(call("fileinfo", "/", "p"), "/")
        equal(call("fileinfo", "/../..//.", "p"), "/")
    end)
end)

case("a link that leads nowhere has nothing but itself", function()
    paths.both(function(call, at)
        shell("ln -s nowhere %s", at "link")
        same({ call("fileinfo", at "link", "l?=") }, { "link", "nowhere" })
        equal(call("fileinfo", at "link", "="), "nowhere")
        for _, mode in ipairs { "?", "p", "lp", "@", "l@", "=@", "lM@", "M=" } do
            equal(paths.problem(call, "fileinfo", at "link", mode), "no such file or directory")
        end
    end)
end)

case("file systems are named, and measured as stat(1) measures them", function()
    paths.both(function(call)
        local names = { proc = "proc", sysfs = "sysfs", tmpfs = "tmpfs", ["ext2/ext3"] = "ext4" }
        for _, path in ipairs { "/proc", "/sys", "/dev/shm", "/" } do
            local name = names[shell("stat -f -c %%T %s", path)]
            if name then equal(call("fileinfo", path, "@"), name) end
        end
        local values = { call("fileinfo", "/", "NITtAFf") }
        local others = {}
        for word in string.gmatch(shell("stat -f -c '%%t %%s %%b %%c %%a %%f %%d' /"), "%S+") do
            others[#others + 1] = word
        end
        equal(values[1], tonumber(others[1], 16))
        for index = 2, 4 do equal(values[index], math.tointeger(others[index])) end
        for index = 5, 7 do -- others write meanwhile
            equal(math.type(values[index]), "integer")
            local other = math.tointeger(others[index])
            ok(math.abs(values[index] - other) <= other // 10, values[index] .. " and " .. other)
        end
    end)
end)

case("what a worker found out first is then known at once", function()
    local at <close> = paths.directory()
    local path = paths.write(at "file", "12345")
    local mode = "?MugDd#*BbiasmcNITt"
    local first = { paths.awaited("fileinfo", path, mode) }
    for _ = 1, 3 do
        same({ paths.awaited("fileinfo", path, mode) }, first)
        same({ paths.blocking("fileinfo", path, mode) }, first)
    end
    paths.write(path, "123456789")
    equal(paths.awaited("fileinfo", path, "B"), 9)
    os.remove(path)
    equal(paths.problem(paths.awaited, "fileinfo", path, "B"), "no such file or directory")
end)

case("a mode without letters asks for nothing", function()
    for _, mode in ipairs { "", "~", "l", "~l", "l~" } do
        equal(select("#", system.fileinfo("/no such path", mode)), 0)
        equal(select("#", system.fileinfo({}, mode)), 0)
        equal(select("#", system.fileinfo(nil, mode)), 0)
    end
end)

case("the mode is checked, then the caller, then the path", function()
    fails(function() system.fileinfo({}) end,
          "bad argument #2 to 'fileinfo' (string expected, got no")
    fails(function() system.fileinfo("x", {}) end, "(string expected, got table)")
    for mode, text in pairs {
        Z = "unknown mode char (got 'Z')", ["~Mz"] = "unknown mode char (got 'z')",
        ["M~"] = "'~' must be in the begin of 'mode'", Ml = "'l' must be in the begin of 'mode'",
        ["lM~"] = "'~' must be in the begin of 'mode'", ["~ M"] = "unknown mode char (got ' ')",
        ["M~z"] = "'~' must be in the begin of 'mode'", ["Mz~"] = "unknown mode char (got 'z')",
    } do
        equal(paths.problem(system.fileinfo, {}, mode), text)
        equal(paths.problem(paths.awaited, "fileinfo", {}, mode), text)
    end
    equal(paths.problem(system.fileinfo, {}, "M"), "unable to yield")
    fails(function() system.fileinfo({}, "~M") end, "(string expected, got table)")
    fails(function() paths.awaited("fileinfo", {}, "M") end, "(string expected, got table)")
    tasks.run()
end)

case("errors tell the line of the call", function()
    local at <close> = paths.directory()
    for _, mode in ipairs { "~M", "M", "p" } do
        local _, problem = tasks.await(pcall, function()
            return (system.fileinfo(at "none", mode))
        end)
        ok(string.find(problem, "^[^ ]*file_info.lua:%d+: no such file or directory$"), problem)
    end
end)

case("values of an explicit resume win, in whatever phase", function()
    local at <close> = paths.directory()
    paths.awaited("fileinfo", at.path, "M")
    for _, mode in ipairs { "M", "?B@", "p", "MpM=" } do
        for _, path in ipairs { at.path, at "none" } do
            for _, wait in ipairs { 0, 0.02 } do
                local values
                local task = coroutine.create(function()
                    values = table.pack(system.fileinfo(path, mode))
                end)
                ok(coroutine.resume(task))
                system.suspend(wait, "~")
                ok(coroutine.resume(task, "a", nil, "c", nil))
                same(values, { "a", nil, "c", nil, n = 4 })
                local closed = coroutine.create(function() system.fileinfo(path, mode) end)
                ok(coroutine.resume(closed))
                system.suspend(wait, "~")
                ok(coroutine.close(closed))
            end
        end
    end
    tasks.run()
end)

case("many ask at a time", function()
    local at <close> = paths.directory()
    local answers = 0
    for index = 1, 300 do
        paths.write(at(index), string.rep("x", index))
        tasks.spawn(function()
            local size, real = system.fileinfo(at(index), index % 3 == 0 and "Bp" or "B")
            equal(size, index)
            equal(real, index % 3 == 0 and at(index) or nil)
            answers = answers + 1
        end)
    end
    tasks.run()
    equal(answers, 300)
end)

case("a file system that keeps changing its mind is asked each time", function()
    -- Sizes in /proc are zero; what counts is that a process that ended is not there any more.
    local pid = native.fork()
    if pid == 0 then
        while true do system.suspend(1, "~") end
    end
    local path = "/proc/" .. pid
    for _ = 1, 3 do equal(paths.awaited("fileinfo", path, "?"), "directory") end
    native.kill(pid, 9)
    native.wait(pid)
    equal(paths.problem(paths.awaited, "fileinfo", path, "?"), "no such file or directory")
end)

case("without descriptors fileinfo still answers", function()
    local at <close> = paths.directory()
    local path = paths.write(at "file", "12345")
    paths.awaited("fileinfo", path, "B")
    require "support.shortage"(function()
        equal(paths.awaited("fileinfo", path, "B"), 5)
        equal(paths.blocking("fileinfo", path, "B"), 5)
    end)
end)

-- Files ------------------------------------------------------------------------------------------

case("a file tells what its path tells", function()
    local at <close> = paths.directory()
    local letters = "?M_ug#Dd*BbivasmcUGSrwxRWX421"
    for kind, path in pairs(make_each(at)) do
        local mode = kind == "pipe" and "~rw" or "~r"
        local file <close> = assert(system.openfile(path, mode))
        local expected = { system.fileinfo(path, "~" .. letters) }
        same({ file:info("~" .. letters) }, expected)
        same({ tasks.await(function() return file:info(letters) end) }, expected)
    end
    local file <close> = assert(system.openfile(at "file", "~r"))
    os.remove(at "file")
    os.remove(at "hard")
    same({ tasks.await(function() return file:info("*?") end) }, { 0, "file" })
    same({ file:info("~*?") }, { 0, "file" })
end)

case("a pipe without a path is asked by a worker", function()
    local at <close> = paths.directory()
    shell("mkfifo %s", at "pipe")
    local file <close> = assert(system.openfile(at "pipe", "~rw"))
    for _ = 1, 2 do equal(tasks.await(function() return file:info("?") end), "pipe") end
    local proc <close> = assert(system.openfile("/proc/self/status", "~r"))
    for _ = 1, 2 do
        local kind, readable, size = tasks.await(function() return proc:info("?rB") end)
        same({ kind, readable, size }, { "file", true, 0 })
    end
end)

case("file:info without letters waits all the same", function()
    local at <close> = paths.directory()
    local file <close> = assert(system.openfile(paths.write(at "file", ""), "~r"))
    local count
    local task = coroutine.create(function() count = select("#", file:info("")) end)
    same({ coroutine.resume(task) }, { true })
    equal(count, nil)
    tasks.run()
    equal(count, 0)
    equal(select("#", file:info("~")), 0)
end)

case("file:info checks mode, caller and object in this order", function()
    local at <close> = paths.directory()
    local file <close> = assert(system.openfile(paths.write(at "file", ""), "~r"))
    local info = file.info
    fails(function() info() end, "bad argument #2 to 'info' (string expected, got no value)")
    for _, letter in ipairs { "l", "p", "=", "@", "N", "I", "A", "F", "f", "T", "t", "Z" } do
        local text = "unknown mode char (got '" .. letter .. "')"
        equal(paths.problem(info, nil, letter), text)
        equal(paths.problem(info, nil, "~M" .. letter), text)
    end
    equal(paths.problem(info, nil, "M~"), "'~' must be in the begin of 'mode'")
    equal(paths.problem(info, nil, "M"), "unable to yield")
    fails(function() info(nil, "~M") end, "coutil:file expected, got nil")
    fails(function() info(io.stdout, "~") end, "coutil:file expected, got FILE*")
    file:close("~")
    fails(function() file:info("~M") end, "calling 'info' on bad self (closed file)")
    tasks.await(function() fails(function() file:info("") end, "closed file") end)
end)

case("a file that is closed meanwhile tells all the same", function()
    local at <close> = paths.directory()
    shell("mkfifo %s", at "pipe")
    for _, path in ipairs { paths.write(at "file", "12345"), "/proc/self/status", at "pipe" } do
        local file = assert(system.openfile(path, path == at "pipe" and "~rw" or "~r"))
        local number = system.fileinfo(path, "~#")
        local result
        tasks.spawn(function() result = file:info("#") end)
        equal(file:close("~"), true)
        tasks.run()
        equal(result, number)
    end
end)

case("values of an explicit resume win over what a file tells", function()
    local at <close> = paths.directory()
    shell("mkfifo %s", at "pipe")
    for _, path in ipairs { paths.write(at "file", "12345"), "/proc/self/status", at "pipe" } do
        local file <close> = assert(system.openfile(path, path == at "pipe" and "~rw" or "~r"))
        for _, wait in ipairs { 0, 0.02 } do
            local values
            local task = coroutine.create(function() values = table.pack(file:info("?B")) end)
            ok(coroutine.resume(task))
            system.suspend(wait, "~")
            ok(coroutine.resume(task, nil, "left"))
            same(values, { nil, "left", n = 2 })
            local closed = coroutine.create(function() file:info("?B") end)
            ok(coroutine.resume(closed))
            system.suspend(wait, "~")
            ok(coroutine.close(closed))
        end
    end
    tasks.run()
end)

-- filebits ---------------------------------------------------------------------------------------

case("filebits has the names and values of inode(7), and may be written", function()
    local expected = {
        type = 61440, socket = 49152, link = 40960, file = 32768, block = 24576, directory = 16384,
        character = 8192, pipe = 4096, setuid = 2048, setgid = 1024, sticky = 512, ruser = 256,
        wuser = 128, xuser = 64, rgroup = 32, wgroup = 16, xgroup = 8, rother = 4, wother = 2,
        xother = 1,
    }
    same(bits, expected)
    equal(getmetatable(bits), nil)
    bits.mine = 1
    bits.mine = nil
    local at <close> = paths.directory()
    for kind, path in pairs(make_each(at)) do
        equal(system.fileinfo(path, "~M") & bits.type, bits[kind])
    end
end)

suite.finish()
