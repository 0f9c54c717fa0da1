-- Goal: times, owners and permissions of files are set as asked, by path and by file. Method:
-- stat(1) reads them back; both modes; each order of checks.

local system = require "coutil.system"
local suite = require("support.suite").strict()
local paths = require "support.paths"
local tasks = require "support.tasks"

local case, equal, same, ok, fails = suite.case, suite.equal, suite.same, suite.ok, suite.fails
local shell = paths.shell
local root = shell("id -u") == "0"

local function refused(number, message, call, ...)
    same({ call(...) }, { false, message, number }, message)
end

-- The two times of a file, not of what it leads to, as stat(1) shows them.
local function times(path)
    return paths.stat(path, "%.9X %.9Y")
end

-- Both functions about a path and methods of files, awaited and not: the body is given a function
-- that calls `what` ("touch", "own", "grant") for a file with further arguments, and the directory.
-- `mode_at` is the place of the mode among these.
local mode_at = { touch = 1, own = 3, grant = 2 }

local function with_mode(what, ...)
    local arguments = table.pack(...)
    local place = mode_at[what]
    arguments[place] = "~" .. (arguments[place] or "")
    return table.unpack(arguments, 1, math.max(arguments.n, place))
end

-- Calls the function with the file opened, and closes it.
local function opened(path, body, ...)
    local file <close> = assert(system.openfile(path, "~r"))
    return body(file, ...)
end

local each_way = {
    function(what, path, ...) return paths.awaited(what .. "file", path, ...) end,
    function(what, path, ...) return system[what .. "file"](path, with_mode(what, ...)) end,
    function(what, path, ...)
        return opened(path, function(file, ...)
            local results = table.pack(tasks.await(pcall, file[what], file, ...))
            if not results[1] then error(results[2], 0) end
            return table.unpack(results, 2, results.n)
        end, ...)
    end,
    function(what, path, ...)
        return opened(path, function(file, ...)
            return file[what](file, with_mode(what, ...))
        end, ...)
    end,
}

local function each(body)
    for _, call in ipairs(each_way) do
        local at <close> = paths.directory()
        paths.write(at "file", "text")
        shell("ln -s file %s", at "link")
        body(call, at)
    end
end

-- Times ------------------------------------------------------------------------------------------

case("touch sets the times that are given, each as its character says", function()
    each(function(call, at)
        same({ call("touch", at "file", "am", 1, 2.5) }, { true })
        equal(times(at "file"), "1.000000000 2.500000000")
        same({ call("touch", at "file", "ma", 3, 4) }, { true })
        equal(times(at "file"), "4.000000000 3.000000000")
        same({ call("touch", at "file", "b", 5) }, { true })
        equal(times(at "file"), "5.000000000 5.000000000")
        same({ call("touch", at "file", "bmaa", 6, 7, 8, 9) }, { true })
        equal(times(at "file"), "9.000000000 7.000000000")
        same({ call("touch", at "file", "ab", 1, "0x10", "ignored") }, { true })
        equal(times(at "file"), "16.000000000 16.000000000")
    end)
end)

case("a time that is not given is now", function()
    each(function(call, at)
        for mode, position in pairs { [""] = 0, a = 1, m = 2 } do
            local before = system.time("epoch")
            local given = mode ~= "" and 100 or nil
            same({ call("touch", at "file", mode, given) }, { true })
            local after = system.time("epoch")
            local access, modification = system.fileinfo(at "file", "~am")
            for index, time in ipairs { access, modification } do
                if index == position then
                    equal(time, 100.0)
                else
                    ok(time >= before - 1e-5 and time <= after + 1e-5, before .. " " .. time)
                end
            end
        end
    end)
    local at <close> = paths.directory()
    paths.write(at "file", "")
    shell("touch -d @1 %s", at "file")
    equal(paths.awaited("touchfile", at "file"), true)
    equal(paths.awaited("touchfile", at "file", nil), true)
    ok(system.fileinfo(at "file", "~m") > 1e9)
end)

