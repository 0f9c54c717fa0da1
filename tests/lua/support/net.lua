-- Connections for the tests: a listener, both ends of a stream, and the number of a descriptor.

local system = require "coutil.system"
local memory = require "memory"
local memories = require "support.memories"
local native = require "native"
local tasks = require "support.tasks"

local net = {}

-- The domain of the sockets of cases that do not care, and the domains that other cases are run
-- for. A stream is a stream: scripts about what all have in common are run once more with each
-- domain of local sockets in COUTIL_TEST_DOMAIN.
local chosen <const> = os.getenv("COUTIL_TEST_DOMAIN")
net.default = chosen or "ipv4"
net.domains = chosen and { chosen } or { "ipv4", "ipv6" }
net.local_domains = { "local", "share" }
net.is_local = net.default == "local" or net.default == "share"

local loopback = { ipv4 = "127.0.0.1", ipv6 = "::1" }
local paths = 0

-- A path at which there is no file.
function net.path()
    paths = paths + 1
    return string.format("/tmp/coring-%d-%d", native.getpid(), paths)
end

-- A name outside of the file system, where nothing can stay behind.
function net.abstract()
    paths = paths + 1
    return string.format("\0coring-%d-%d", native.getpid(), paths)
end

-- Whether there is a file at the path, of whatever type.
function net.exists(path)
    return native.mode(path) ~= nil
end

-- Where a socket may be bound: an address, or a name for local sockets.
function net.loopback(domain, port)
    domain = domain or net.default
    if loopback[domain] == nil then return net.abstract() end
    return system.address(domain, loopback[domain], port or 0)
end

-- A passive socket that listens on loopback, and its address.
function net.listener(domain, backlog)
    local listener = assert(system.socket("passive", domain or net.default))
    assert(listener:bind(net.loopback(domain)))
    assert(listener:listen(backlog or 16))
    return listener, assert(listener:getaddress())
end

-- An address on which nobody listens.
function net.nowhere(domain)
    local listener, address = net.listener(domain)
    listener:close()
    return address
end

-- An address that answers no connection: its listener's backlog is full. Then what to close.
function net.unanswered(domain)
    local listener, address = net.listener(domain or "ipv4", 0)
    return address, net.closing(listener, net.connect(address))
end

-- Calls the function; returns the descriptor it opened, then what it returned.
function net.fd_of(open, ...)
    local before = native.descriptors()
    local results = table.pack(open(...))
    local opened
    for fd in pairs(native.descriptors()) do
        if not before[fd] then
            assert(opened == nil, "more than one descriptor was opened")
            opened = fd
        end
    end
    return opened, table.unpack(results, 1, results.n)
end

-- A connected stream of the listener at `address`, in the middle of a task or not. Names are of
-- the domain given.
function net.connect(address, domain)
    domain = type(address) == "string" and (domain or net.default) or address.type
    local stream = assert(system.socket("stream", domain))
    if coroutine.isyieldable() then
        assert(stream:connect(address))
    else
        local connected
        tasks.spawn(function() connected = assert(stream:connect(address)) end)
        tasks.until_true(function() return connected end)
    end
    return stream
end

-- Closes these sockets, but for those that are closed already.
function net.close(...)
    for _, socket in ipairs { ... } do
        getmetatable(socket).__close(socket)
    end
end

-- For a to-be-closed variable: closes these sockets, but for those that are closed already.
function net.closing(...)
    local sockets = { ... }
    return setmetatable({}, {
        __close = function()
            net.close(table.unpack(sockets))
        end,
    })
end

-- Both ends of a connection: who connected, who was accepted; then the descriptors of both.
-- With `small`, the buffers in the kernel are as small as it makes them.
function net.pair(domain, small)
    local listener <close>, address = net.listener(domain)
    local connected, far
    local here, near = net.fd_of(system.socket, "stream", domain or net.default)
    local function connect()
        tasks.spawn(function() connected = assert(near:connect(address)) end)
    end
    here = here or net.fd_of(connect) -- local sockets have a descriptor from now on
    if small then native.small(here) end
    local there
    there = net.fd_of(function()
        if loopback[domain or net.default] then connect() end
        tasks.spawn(function() far = assert(listener:accept()) end)
        tasks.until_true(function() return connected and far end)
    end)
    if small then native.small(there) end
    return near, far, here, there
end


net.resizable = memories.resizable

-- Reads until the end of the stream, or until so many bytes are there; returns them.
function net.read_all(stream, limit, buffer)
    buffer = buffer or memory.create(65536)
    local parts, size = {}, 0
    while size < (limit or math.huge) do
        local count, problem = stream:read(buffer)
        if not count then
            assert(problem == "end of file", problem)
            break
        end
        parts[#parts + 1] = buffer:tostring(1, count)
        size = size + count
    end
    return table.concat(parts)
end

local block
do
    local words, length = {}, 0
    while length < 65521 do -- a prime: no power of two hides a shift
        words[#words + 1] = string.format("%d,", #words)
        length = length + #words[#words]
    end
    block = string.sub(table.concat(words), 1, 65521)
end

-- Some text of this length in which each place can be told from its neighbours.
function net.text(size)
    return string.sub(string.rep(block, size // #block + 1), 1, size)
end

-- More than the buffers of a small pair take.
net.plenty = 4 * 1024 * 1024

-- The engine keeps a descriptor in reserve from the first accept on; now is better than later.
do
    local listener = net.listener()
    local acceptor = coroutine.create(function() listener:accept() end)
    assert(coroutine.resume(acceptor))
    system.run("ready")
    coroutine.close(acceptor)
    listener:close()
end

return net
