-- What is told about network interfaces (behaviour 6.5), compared with what `ip` tells.

local suite = require("support.suite").strict()
local system = require "coutil.system"
local shell = require "support.shell"
local child = require "support.child"
local shortage = require "support.shortage"

local case, equal, same, ok, fails = suite.case, suite.equal, suite.same, suite.ok, suite.fails

local letters <const> = "nidlmtbTB"

-- Where no interface is up the conventions are tried in a network of their own.
require "support.snapshots"("coutil:netifaces", function(which)
    local iterator, given, first, closing = system.netinfo("all", which)
    if #iterator == 0 then suite.skip("no interface is up here") end
    return iterator, given, first, closing
end, "n", letters)

-- Lines as our own listing gives them, from what `ip` says of interfaces that are up and running.
local function by_ip()
    local lines = {}
    for _, link in ipairs(shell.lines(shell.expect("ip -o link show up"))) do
        local name, flags = string.match(link, "^%d+: ([^:@]+)[^<]*<([^>]*)>")
        if not string.find(flags, "NO-CARRIER", 1, true) then
            local mac = shell.read("/sys/class/net/" .. name .. "/address")
            local list = shell.expect("ip -o addr show dev " .. shell.quote(name))
            for family, address, length in string.gmatch(list, " (inet6?) ([^ /]+)[^\n]-/(%d+)") do
                lines[#lines + 1] = string.format("%s %s %s/%s %s %s", name,
                    family == "inet6" and "ipv6" or "ipv4", address, length,
                    string.find(flags, "LOOPBACK", 1, true) and true or false,
                    string.match(mac, "^%x%x:%x%x:%x%x:%x%x:%x%x:%x%x"))
            end
        end
    end
    table.sort(lines)
    return lines
end

local function by_us()
    local lines = {}
    for _, name, domain, text, length, internal, mac in system.netinfo("all", "ndtliT") do
        -- `ip` shows the interface, and not the label that an IPv4 address may have.
        lines[#lines + 1] = string.format("%s %s %s/%d %s %s", string.match(name, "^[^:]+"),
                                          domain, text, length, internal, mac)
    end
    table.sort(lines)
    return lines
end

case("the addresses are those that ip shows", function()
    local expected = by_ip()
    if #expected == 0 then suite.skip("no interface is up here") end
    same(by_us(), expected)
end)