case("times have microseconds, and no more", function()
    each(function(call, at)
        same({ call("touch", at "file", "am", 1234567890.123456, 0.0000019) }, { true })
        equal(times(at "file"), "1234567890.123456000 0.000001000")
        same({ call("touch", at "file", "am", 1e-7, 1.9999999) }, { true })
        equal(times(at "file"), "0.000000000 1.999999000")
    end)
end)

case("times are not negative, and as large as a number can be", function()
    each(function(call, at)
        for _, wrong in ipairs { -1, -1e-9, -math.huge, 0 / 0 } do
            fails(function() call("touch", at "file", "m", wrong) end, "invalid time")
            fails(function() call("touch", at "file", "ma", 1, wrong) end, "invalid time")
        end
        same({ call("touch", at "file", "m", -0.0) }, { true })
        same({ call("touch", at "file", "m", 4294967296) }, { true })
        equal(system.fileinfo(at "file", "~m"), 4294967296.0)
        for _, huge in ipairs { 1e15, 1e300, math.huge, math.maxinteger } do
            -- The file system keeps the latest it can.
            same({ call("touch", at "file", "m", huge) }, { true })
            ok(system.fileinfo(at "file", "~m") >= 4294967296.0)
        end
    end)
end)

case("touch with l is about the link itself", function()
    for _, prefix in ipairs { "l", "~l", "l~", "~~ll" } do
        local at <close> = paths.directory()
        paths.write(at "file", "")
        shell("ln -s file %s; touch -d @50 %s; touch -h -d @60 %s", at "link", at "file", at "link")
        local call = string.find(prefix, "~", 1, true) and system.touchfile
            or function(...) return paths.awaited("touchfile", ...) end
        equal(call(at "link", prefix .. "b", 70), true)
        equal(times(at "link"), "70.000000000 70.000000000")
        equal(times(at "file"), "50.000000000 50.000000000")
        equal(call(at "link", (string.gsub(prefix, "l", "")) .. "b", 80), true)
        equal(paths.stat(at "link", "%Y"), "70") -- it was read: the access time is another matter
        equal(times(at "file"), "80.000000000 80.000000000")
    end
end)

case("touchfile checks mode and times, then the caller, then the path", function()
    local touch = system.touchfile
    fails(function() touch(nil, {}) end, "bad argument #2 to 'touch' (string expected, got table)")
    equal(paths.problem(touch, {}, "z", 1), "bad argument #3, unknown mode char (got 'z')")
    equal(paths.problem(touch, {}, "~laz", 1, 1), "bad argument #4, unknown mode char (got 'z')")
    equal(paths.problem(touch, {}, "a~", 1, 1), "'~' must be in the begin of 'mode'")
    equal(paths.problem(touch, {}, "al", 1, 1), "'l' must be in the begin of 'mode'")
    -- The time comes before the character it belongs to.
    fails(function() touch({}, "z") end,
          "bad argument #3 to 'touch' (number expected, got no value)")
    fails(function() touch({}, "az", 1) end, "bad argument #4 to 'touch' (number expected, got no")
    fails(function() touch({}, "z", -1) end, "bad argument #3 to 'touch' (invalid time)")
    fails(function() touch({}, "z", {}) end,
          "bad argument #3 to 'touch' (number expected, got table)")
    equal(paths.problem(touch, {}, "a", 1), "unable to yield")
    equal(paths.problem(touch), "unable to yield")
    fails(function() touch(nil, "~") end, "bad argument #1 to 'touch' (string expected, got nil)")
    fails(function() touch({}, "~a", 1) end,
          "bad argument #1 to 'touch' (string expected, got table)")
end)

-- Owners -----------------------------------------------------------------------------------------

