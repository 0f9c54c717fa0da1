-- Manual: socket:setoption of UDP sockets, multicast (behaviour 7.9). Literals and failures are
-- looked at here; what arrives where, in a network namespace with two interfaces of two addresses.

local suite = require("support.suite").strict()
local system = require "coutil.system"
local child = require "support.child"
local net = require "support.net"
local tasks = require "support.tasks"

local case, equal, same, fails = suite.case, suite.equal, suite.same, suite.fails

local invalid <const> = { n = 3, false, "invalid argument", 22 }
local group = { ipv4 = "239.9.9.9", ipv6 = "ff02::909" }
local loopback = { ipv4 = "127.0.0.1", ipv6 = "::1%lo" }
local source = { ipv4 = "127.0.0.1", ipv6 = "::1" }

-- A case for each domain, with a socket of it.
local function both(name, body)
    for _, domain in ipairs(net.domains) do
        case(name .. " (" .. domain .. ")", function()
            local socket <close> = assert(system.socket("datagram", domain))
            body(socket, domain)
        end)
    end
end

both("mcastiface is a literal or nil, and comes back", function(socket, domain)
    local literal = domain == "ipv4" and "127.0.0.1" or "::%lo"
    same(tasks.results(socket:getoption("mcastiface")), { n = 1, nil })
    equal(socket:setoption("mcastiface", loopback[domain]), true)
    same(tasks.results(socket:getoption("mcastiface")), { n = 1, literal })
    equal(socket:setoption("mcastiface", literal), true)
    equal(socket:getoption("mcastiface"), literal)
    for _, wrong in ipairs { "", "lo", "1.2.3", "::1%", "::1%no-such", "host.example" } do
        same(tasks.results(socket:setoption("mcastiface", wrong)), invalid)
        equal(socket:getoption("mcastiface"), literal)
    end
    fails(function() socket:setoption("mcastiface", {}) end, "string expected, got table")
    equal(socket:setoption("mcastiface", nil), true)
    equal(socket:getoption("mcastiface"), nil)
    equal(socket:setoption("mcastiface", loopback[domain]), true)
    equal(socket:setoption("mcastiface"), true)
    equal(socket:getoption("mcastiface"), nil)
end)

case("an interface of ipv6 is named by the zone of any literal", function()
    local socket <close> = assert(system.socket("datagram", "ipv6"))
    for _, literal in ipairs { "::%lo", "fe80::1%lo", "::1%1" } do
        equal(socket:setoption("mcastiface", literal), true)
        equal(socket:getoption("mcastiface"), "::%lo")
        equal(socket:setoption("mcastiface", "::1"), true, "no zone, any interface")
        equal(socket:getoption("mcastiface"), nil)
    end
end)

case("an ipv4 literal on an ipv6 socket sets the ipv4 option", function()
    local socket <close> = assert(system.socket("datagram", "ipv6"))
    equal(socket:setoption("mcastiface", "127.0.0.1"), true)
    equal(socket:getoption("mcastiface"), nil)
    local four <close> = assert(system.socket("datagram", "ipv4"))
    same(tasks.results(four:setoption("mcastiface", "::%lo")),
         { n = 3, false, "protocol not available", 92 })
end)

both("groups are joined once and left once", function(socket, domain)
    local taken = { n = 3, false, "address already in use", 98 }
    local absent = { n = 3, false, "address not available", 99 }
    local name, from = group[domain], loopback[domain]
    equal(socket:setoption("mcastjoin", name, from), true)
    same(tasks.results(socket:setoption("mcastjoin", name, from)), taken)
    equal(socket:setoption("mcastleave", name, from), true)
    same(tasks.results(socket:setoption("mcastleave", name, from)), absent)
    equal(socket:setoption("mcastjoin", name, from, source[domain]), true)
    equal(socket:setoption("mcastleave", name, from, source[domain]), true)
    same(tasks.results(socket:setoption("mcastleave", name, from, source[domain])), invalid)
end)