case("the binary forms agree with the texts", function()
    local lengths = { ipv4 = 4, ipv6 = 16 }
    for index, n, i, d, l, m, t, b, T, B in system.netinfo("all", letters) do
        equal(math.type(index), "integer")
        ok(#n > 0 and type(i) == "boolean" and math.type(l) == "integer")
        equal(#b, lengths[d])
        equal(#m, lengths[d])
        equal(system.address(d, t, 0).binary, b)
        local bits = string.gsub(m, ".", function(byte)
            local text = ""
            for bit = 7, 0, -1 do text = text .. (string.byte(byte) >> bit & 1) end
            return text
        end)
        equal(bits, string.rep("1", l) .. string.rep("0", #bits - l))
        equal(#B, 6)
        equal(T, string.format("%02x:%02x:%02x:%02x:%02x:%02x", string.byte(B, 1, 6)))
    end
end)

-- In a network of its own, with what this machine may not have.
local function in_network(commands, chunk)
    return child.expect("local system = require 'coutil.system'\n" .. chunk,
                        { wrap = shell.in_network(commands) })
end

case("an interface with several addresses has an entry for each", function()
    equal(in_network([[
        ip link set lo up
        ip addr add 192.0.2.1/20 dev lo label lo:extra
        ip addr add 198.51.100.7/32 dev lo
        ip addr add fd12::1/48 dev lo nodad
    ]], [[
        local lines = {}
        for index, n, i, d, t, l, m in system.netinfo("all", "nidtlm") do
            lines[index] = table.concat({ n, tostring(i), d, t, l, (string.gsub(m, ".",
                function(byte) return string.format("%02x", string.byte(byte)) end)) }, "\t")
        end
        -- The kernel has an order of its own for those of version 6.
        if lines[4] > lines[5] then lines[4], lines[5] = lines[5], lines[4] end
        print(table.concat(lines, "\n"))
    ]]), table.concat({
        "lo\ttrue\tipv4\t127.0.0.1\t8\tff000000\n",
        "lo:extra\ttrue\tipv4\t192.0.2.1\t20\tfffff000\n",
        "lo\ttrue\tipv4\t198.51.100.7\t32\tffffffff\n",
        "lo\ttrue\tipv6\t::1\t128\t", string.rep("f", 32), "\n",
        "lo\ttrue\tipv6\tfd12::1\t48\t", string.rep("f", 12), string.rep("0", 20), "\n",
    }))
end)

case("interfaces that are down, or have nobody at the other end, are left out", function()
    -- Of a pair the one end runs only while the other is up.
    local veth <const> = "ip link add one address 02:00:5e:10:20:3f type veth peer name two"
    shell.expect("unshare --net sh -c " .. shell.quote(veth))
    local count <const> = [[
        local iterator <close> = system.netinfo("all", "nT")
        for _, name, mac in iterator, "nT" do print(#iterator, name, mac) end
        print(#iterator)
    ]]
    equal(in_network(veth .. "\nip addr add 192.0.2.1/24 dev one", count), "0\n")
    equal(in_network(veth .. "\nip addr add 192.0.2.1/24 dev one\nip link set one up", count),
          "0\n")
    equal(in_network(veth .. [[

        sysctl -qw net.ipv6.conf.all.disable_ipv6=1
        ip addr add 192.0.2.1/24 dev one label one:label
        ip link set one up
        ip link set two up
    ]], count), "1\tone:label\t02:00:5e:10:20:3f\n1\n")
end)

case("an interface without any address makes an empty list", function()
    equal(in_network("", [[
        local iterator, which, first = system.netinfo("all", {})
        print(#iterator, select("#", iterator("n", first)))
        for _ in iterator, "n" do print("never") end
        print(pcall(iterator, which))
    ]]), "0\t0\nfalse\tbad argument #2 to '?' (string expected, got table)\n")
end)

case("a snapshot does not change with the interfaces", function()
    equal(in_network("ip link set lo up", [[
        local iterator <close> = system.netinfo("all", "t")
        os.execute("ip addr add 192.0.2.1/24 dev lo")
        local again <close> = system.netinfo("all", "t")
        print(#iterator + 1 == #again)
    ]]), "true\n")
end)

-- By index ---------------------------------------------------------------------------------------

case("an index is the name of its interface, also as the zone of an address", function()
    local links = shell.lines(shell.expect("ip -o link show"))
    for _, link in ipairs(links) do
        local index, name = string.match(link, "^(%d+): ([^:@]+)")
        equal(system.netinfo("name", math.tointeger(index)), name)
        equal(system.netinfo("id", math.tointeger(index)), name)
        equal(system.netinfo("name", index), name)
        equal(select("#", system.netinfo("name", index)), 1)
    end
    ok(#links > 0)
end)

case("an index without an interface is a failure", function()
    for _, option in ipairs { "name", "id" } do
        for _, index in ipairs { 2147483647, 1999999999 } do
            same(table.pack(system.netinfo(option, index)),
                 table.pack(false, "no such device or address", 6))
        end
    end
end)

case("what is no index is refused", function()
    for _, option in ipairs { "name", "id" } do
        for _, index in ipairs { 0, -1, 2147483648, math.maxinteger, math.mininteger } do
            equal(fails(function() system.netinfo(option, index) end, "out of range")
                :match("bad argument.*"), "bad argument #2 to 'netinfo' (out of range)")
        end
        fails(function() system.netinfo(option) end, "number expected, got no value")
        fails(function() system.netinfo(option, "lo") end, "number expected, got string")
        fails(function() system.netinfo(option, 1.5) end, "no integer representation")
    end
end)

case("the option comes first, and has to be one of three", function()
    equal(fails(function() system.netinfo("x", 0) end, "invalid"):match("bad argument.*"),
          "bad argument #1 to 'netinfo' (invalid option 'x')")
    fails(function() system.netinfo() end, "string expected, got no value")
    fails(function() system.netinfo(nil, "n") end, "string expected, got nil")
    fails(function() system.netinfo("") end, "invalid option ''")
end)

case("what cannot be read is a failure", function()
    shortage(function()
        local failure <const> = table.pack(false, "too many open files", 24)
        same(table.pack(system.netinfo("all", "n")), failure)
        same(table.pack(system.netinfo("name", 1)), failure)
    end)
end)

suite.finish()
