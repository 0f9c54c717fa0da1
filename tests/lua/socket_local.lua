-- Manual: Network & IPC, domains local and share as objects (behaviour 4, 7.1 to 7.6; D18, D47):
-- classes, paths and abstract names, binding, listening, connecting, accepting, and what becomes of
-- the files. That streams of these domains carry bytes as those of TCP do is shown by the scripts
-- that run for all domains.

local suite = require("support.suite").strict()
local system = require "coutil.system"
local memory = require "memory"
local native = require "native"
local net = require "support.net"
local tasks = require "support.tasks"
local child = require "support.child"

local case, equal, same, ok, fails = suite.case, suite.equal, suite.same, suite.ok, suite.fails

-- A case for each domain.
local function both(name, body)
    for _, domain in ipairs(net.local_domains) do
        case(name .. " (" .. domain .. ")", function()
            body(domain)
            tasks.run()
        end)
    end
end

local function methods_of(object)
    local names = {}
    for name in pairs(getmetatable(object).__index) do names[#names + 1] = name end
    table.sort(names)
    return table.concat(names, " ")
end

local function make(kind, domain)
    return assert(system.socket(kind, domain))
end

-- A passive socket that listens at the name.
local function listening(domain, name, backlog)
    local passive = make("passive", domain)
    assert(passive:bind(name))
    assert(passive:listen(backlog or 16))
    return passive
end

-- In the middle of a task: connects to the name, and back to what was accepted.
local function meet(domain, passive, name)
    local stream = make("stream", domain)
    assert(stream:connect(name))
    return stream, assert(passive:accept())
end

-- A file of this length: a directory that exists, then as many letters as it takes.
local function path_of(length)
    local head = net.path()
    return head .. string.rep("p", length - #head)
end

local bad_descriptor <const> = { false, "bad file descriptor", 9 }
local not_connected <const> = { false, "socket is not connected", 107 }
local invalid <const> = { false, "invalid argument", 22 }
local in_use <const> = { false, "address already in use", 98 }

-- Classes ----------------------------------------------------------------------------------------

case("sockets have the class of their kind", function()
    local expected = {
        { "stream", "local", "coutil:pipeactive" }, { "stream", "share", "coutil:pipeshare" },
        { "passive", "local", "coutil:pipepassive" }, { "passive", "share", "coutil:pipepassive" },
    }
    local names = { stream = "bind close connect getaddress getdomain read shutdown write",
                    passive = "accept bind close getaddress getdomain listen" }
    for _, each in ipairs(expected) do
        local socket <close> = make(each[1], each[2])
        local metatable = getmetatable(socket)
        equal(metatable.__name, each[3])
        for name in string.gmatch(names[each[1]], "%a+") do
            equal(type(metatable.__index[name]), "function", name)
        end
        equal(metatable.__metatable, nil)
        equal(type(metatable.__gc), "function")
        equal(type(metatable.__close), "function")
        equal(socket:getdomain(), each[2])
        ok(string.find(tostring(socket), "^" .. each[3] .. ": 0x"))
    end
    local one <close> = make("passive", "local")
    local other <close> = make("passive", "share")
    equal(getmetatable(one), getmetatable(other))
    ok(not string.find(methods_of(one), "connect", 1, true))
end)

case("methods refuse sockets of the other domains", function()
    local pipe <close> = make("stream", "local")
    local share <close> = make("stream", "share")
    local tcp <close> = make("stream", "ipv4")
    fails(function() pipe.read(share) end, "coutil:pipeactive expected, got coutil:pipeshare")
    fails(function() share.read(pipe) end, "coutil:pipeshare expected, got coutil:pipeactive")
    fails(function() tcp.read(pipe) end, "coutil:tcpactive expected, got coutil:pipeactive")
    fails(function() pipe.bind(tcp) end, "coutil:pipeactive expected, got coutil:tcpactive")
end)

both("a socket has no descriptor before it is bound or connected", function(domain)
    for _, kind in ipairs { "stream", "passive" } do
        local fd, socket = net.fd_of(system.socket, kind, domain)
        local _ <close> = socket
        equal(fd, nil)
        same({ socket:getaddress() }, bad_descriptor)
        same({ socket:getaddress("peer") }, bad_descriptor)
        if kind == "passive" then same({ socket:listen(1) }, invalid) end
    end
end)

both("descriptors are close-on-exec, and blocking but for listeners", function(domain)
    local name = net.path()
    local passive = make("passive", domain)
    local _ <close> = net.closing(passive)
    local fd = net.fd_of(passive.bind, passive, name)
    same({ native.flags(fd) }, { true, false })
    assert(passive:listen(1))
    same({ native.flags(fd) }, { true, true })
    local near, far, here, there = net.pair(domain)
    same({ native.flags(here) }, { true, false })
    same({ native.flags(there) }, { true, false })
    net.close(near, far)
end)

both("close returns true; then every method raises closed object", function(domain)
    for _, kind in ipairs { "stream", "passive" } do
        for _, bound in ipairs { false, true } do
            local socket = make(kind, domain)
            if bound then assert(socket:bind(net.path())) end
            same(table.pack(socket:close()), { n = 1, true })
            for _, method in pairs(getmetatable(socket).__index) do
                fails(function() method(socket) end, "(closed object)")
            end
            equal(select("#", getmetatable(socket).__close(socket)), 0)
            equal(select("#", getmetatable(socket).__gc(socket)), 0)
        end
    end
end)

-- Names ------------------------------------------------------------------------------------------

both("both ends know the names", function(domain)
    for _, name in ipairs { net.path(), net.abstract() } do
        local passive <close> = listening(domain, name)
        equal(passive:getaddress(), name)
        equal(passive:getaddress("self"), name)
        equal(passive:getaddress(nil, "ignored"), name)
        same({ passive:getaddress("peer") }, not_connected)
        fails(function() passive:getaddress("both") end, "invalid option 'both'")
        tasks.await(function()
            local near, far = meet(domain, passive, name)
            equal(near:getaddress(), "")
            equal(near:getaddress("peer"), name)
            equal(far:getaddress("self"), name)
            equal(far:getaddress("peer"), "")
            equal(near:getdomain(), domain)
            equal(far:getdomain(), domain)
            equal(getmetatable(far), getmetatable(near))
            net.close(near, far)
        end)
    end
end)

both("a stream may be bound before it connects", function(domain)
    for _, own in ipairs { net.path(), net.abstract() } do
        local name = net.path()
        local passive <close> = listening(domain, name)
        local stream <close> = make("stream", domain)
        same({ stream:bind(own) }, { true })
        equal(stream:getaddress(), own)
        same({ stream:getaddress("peer") }, not_connected)
        same({ stream:bind(net.path()) }, invalid)
        tasks.await(function()
            assert(stream:connect(name))
            local far <close> = assert(passive:accept())
            equal(far:getaddress("peer"), own)
            equal(stream:getaddress(), own)
        end)
        stream:close()
        equal(net.exists(own), false)
    end
end)

both("names may be as long as the system allows, and no longer", function(domain)
    local too_long <const> = { false, "name too long", 36 }
    for _, length in ipairs { 106, 107 } do
        for _, name in ipairs { path_of(length), "\0" .. string.rep("a", length - 1) } do
            local passive <close> = listening(domain, name)
            equal(#name, length)
            equal(passive:getaddress(), name)
            tasks.await(function()
                local near, far = meet(domain, passive, name)
                equal(near:getaddress("peer"), name)
                net.close(near, far)
            end)
        end
    end
    for _, length in ipairs { 108, 109, 200, 100000 } do
        for _, name in ipairs { path_of(length), "\0" .. string.rep("a", length - 1) } do
            local passive <close> = make("passive", domain)
            local stream <close> = make("stream", domain)
            same({ passive:bind(name) }, too_long)
            same({ passive:getaddress() }, bad_descriptor)
            same({ coroutine.wrap(stream.connect)(stream, name) }, too_long)
            equal(net.exists(string.sub(name, 1, 107)), false)
        end
    end
end)

both("a path ends at a zero byte, an abstract name does not", function(domain)
    local path = net.path()
    local passive <close> = listening(domain, path .. "\0ignored")
    equal(passive:getaddress(), path)
    equal(net.exists(path), true)
    local name = net.abstract() .. "\0\0more"
    local other <close> = listening(domain, name)
    equal(other:getaddress(), name)
    tasks.await(function()
        local near, far = meet(domain, passive, path .. "\0something else")
        net.close(near, far)
        near, far = meet(domain, other, name)
        equal(near:getaddress("peer"), name)
        net.close(near, far)
        local lost <close> = make("stream", domain)
        same({ lost:connect(net.abstract()) }, { false, "connection refused", 111 })
    end)
end)

both("a name without text is an invalid argument", function(domain)
    local passive <close> = make("passive", domain)
    local stream <close> = make("stream", domain)
    same({ passive:bind("") }, invalid)
    same({ coroutine.wrap(stream.connect)(stream, "") }, invalid)
    same({ passive:getaddress() }, bad_descriptor)
end)

-- A program that knows nothing of us may use all 108 bytes, without a zero at the end.
both("ends whose names others chose are told in full", function(domain)
    for _, own in ipairs { path_of(108), "\0" .. string.rep("z", 107), "\0", "\0\0\0" } do
        local name = net.abstract()
        local fd = native.socket("local", "stream")
        equal(native.bind(fd, name, 4), 0)
        local stream = make("stream", domain)
        tasks.await(function() return stream:connect(name) end)
        local there = native.accept(fd)
        equal(stream:getaddress("peer"), name)
        net.close(stream)
        native.close(there)
        native.close(fd)
        -- The other way round: we accept.
        local passive <close> = listening(domain, name)
        local client = native.socket("local", "stream")
        equal(native.bind(client, own), 0)
        equal(native.connect(client, name), 0)
        local accepted <close> = tasks.await(function() return passive:accept() end)
        equal(accepted:getaddress("peer"), own)
        native.close(client)
        os.remove(own)
    end
end)

both("bind and connect want a string", function(domain)
    local passive <close> = make("passive", domain)
    local stream <close> = make("stream", domain)
    fails(function() passive:bind() end, "#1 to 'bind' (string expected, got no value)")
    fails(function() stream:bind(system.address("ipv4")) end,
          "string expected, got coutil:netaddress")
    fails(function() stream:connect() end, "unable to yield")
    tasks.await(function()
        fails(function() stream:connect({}) end, "#1 to 'connect' (string expected, got table)")
    end)
end)

-- Any string is a name or a failure: it never crashes, never makes another file, and what it makes
-- is gone afterwards.
both("whatever string is given, bind and connect keep their word", function(domain)
    math.randomseed(20261121)
    local directory = net.path()
    native.mkdir(directory)
    local alphabet = { "\0", "/", ".", "..", "a", "b", "\xff", "\n", " ", "%", "\1" }
    for _ = 1, 500 do
        local parts = {}
        for index = 1, math.random(0, 60) do parts[index] = alphabet[math.random(#alphabet)] end
        local text = table.concat(parts)
        if math.random(3) == 1 then text = "\0" .. text end
        -- Kept inside of the directory: slashes and dots are made harmless.
        if string.sub(text, 1, 1) ~= "\0" then
            text = directory .. "/" .. string.gsub(text, "[./]", "_")
        end
        local passive = make("passive", domain)
        local results = table.pack(passive:bind(text))
        if results[1] then
            local path = string.sub(text, 1, 1) == "\0" and text or string.match(text, "^[^\0]*")
            equal(passive:getaddress(), path)
            assert(passive:listen(1))
            tasks.await(function()
                local near, far = meet(domain, passive, text)
                equal(near:getaddress("peer"), path)
                net.close(near, far)
            end)
        else
            equal(results.n, 3)
            ok(results[3] == 36 or results[3] == 22 or results[3] == 98, results[2])
            local stream <close> = make("stream", domain)
            local failed = table.pack(tasks.await(function() return stream:connect(text) end))
            equal(failed[1], false)
        end
        passive:close()
    end
    ok(os.remove(directory), "something stayed in the directory")
end)

-- Files ------------------------------------------------------------------------------------------

both("the file is there from bind to close, with the permissions of the umask", function(domain)
    for mask, mode in pairs { [0] = "140777", [tonumber("077", 8)] = "140700",
                              [tonumber("022", 8)] = "140755" } do
        for _, kind in ipairs { "stream", "passive" } do
            local path = net.path()
            local socket = make(kind, domain)
            local old = native.umask(mask)
            assert(socket:bind(path))
            native.umask(old)
            equal(string.format("%o", native.mode(path)), mode)
            if kind == "passive" then assert(socket:listen(1)) end
            socket:close()
            equal(net.exists(path), false)
        end
    end
end)

both("the file goes when the socket is collected, and at the end of a scope", function(domain)
    local path = net.path()
    assert(make("passive", domain):bind(path))
    equal(net.exists(path), true)
    collectgarbage()
    collectgarbage()
    equal(net.exists(path), false)
    do
        local passive <close> = make("passive", domain)
        assert(passive:bind(path))
    end
    equal(net.exists(path), false)
end)

both("the file goes at the end of the state, with an acceptor waiting", function(domain)
    local path = net.path()
    child.expect(string.format(child.prelude .. [[
local passive = assert(system.socket("passive", %q))
assert(passive:bind(%q) and passive:listen(1))
coroutine.wrap(function() passive:accept() end)()
system.run("ready")
]], domain, path))
    equal(net.exists(path), false)
end)

both("the file goes before the descriptor, within close", function(domain)
    local path = net.path()
    local passive = listening(domain, path)
    local seen
    tasks.spawn(function()
        same({ passive:accept() }, { false, "closed" })
        seen = net.exists(path)
    end)
    tasks.rounds(2)
    passive:close()
    equal(seen, false)
    local again <close> = listening(domain, path) -- at once
    ok(again)
end)

both("a file that is there already is left to its owner", function(domain)
    local path = net.path()
    local fd = native.socket("local", "stream")
    equal(native.bind(fd, path, 1), 0)
    native.close(fd) -- a socket file that nobody serves
    for _ = 1, 2 do
        local passive = make("passive", domain)
        same({ passive:bind(path) }, in_use)
        same({ passive:getaddress() }, bad_descriptor)
        same({ passive:listen(1) }, invalid)
        passive:close()
        equal(net.exists(path), true)
    end
    os.remove(path)
    io.open(path, "w"):close()
    local passive = make("passive", domain)
    same({ passive:bind(path) }, in_use)
    os.remove(path)
    same({ passive:bind(path) }, { true }) -- after a failure it may be bound
    passive:close()
    equal(net.exists(path), false)
end)

both("a file that took the place of the socket's stays", function(domain)
    for _, replace in ipairs {
        function(path) io.open(path, "w"):close() end,
        function(path)
            local fd = native.socket("local", "stream")
            equal(native.bind(fd, path, 1), 0)
            native.close(fd)
        end,
        function(path)
            local other = net.path()
            io.open(other, "w"):close()
            os.rename(other, path)
        end,
    } do
        local path = net.path()
        local passive = listening(domain, path)
        os.remove(path)
        replace(path)
        passive:close()
        equal(net.exists(path), true)
        os.remove(path)
    end
    -- One that was moved stays where it is now.
    local path, moved = net.path(), net.path()
    local passive = listening(domain, path)
    os.rename(path, moved)
    passive:close()
    equal(net.exists(moved), true)
    os.remove(moved)
end)

both("a relative path counts from the directory at bind, then at close", function(domain)
    local directory = net.path()
    native.mkdir(directory)
    local home = assert(io.popen("pwd")):read("l")
    native.chdir(directory)
    local stays = listening(domain, "stays")
    local goes = listening(domain, "goes")
    equal(goes:getaddress(), "goes")
    goes:close()
    equal(net.exists(directory .. "/goes"), false)
    native.chdir("/")
    tasks.await(function()
        local near, far = meet(domain, stays, directory .. "/stays")
        net.close(near, far)
    end)
    stays:close() -- there is no such file here
    native.chdir(home)
    equal(net.exists(directory .. "/stays"), true)
    os.remove(directory .. "/stays")
    os.remove(directory)
end)

both("a child of fork leaves the file to its parent", function(domain)
    local path = net.path()
    local passive <close> = listening(domain, path)
    local pid = native.fork()
    if pid == 0 then
        native.exit(passive:close() and net.exists(path) and 0 or 1)
    end
    same({ native.wait(pid) }, { "exit", 0 })
    tasks.await(function()
        local near, far = meet(domain, passive, path)
        net.close(near, far)
    end)
end)

-- Listening and accepting ------------------------------------------------------------------------

both("listen checks self, backlog, use and range", function(domain)
    local passive <close> = make("passive", domain)
    fails(function() passive:listen() end, "number expected, got no value")
    fails(function() passive:listen(-1) end, "#1 to 'listen' (out of range)")
    fails(function() passive:listen(1 << 31) end, "#1 to 'listen' (out of range)")
    fails(function() passive:accept() end, "not listening")
    assert(passive:bind(net.path()))
    same({ passive:listen(0) }, { true })
    fails(function() passive:listen(1) end, "already listening")
    same({ passive:bind(net.path()) }, invalid)
    fails(function() passive:accept() end, "unable to yield")
    local waiting = tasks.spawn(function() passive:accept() end)
    fails(function() passive:accept() end, "already in use")
    coroutine.close(waiting)
end)

both("what others connect is accepted", function(domain)
    local path = net.path()
    local passive <close> = listening(domain, path)
    local client = native.socket("local", "stream")
    equal(native.connect(client, path), 0)
    native.send(client, "from outside")
    local stream <close> = tasks.await(function() return passive:accept() end)
    equal(tasks.await(function() return net.read_all(stream, 12) end), "from outside")
    native.close(client)
    same({ tasks.await(function() return stream:read(memory.create(1)) end) },
         { false, "end of file", 4095 })
end)


suite.finish()