both("a group, an interface and a source are literals of one family", function(socket, domain)
    local name, from = group[domain], loopback[domain]
    local other = domain == "ipv4" and "ipv6" or "ipv4"
    for _, option in ipairs { "mcastjoin", "mcastleave" } do
        for _, wrong in ipairs { { "" }, { "group" }, { name, "" }, { name, "lo" },
                                 { name, loopback[other] }, { name, from, "" },
                                 { name, from, "source" }, { name, from, source[other] },
                                 { name, nil, source[other] }, { name .. " ", from } } do
            same(tasks.results(socket:setoption(option, wrong[1], wrong[2], wrong[3])), invalid)
        end
        fails(function() socket:setoption(option) end,
              "bad argument #2 to 'setoption' (string expected, got no value)")
        fails(function() socket:setoption(option, nil) end, "string expected, got nil")
        fails(function() socket:setoption(option, name, {}) end,
              "bad argument #3 to 'setoption' (string expected, got table)")
        fails(function() socket:setoption(option, name, from, true) end,
              "bad argument #4 to 'setoption' (string expected, got boolean)")
        fails(function() socket:getoption(option) end,
              "bad argument #1 to 'getoption' (invalid option '" .. option .. "')")
    end
    -- What is no group, the system refuses.
    equal(socket:setoption("mcastjoin", source[domain], from), false)
end)

case("an ipv6 socket joins groups of ipv4, but not the other way", function()
    local six <close> = assert(system.socket("datagram", "ipv6"))
    equal(six:setoption("mcastjoin", group.ipv4, "127.0.0.1"), true)
    equal(six:setoption("mcastleave", group.ipv4, "127.0.0.1"), true)
    local four <close> = assert(system.socket("datagram", "ipv4"))
    same(tasks.results(four:setoption("mcastjoin", group.ipv6, "::%lo")),
         { n = 3, false, "protocol not available", 92 })
end)

-- What arrives where -----------------------------------------------------------------------------