case("own changes the ids that are not -1", function()
    if not root then suite.skip("needs root") end
    each(function(call, at)
        same({ call("own", at "file", 12, 34) }, { true })
        equal(paths.stat(at "file", "%u %g"), "12 34")
        same({ call("own", at "file", -1, 56) }, { true })
        equal(paths.stat(at "file", "%u %g"), "12 56")
        same({ call("own", at "file", 78, -1) }, { true })
        equal(paths.stat(at "file", "%u %g"), "78 56")
        same({ call("own", at "file", -1, -1) }, { true })
        equal(paths.stat(at "file", "%u %g"), "78 56")
        same({ call("own", at "file", 4294967294, "0") }, { true })
        equal(paths.stat(at "file", "%u %g"), "4294967294 0")
    end)
end)

case("ids that no user has fail", function()
    each(function(call, at)
        for _, wrong in ipairs { -2, 1 << 32, math.mininteger, math.maxinteger } do
            refused(22, "invalid argument", call, "own", at "file", wrong, -1)
            refused(22, "invalid argument", call, "own", at "file", -1, wrong)
        end
    end)
end)

case("own with l is about the link itself", function()
    if not root then suite.skip("needs root") end
    local at <close> = paths.directory()
    paths.write(at "file", "")
    shell("ln -s file %s", at "link")
    equal(paths.awaited("ownfile", at "link", 1, 2, "l"), true)
    equal(paths.stat(at "link", "%u %g") .. " " .. paths.stat(at "file", "%u %g"), "1 2 0 0")
    equal(system.ownfile(at "link", 3, 4, "~l"), true)
    equal(paths.stat(at "link", "%u %g") .. " " .. paths.stat(at "file", "%u %g"), "3 4 0 0")
    equal(system.ownfile(at "link", 5, 6, "l~"), true)
    equal(paths.stat(at "link", "%u %g"), "5 6")
    equal(paths.awaited("ownfile", at "link", 7, 8), true)
    equal(paths.stat(at "link", "%u %g") .. " " .. paths.stat(at "file", "%u %g"), "5 6 7 8")
    shell("ln -s nowhere %s", at "dangling")
    equal(paths.awaited("ownfile", at "dangling", 1, 1, "l"), true)
    equal(paths.awaited("touchfile", at "dangling", "lb", 1), true)
    refused(2, "no such file or directory", paths.awaited, "ownfile", at "dangling", 1, 1)
    refused(2, "no such file or directory", paths.awaited, "touchfile", at "dangling")
    refused(2, "no such file or directory", paths.awaited, "grantfile", at "dangling", 0)
end)

case("ownfile checks the mode, then the caller, then the rest", function()
    local own = system.ownfile
    fails(function() own(nil, nil, nil, {}) end,
          "bad argument #4 to 'own' (string expected, got table)")
    equal(paths.problem(own, {}, {}, {}, "~z"), "bad argument #4, unknown mode char (got 'z')")
    equal(paths.problem(own, {}, {}, {}), "unable to yield")
    fails(function() own({}, {}, {}, "~") end,
          "bad argument #1 to 'own' (string expected, got table)")
    fails(function() own("x", {}, {}, "~") end,
          "bad argument #2 to 'own' (number expected, got table)")
    fails(function() own("x", 1, nil, "~") end,
          "bad argument #3 to 'own' (number expected, got nil)")
    fails(function() own("x", 1.5, 1, "~") end, "number has no integer representation")
end)

-- Permissions ------------------------------------------------------------------------------------

case("grant sets exactly the bits of a number or of characters", function()
    each(function(call, at)
        for given, expected in pairs {
            [0] = "0", [420] = "644", [511] = "777", [4095] = "7777", [""] = "0", UGS = "7000",
            rwxRWX421 = "777", rR4 = "444", wW2 = "222", xX1 = "111", rrrwr = "600", U1r = "4401",
        } do
            same({ call("grant", at "file", given) }, { true })
            equal(paths.stat(at "file", "%a"), expected)
        end
        for letter, field in pairs {
            U = "setuid", G = "setgid", S = "sticky", r = "ruser", w = "wuser", x = "xuser",
            R = "rgroup", W = "wgroup", X = "xgroup", ["4"] = "rother", ["2"] = "wother",
            ["1"] = "xother",
        } do
            same({ call("grant", at "file", letter) }, { true })
            equal(system.fileinfo(at "file", "~M") & 4095, system.filebits[field])
            same({ system.fileinfo(at "file", "~" .. letter) }, { true })
        end
    end)
end)

