-- What findaddr and nameaddr make of the system's files and settings (behaviour 6.3, 6.4): hosts,
-- services, configured families, local names, a name server that is not there. Each case is a
-- child with files, addresses and a host name of its own.

local suite = require "support.suite"
local resolver = require "support.resolver"

local case = suite.case

local hosts <const> = [[
127.0.0.1 localhost
192.0.2.1 self.example.test self
192.0.2.10 box.example.test box
2001:db8::10 box.example.test box
192.0.2.11 four.test
2001:db8::12 six.test
192.0.2.13 alone.elsewhere.test
192.0.2.14 many.test
192.0.2.15 many.test
192.0.2.16 xn--bcher-kva.test
]]

local services <const> = [[
both 7001/tcp twin
both 7001/udp
stream 7002/tcp
datagram 7003/udp
shared-stream 7004/tcp
shared-datagram 7004/udp
]]

local no_servers <const> = "hosts: files\nservices: files\n"

local helpers <const> = [[
    local function find(...)
        return tasks.await(system.findaddr, ...)
    end
    local function name(...)
        return tasks.results(tasks.await(system.nameaddr, ...))
    end
    local function listed(...)
        local found <close> = assert(find(...))
        local texts = {}
        repeat
            texts[#texts + 1] = tostring(found:getaddress()) .. " " .. found:getsocktype()
        until not found:next()
        return texts
    end
    local function sorted(...)
        local texts = listed(...)
        table.sort(texts)
        return texts
    end
    local function named(text, mode)
        return name(system.address(text:find("[", 1, true) and "ipv6" or "ipv4", text), mode)
    end
]]

-- Both families, unless `setup` says something else.
local both_families <const> = [[
ip link set lo up
ip address add 192.0.2.1/24 dev lo
ip -6 address add 2001:db8::1/64 dev lo nodad
]]

-- Runs the chunk where the files above are those of the system.
local function run(chunk, setup, files)
    local all = { hosts = hosts, services = services, ["nsswitch.conf"] = no_servers }
    for path, text in pairs(files or {}) do all[path] = text end
    resolver.private(all, "hostname self\n" .. (setup or both_families), helpers .. chunk)
end

case("names have the addresses of their family, once for each type of socket", function()
    run [[
        same(listed("four.test"), { "192.0.2.11:0 stream", "192.0.2.11:0 datagram" })
        same(listed("four.test", 80, "4d"), { "192.0.2.11:80 datagram" })
        same(listed("six.test", 80, "s"), { "[2001:db8::12]:80 stream" })
        same(sorted("box", 80, "s"), { "192.0.2.10:80 stream", "[2001:db8::10]:80 stream" })
        same(listed("box.example.test", 80, "4s"), { "192.0.2.10:80 stream" })
        same(listed("box.example.test", 80, "6s"), { "[2001:db8::10]:80 stream" })
        same(sorted("box", 80, "46s"), { "192.0.2.10:80 stream", "[2001:db8::10]:80 stream" })
        same(#listed("many.test", 80), 4)
        same({ find("nobody.test") }, { false, "unknown node or service", 3008 })
    ]]
end)

case("without 4 and 6 only families count that the machine has addresses of", function()
    local chunk <const> = [[
        same(sorted("box", 80, "s"), { ONLY })
        same(sorted("box", 80, "46s"), { "192.0.2.10:80 stream", "[2001:db8::10]:80 stream" })
        same(listed("box", 80, "4s"), { "192.0.2.10:80 stream" })
        same(listed("box", 80, "6s"), { "[2001:db8::10]:80 stream" })
        same(sorted("box", 80, "ms"),
             { "[2001:db8::10]:80 stream", "[::ffff:192.0.2.10]:80 stream" })
    ]]
    local up <const> = "ip link set lo up\n"
    run(chunk:gsub("ONLY", '"192.0.2.10:80 stream"'), up .. "ip address add 192.0.2.1/24 dev lo")
    run(chunk:gsub("ONLY", '"[2001:db8::10]:80 stream"'),
        up .. "ip -6 address add 2001:db8::1/64 dev lo nodad")
end)

case("m adds mapped addresses, or with 6 takes them if there are no others", function()
    run [[
        for _, mode in ipairs { "ms", "m46s" } do
            same(sorted("box", 80, mode),
                 { "[2001:db8::10]:80 stream", "[::ffff:192.0.2.10]:80 stream" })
        end
        same(listed("box", 80, "m6s"), { "[2001:db8::10]:80 stream" })
        for _, mode in ipairs { "ms", "m46s", "m6s" } do
            same(listed("four.test", 80, mode), { "[::ffff:192.0.2.11]:80 stream" })
            same(listed("six.test", 80, mode), { "[2001:db8::12]:80 stream" })
        end
    ]]
end)

case("services have the ports of their type", function()
    run [[
        same(listed("four.test", "both"), { "192.0.2.11:7001 stream", "192.0.2.11:7001 datagram" })
        same(listed("four.test", "twin", "s"), { "192.0.2.11:7001 stream" })
        same(listed("four.test", "stream"), { "192.0.2.11:7002 stream" })
        same(listed("four.test", "datagram"), { "192.0.2.11:7003 datagram" })
        same(listed("127.0.0.1", "stream"), { "127.0.0.1:7002 stream" })
        same(listed("*", "stream", "4"), { "0.0.0.0:7002 passive" })
        same(listed(nil, "datagram", "4"), { "127.0.0.1:7003 datagram" })
        local none <const> = { false, "service not available for socket type", 3010 }
        same({ find("four.test", "datagram", "s") }, none)
        same({ find("four.test", "stream", "d") }, none)
        same({ find("four.test", "nothing") }, none)
    ]]
end)

case("ports have the names of their services, or their numbers", function()
    run [[
        same(name(7001), { "both", n = 1 })
        same(name(7004), { "shared-stream", n = 1 })
        same(name(7004, "d"), { "shared-datagram", n = 1 })
        same(name(7004.0, "ld"), { "shared-datagram", n = 1 })
        same(name(7003), { "7003", n = 1 })
        same(name(9999, "d"), { "9999", n = 1 })
    ]]
end)

case("addresses have the names of their hosts and services", function()
    run [[
        same(named("192.0.2.10:7004"), { "box.example.test", "shared-stream", n = 2 })
        same(named("192.0.2.10:7004", "d"), { "box.example.test", "shared-datagram", n = 2 })
        same(named("[2001:db8::10]:9999"), { "box.example.test", "9999", n = 2 })
        same(named("192.0.2.99:80"), { false, "unknown node or service", 3008, n = 3 })
        same(named("192.0.2.99:80", "l"), { false, "unknown node or service", 3008, n = 3 })
    ]]
end)

case("local names go without the domain of this host, and others with theirs", function()
    run [[
        same(named("192.0.2.10:80", "l"), { "box", "80", n = 2 })
        same(named("192.0.2.13:80", "l"), { "alone.elsewhere.test", "80", n = 2 })
        same(named("192.0.2.10:7004", "ld"), { "box", "shared-datagram", n = 2 })
    ]]
end)

case("names have canonical names", function()
    run [[
        same(name("box"), { "box.example.test", n = 1 })
        same(name("self"), { "self.example.test", n = 1 })
        same(name("four.test"), { "four.test", n = 1 })
        same(name("192.0.2.10"), { "192.0.2.10", n = 1 })
        same(name("nobody.test"), { false, "unknown node or service", 3008, n = 3 })
    ]]
end)

case("names in other letters are looked up in their form for the network", function()
    run [[
        for _, text in ipairs { "bücher.test", "xn--bcher-kva.test", "bücher。test" } do
            same(listed(text, 80, "s"), { "192.0.2.16:80 stream" })
        end
        same(name("bücher.test"), { "xn--bcher-kva.test", n = 1 })
        same(named("192.0.2.16:80"), { "xn--bcher-kva.test", "80", n = 2 })
    ]]
end)

case("nobody at the name server's port is a temporary failure", function()
    run([[
        same({ find("nobody.test") }, { false, "temporary failure", 3001 })
        same(name("nobody.test"), { false, "temporary failure", 3001, n = 3 })
        same(listed("four.test", 80, "s"), { "192.0.2.11:80 stream" })
    ]], nil, {
        ["nsswitch.conf"] = "hosts: files dns\nservices: files\n",
        ["resolv.conf"] = "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n",
    })
end)

-- A network on which nobody hears us.
local deaf <const> = [[
ip link add v0 type veth peer name v1
ip link set v0 up
ip link set v1 up
ip address add 198.51.100.1/24 dev v0
ip neighbour add 198.51.100.53 lladdr 02:00:00:00:00:01 dev v0
]]

case("a name server that is silent delays nobody else", function()
    if not os.execute("unshare -n ip link add v0 type veth peer name v1 >/dev/null 2>&1") then
        suite.skip("there are no virtual Ethernet devices here")
    end
    run([[
        local answer
        tasks.spawn(function() answer = table.pack(system.findaddr("nobody.test")) end)
        local found, slept
        tasks.spawn(function() found = system.findaddr("four.test", 80, "s") end)
        tasks.spawn(function() slept = system.suspend(0.01) end)
        tasks.until_true(function() return found and slept end)
        equal(answer, nil)
        tasks.run()
        same(answer, { false, "temporary failure", 3001, n = 3 })
    ]], both_families .. deaf, {
        ["nsswitch.conf"] = "hosts: files dns\nservices: files\n",
        ["resolv.conf"] = "nameserver 198.51.100.53\noptions timeout:1 attempts:1\n",
    })
end)

suite.finish()
