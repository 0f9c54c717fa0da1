-- Requests for the example servers, good and bad, and what to look for in answers.

local requests = {
    hello = "Hello, world!\n", -- what the servers answer
    good = "GET / HTTP/1.1\r\nHost: here\r\n\r\n",
}

local good <const> = requests.good

-- The statuses of the answers in some bytes, as "200 404", in order.
function requests.statuses(bytes)
    local found <const> = {}
    for status in bytes:gmatch("HTTP/1%.1 (%d+) ") do found[#found + 1] = status end
    return table.concat(found, " ")
end

local function get(fields, version)
    return "GET / HTTP/" .. (version or "1.1") .. "\r\n" .. fields .. "\r\n"
end

requests.get = get

-- Requests that must be refused: what is wrong with them, the status, the bytes.
requests.refused = {
    { "a bare LF", "400", "GET / HTTP/1.1\nHost: here\n\n" },
    { "a bare LF after a field", "400", "GET / HTTP/1.1\r\nHost: here\n\r\n" },
    { "a bare CR in a field", "400", get("Host: he\rre\r\n") },
    { "a zero byte", "400", get("Host: here\r\nX: a\0b\r\n") },
    { "a space before the colon", "400", get("Host : here\r\n") },
    { "a folded field", "400", get("Host: here\r\nX: a\r\n b\r\n") },
    { "a field without colon", "400", get("Host: here\r\nX\r\n") },
    { "a field without name", "400", get("Host: here\r\n: x\r\n") },
    { "a space before the first field", "400", get(" Host: here\r\n") },
    { "a missing version", "400", "GET /\r\nHost: here\r\n\r\n" },
    { "a future version", "400", get("Host: here\r\n", "2.0") },
    { "a version in small letters", "400", "GET / http/1.1\r\nHost: here\r\n\r\n" },
    { "two spaces", "400", "GET  / HTTP/1.1\r\nHost: here\r\n\r\n" },
    { "a target with a space", "400", "GET /a b HTTP/1.1\r\nHost: here\r\n\r\n" },
    { "a target that is no path", "400", "GET other HTTP/1.1\r\nHost: here\r\n\r\n" },
    { "a method that is no token", "400", "G(T / HTTP/1.1\r\nHost: here\r\n\r\n" },
    { "an empty line first", "400", "\r\n\r\n" .. good },
    { "a first line that is no request", "400", "hello\r\n" },
    { "no Host", "400", get("") },
    { "two Hosts", "400", get("Host: here\r\nHost: here\r\n") },
    { "a Host with a path", "400", get("Host: here/there\r\n") },
    { "two lengths", "400", get("Host: here\r\nContent-Length: 1\r\nContent-Length: 2\r\n") },
    { "a list of lengths", "400", get("Host: here\r\nContent-Length: 1, 1\r\n") },
    { "a negative length", "400", get("Host: here\r\nContent-Length: -1\r\n") },
    { "a signed length", "400", get("Host: here\r\nContent-Length: +1\r\n") },
    { "a hexadecimal length", "400", get("Host: here\r\nContent-Length: 0x1\r\n") },
    { "an empty length", "400", get("Host: here\r\nContent-Length:\r\n") },
    { "a length and a coding", "400",
        get("Host: here\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n") },
    { "a coding in version 1.0", "400", get("Transfer-Encoding: chunked\r\n", "1.0") },
    { "a coded body", "501", get("Host: here\r\nTransfer-Encoding: chunked\r\n") },
    { "an unknown expectation", "417", get("Host: here\r\nExpect: miracles\r\n") },
    { "a long body", "413", get("Host: here\r\nContent-Length: 16385\r\n") },
    { "an absurd length", "413",
        get("Host: here\r\nContent-Length: " .. ("9"):rep(400) .. "\r\n") },
    { "a long line", "414",
        "GET /" .. ("x"):rep(4096) .. " HTTP/1.1\r\nHost: here\r\n\r\n" },
    { "a long line without end", "414", "GET /" .. ("x"):rep(4096), unfinished = true },
    { "a long head", "431", get("Host: here\r\nX: " .. ("x"):rep(8192) .. "\r\n") },
    { "a long head without end", "431", "GET / HTTP/1.1\r\nX: " .. ("x"):rep(8192),
        unfinished = true },
    { "many fields", "431", get("Host: here\r\n" .. ("X: y\r\n"):rep(64)) },
}

-- Some requests of every kind that keep the connection, and one that ends it.
requests.stream = good
    .. "POST /x HTTP/1.1\r\nHost: here\r\nContent-Length: 7\r\n\r\n\r\n\r\nabc"
    .. "HEAD /other HTTP/1.1\r\nhost: here\r\nX-Y: z\r\n\r\n"
    .. get("Connection: keep-alive\r\n", "1.0") .. good .. get("Host: here\r\nX : y\r\n")

return requests