case("grantfile follows links, and knows no l", function()
    local at <close> = paths.directory()
    paths.write(at "file", "")
    shell("ln -s file %s", at "link")
    equal(paths.awaited("grantfile", at "link", 448), true)
    equal(paths.stat(at "file", "%a"), "700")
    equal(paths.problem(system.grantfile, at "link", 448, "l"), "unknown mode char (got 'l')")
end)

case("grantfile checks permissions, mode, caller and path in this order", function()
    local grant = system.grantfile
    fails(function() grant() end, "bad argument #2 to 'grant' (number expected, got no value)")
    fails(function() grant({}, nil, "z") end,
          "bad argument #2 to 'grant' (number expected, got nil)")
    fails(function() grant({}, {}, "z") end, "number expected, got table")
    fails(function() grant({}, 1.5) end, "number has no integer representation")
    equal(paths.problem(grant, {}, "rz", {}), "bad argument #2, unknown perm char (got 'z')")
    equal(paths.problem(grant, {}, "644", {}), "bad argument #2, unknown perm char (got '6')")
    fails(function() grant({}, 0, {}) end,
          "bad argument #3 to 'grant' (string expected, got table)")
    equal(paths.problem(grant, {}, 0, "z"), "unknown mode char (got 'z')")
    equal(paths.problem(grant, {}, 0), "unable to yield")
    fails(function() grant({}, 0, "~") end,
          "bad argument #1 to 'grant' (string expected, got table)")
    tasks.run()
end)

-- Files ------------------------------------------------------------------------------------------

case("methods check the mode, then the caller, then the object, then the rest", function()
    local at <close> = paths.directory()
    local file <close> = assert(system.openfile(paths.write(at "file", ""), "~r"))
    local touch, own, grant = file.touch, file.own, file.grant
    -- Arguments are counted with the object where the text has the number in itself.
    equal(paths.problem(touch, file, "z", 1), "bad argument #3, unknown mode char (got 'z')")
    equal(paths.problem(touch, file, "l", 1), "bad argument #3, unknown mode char (got 'l')")
    equal(paths.problem(touch, file, "a~", 1, 1), "'~' must be in the begin of 'mode'")
    fails(function() file:touch("am", 1) end, "bad argument #3 to 'touch' (number expected, got no")
    fails(function() file:touch("a", -1) end, "bad argument #2 to 'touch' (invalid time)")
    equal(paths.problem(own, file, {}, {}, "z"), "unknown mode char (got 'z')")
    equal(paths.problem(own, file, {}, {}, "l"), "unknown mode char (got 'l')")
    equal(paths.problem(grant, file, "rq", "z"), "bad argument #2, unknown perm char (got 'q')")
    equal(paths.problem(grant, file, 0, "z"), "unknown mode char (got 'z')")
    fails(function() file:grant(nil, "z") end,
          "bad argument #1 to 'grant' (number expected, got nil)")
    equal(paths.problem(touch, nil), "unable to yield")
    equal(paths.problem(own, nil), "unable to yield")
    equal(paths.problem(grant, nil, 0), "unable to yield")
    for _, wrong in ipairs { false, 7, "file", io.stdout, {} } do
        local name = wrong == io.stdout and "FILE*" or type(wrong)
        local text = "coutil:file expected, got " .. name
        fails(function() touch(wrong, "~") end, text)
        fails(function() own(wrong, {}, {}, "~") end, text)
        fails(function() grant(wrong, 0, "~") end, text)
        tasks.await(function()
            fails(function() touch(wrong) end, text)
            fails(function() own(wrong, {}, {}) end, text)
            fails(function() grant(wrong, 0) end, text)
        end)
    end
    fails(function() touch() end, "unable to yield")
    fails(function() own(file, {}, 1, "~") end, "number expected, got table")
    file:close("~")
    for _, mode in ipairs { "~", "" } do
        tasks.await(function()
            fails(function() file:touch(mode) end, "calling 'touch' on bad self (closed file)")
            fails(function() file:own({}, {}, mode) end, "calling 'own' on bad self (closed file)")
            fails(function() file:grant(0, mode) end, "calling 'grant' on bad self (closed file)")
        end)
    end
end)