-- Two interfaces with nobody behind them, `one` and `two`; each has two addresses of each family.
local network = {}
for number, name in ipairs { "one", "two" } do
    network[#network + 1] = "ip link add " .. name .. " type veth peer name far_" .. name
    network[#network + 1] = "ip link set far_" .. name .. " up"
    network[#network + 1] = "ip link set " .. name .. " up multicast on"
    for host = 1, 2 do
        for _, command in ipairs { "ip addr add 10.9.%d.%d/24 dev %s",
                                   "ip addr add fd00:%d::%d/64 dev %s nodad" } do
            network[#network + 1] = command:format(number, host, name)
        end
    end
end
network = "unshare -n sh -c 'ip link set lo up && " .. table.concat(network, " && ") ..
          ' && exec "$@"' .. "' sh"

-- Each chunk knows `domain`, and how addresses look in it.
local prelude <const> = child.prelude .. [[
    local six = domain == "ipv6"
    local group = six and "ff05::909" or "239.9.9.9"
    local function host(number, which)
        return string.format(six and "fd00:%d::%d" or "10.9.%d.%d", number, which)
    end
    -- How an interface is named.
    local function iface(number)
        return six and "::%" .. (number == 1 and "one" or "two") or host(number, 1)
    end

    -- A socket that can be sent to, and hears of groups it joined itself only.
    local function receiver(port)
        local socket = assert(system.socket("datagram", domain))
        assert(socket:setoption("reuseaddr", true))
        assert(socket:bind(system.address(domain, six and "::" or "0.0.0.0", port or 0)))
        return socket, socket:getaddress().port
    end
    local function sender(number, which, ttl)
        local socket = assert(system.socket("datagram", domain))
        assert(socket:bind(system.address(domain, host(number, which), 0)))
        assert(socket:setoption("mcastiface", iface(number)))
        assert(socket:setoption("mcastttl", ttl or 5))
        return socket
    end
    local function send(from, text, port, to)
        tasks.await(function()
            assert(from:write(text, 1, -1, system.address(domain, to or group, port)))
        end)
    end
    -- What came before the mark, which everybody can send.
    local function heard(socket, port)
        local came = {}
        local marker = sender(1, 1)
        send(marker, "mark", port, host(1, 1))
        marker:close()
        tasks.await(function()
            local buffer = memory.create(64)
            while true do
                local text = buffer:tostring(1, assert(socket:read(buffer)))
                if text == "mark" then break end
                came[#came + 1] = text
            end
        end)
        return table.concat(came, " ")
    end
    local function expect(actual, expected)
        if actual ~= expected then
            error(string.format("%q expected, got %q", expected, actual), 2)
        end
    end
]]

local has_network = child.run("", { wrap = network }) == ""

local function networked(name, chunk)
    for _, domain in ipairs(net.domains) do
        case(name .. " (" .. domain .. ")", function()
            if not has_network then suite.skip("no network namespaces here") end
            local output = child.expect(string.format("local domain = %q\n", domain) .. prelude ..
                                        chunk .. "io.write('ended')", { wrap = network })
            equal(output, "ended")
        end)
    end
end

networked("who joined a group on an interface hears what is sent there", [[
    local socket, port = receiver()
    local one, two = sender(1, 1), sender(2, 1)
    send(one, "before", port)
    assert(socket:setoption("mcastjoin", group, iface(1)))
    send(one, "one", port)
    send(two, "two", port)
    expect(heard(socket, port), "one")
    assert(socket:setoption("mcastjoin", group, iface(2)))
    send(one, "one", port)
    send(two, "two", port)
    expect(heard(socket, port), "one two")
    assert(socket:setoption("mcastleave", group, iface(1)))
    send(one, "one", port)
    send(two, "two", port)
    expect(heard(socket, port), "two")
    assert(socket:setoption("mcastleave", group, iface(2)))
    send(two, "after", port)
    expect(heard(socket, port), "")
]])

networked("without an interface the system chooses one", [[
    local route = six and "ip -6 route add ff05::/16 dev two table local"
                      or "ip route add 239.0.0.0/8 dev two"
    assert(os.execute(route))
    local socket, port = receiver()
    assert(socket:setoption("mcastjoin", group))
    local one, two = sender(1, 1), sender(2, 1)
    assert(two:setoption("mcastiface", nil))
    send(one, "one", port)
    send(two, "two", port)
    expect(heard(socket, port), "two")
    assert(socket:setoption("mcastleave", group, nil, nil))
]])

networked("who joined for a source hears nobody else", [[
    local socket, port = receiver()
    local first, second = sender(1, 1), sender(1, 2)
    assert(socket:setoption("mcastjoin", group, iface(1), host(1, 2)))
    send(first, "first", port)
    send(second, "second", port)
    expect(heard(socket, port), "second")
    assert(socket:setoption("mcastjoin", group, iface(1), host(1, 1)))
    send(first, "first", port)
    send(second, "second", port)
    expect(heard(socket, port), "first second")
    assert(socket:setoption("mcastleave", group, iface(1), host(1, 2)))
    send(first, "first", port)
    send(second, "second", port)
    expect(heard(socket, port), "first")
    assert(socket:setoption("mcastleave", group, iface(1), host(1, 1)))
]])

networked("every socket that joined has its own copy", [[
    local first, port = receiver()
    local second = receiver(port)
    local third = receiver(port)
    for _, socket in ipairs { first, second, third } do
        assert(socket:setoption("mcastjoin", group, iface(1)))
    end
    local one = sender(1, 1)
    local came = 0
    for _, socket in ipairs { first, second, third } do
        tasks.spawn(function()
            local buffer, from = memory.create(8), system.address(domain)
            assert(buffer:tostring(1, socket:read(buffer, 1, -1, from)) == "all")
            assert(from == one:getaddress())
            came = came + 1
        end)
    end
    tasks.rounds(2)
    tasks.spawn(function()
        assert(one:write("all", 1, -1, system.address(domain, group, port)))
    end)
    tasks.run()
    assert(came == 3)
]])

networked("without mcastloop the own machine hears nothing", [[
    local socket, port = receiver()
    assert(socket:setoption("mcastjoin", group, iface(1)))
    local one = sender(1, 1)
    assert(one:setoption("mcastloop", false))
    send(one, "quiet", port)
    assert(one:setoption("mcastloop", true))
    send(one, "loud", port)
    expect(heard(socket, port), "loud")
]])

networked("a connected socket sends to a group and is heard", [[
    local socket, port = receiver()
    assert(socket:setoption("mcastjoin", group, iface(1)))
    local one = sender(1, 1)
    assert(one:connect(system.address(domain, group, port)))
    tasks.await(function() assert(one:write("connected")) end)
    expect(heard(socket, port), "connected")
]])

suite.finish()