case("a touch comes after the writes that were called before it", function()
    local at <close> = paths.directory()
    local file <close> = assert(system.openfile(at "file", "~wn", 384))
    local done = 0
    for _ = 1, 5 do
        tasks.spawn(function()
            equal(file:write(string.rep("x", 1 << 20)), 1 << 20)
            done = done + 1
        end)
    end
    tasks.spawn(function() equal(file:touch("b", 12), true) end)
    tasks.run()
    equal(done, 5)
    equal(times(at "file"), "12.000000000 12.000000000")
    equal(paths.stat(at "file", "%s"), tostring(5 << 20))
end)

case("a pipe is touched without waiting for its writers", function()
    local at <close> = paths.directory()
    shell("mkfifo %s", at "pipe")
    local other <close> = assert(io.open(at "pipe", "r+"))
    local file <close> = assert(system.openfile(at "pipe", "~w"))
    local writer = tasks.spawn(function() file:write(string.rep("x", 1 << 20)) end)
    tasks.rounds(3)
    local touched
    tasks.spawn(function() touched = file:touch("b", 34) end)
    tasks.until_true(function() return touched end)
    equal(paths.stat(at "pipe", "%Y"), "34")
    equal(coroutine.status(writer), "suspended")
    os.execute("head -c " .. (1 << 20) .. " '" .. at "pipe" .. "' > /dev/null &")
    tasks.run()
    ok(other)
end)

case("a file that is closed meanwhile is still the one that is meant", function()
    local at <close> = paths.directory()
    for _, what in ipairs { "touch", "own", "grant" } do
        local path = paths.write(at(what), "")
        shell("touch -d @1 %s; chmod 777 %s", path, path)
        local file = assert(system.openfile(path, "~r"))
        local result
        tasks.spawn(function()
            if what == "touch" then
                result = file:touch("b", 5)
            elseif what == "own" then
                result = file:own(-1, -1)
            else
                result = file:grant(448)
            end
        end)
        equal(file:close("~"), true)
        local others = {} -- which get the number, if it is free
        for index = 1, 5 do others[index] = assert(io.open("/dev/null")) end
        tasks.run()
        equal(result, true)
        for _, other in ipairs(others) do other:close() end
    end
    equal(times(at "touch"), "5.000000000 5.000000000")
    equal(paths.stat(at "grant", "%a"), "700")
end)

case("values of an explicit resume win, and the call goes on or never begins", function()
    local at <close> = paths.directory()
    local file <close> = assert(system.openfile(paths.write(at "file", ""), "~r"))
    for _, leave in ipairs { coroutine.resume, coroutine.close } do
        for _, wait in ipairs { 0, 0.02 } do
            for _, start in ipairs {
                function() return file:touch("b", 7) end, function() return file:own(-1, -1) end,
                function() return file:grant(448) end,
            } do
                local values
                local task = coroutine.create(function() values = table.pack(start()) end)
                ok(coroutine.resume(task))
                system.suspend(wait, "~")
                ok(leave(task, nil, "left", nil))
                if leave == coroutine.resume then same(values, { nil, "left", nil, n = 3 }) end
            end
        end
    end
    tasks.run()
end)

suite.finish()
