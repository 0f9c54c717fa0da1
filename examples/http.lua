-- HTTP/1.1 for the example servers: bytes in, bytes out, and no input or output of its own, so that
-- httpd.lua and httpd-luv.lua differ only in how they move the bytes, and tests need no network.
--
-- It is strict. What is not well formed gets 400; what exceeds the limits gets 413, 414 or 431; a
-- coded body gets 501. After any of these the connection must end: where the next request would
-- begin is no longer sure, and guessing is how requests are smuggled past a proxy.

local find <const>, match <const>, sub <const> = string.find, string.match, string.sub
local byte <const>, slash <const> = string.byte, ("/"):byte()
local lower <const>, concat <const>, format <const> = string.lower, table.concat, string.format

local http = {
    limits = { line = 4096, head = 8192, fields = 64, body = 16384 }, -- in bytes, fields in number
}
local limits <const> = http.limits

local token <const> = "[%w!#$%%&'*+.^_`|~-]+"
local request_line <const> = "^(" .. token .. ") ([!-~]+) HTTP/1%.([01])\r\n()"
local field_line <const> = "^(" .. token .. "): ?()[\t -~\x80-\xff]*()\r\n()"
local host_form <const> = "^[%w.:%-_~%[%]!$&'()*+,;=%%]*$"
local answer_form <const> = "HTTP/1.1 %d %s\r\nDate: %s\r\nContent-Type: text/plain\r\n"
    .. "Content-Length: %d\r\n%s%s\r\n%s"
local go_on <const> = "HTTP/1.1 100 Continue\r\n\r\n"

local methods <const> = { GET = true, HEAD = true }
for name in ("CONNECT DELETE OPTIONS PATCH POST PUT TRACE"):gmatch("%u+") do
    methods[name] = false -- known, but not for us
end

-- Whether a list such as "Keep-Alive, Upgrade" has a member, whatever its case.
local function lists(list, member)
    if not list then return false end
    local members <const> = lower(list):gsub("[ \t]", "")
    return find("," .. members .. ",", "," .. member .. ",", 1, true) ~= nil
end

local function blank(code)
    return code == 32 or code == 9
end

-- A value without the blanks around it, in steps that are linear whatever a client may send.
local function trim(value)
    if not (blank(byte(value)) or blank(byte(value, -1))) then return value end
    local from <const> = find(value, "[^ \t]")
    return from and match(value, "^.*[^ \t]", from) or ""
end

-- The fields that decide how a message is framed and what becomes of the connection. One table for
-- all requests, since reading one never yields.
local fields <const> = {}

-- Fills the table from the lines between at and stop; returns a status when they are not right.
-- What may come only once must not come twice: which of them counts would be anybody's guess.
local function read_fields(text, at, stop)
    fields.host, fields.length, fields.coding = nil, nil, nil
    fields.connection, fields.expect = nil, nil
    local count = 0
    while at < stop do
        local name, from, to, after = match(text, field_line, at)
        if not name then return 400 end
        count = count + 1
        if count > limits.fields then return 431 end
        name = lower(name)
        if name == "host" then
            local value <const> = trim(sub(text, from, to - 1))
            if fields.host or not find(value, host_form) then return 400 end
            fields.host = value
        elseif name == "content-length" then
            local value <const> = trim(sub(text, from, to - 1))
            if not find(value, "^%d+$") then return 400 end
            if fields.length and fields.length ~= value then return 400 end
            fields.length = value
        elseif name == "transfer-encoding" then
            fields.coding = true
        elseif name == "connection" then
            local value <const> = sub(text, from, to - 1)
            fields.connection = fields.connection and fields.connection .. "," .. value or value
        elseif name == "expect" then
            fields.expect = lower(trim(sub(text, from, to - 1)))
        end
        at = after
    end
end

-- The head of a request between at and stop, where the empty line begins. Returns the method, the
-- target, whether to keep the connection, whether the version is 1.0, the length of the body, and
-- whether the client waits before it sends that; or false and a status.
local function read_head(text, at, stop)
    local method, target, minor, after = match(text, request_line, at)
    if not method then return false, 400 end
    if after - at > limits.line then return false, 414 end
    if stop - at > limits.head then return false, 431 end
    local status <const> = read_fields(text, after, stop)
    if status then return false, status end
    local old <const> = minor == "0"
    if not fields.host and not old then return false, 400 end
    if methods[method] and byte(target) ~= slash then
        target = match(target, "^http://[^/?]+(.*)") -- as sent to a proxy
        if not target then return false, 400 end
    end
    if fields.coding then return false, (fields.length or old) and 400 or 501 end
    local length <const> = tonumber(fields.length or 0)
    if length > limits.body then return false, 413 end
    local waits <const> = fields.expect and not old
    if waits and fields.expect ~= "100-continue" then return false, 417 end
    local keep = not lists(fields.connection, "close")
    if old then keep = keep and lists(fields.connection, "keep-alive") end
    return method, target, keep, old, length, waits
end

-- What is wrong with a head whose end has not come yet: a status, or nil when it may become right.
local function judge_part(text, at)
    local eol <const> = find(text, "\n", at, true)
    if find(text, "^\n", at) or find(text, "[^\r]\n", at) then return 400 end
    if (eol or #text) - at >= limits.line then return 414 end
    if #text - at >= limits.head then return 431 end
    if eol and not find(text, request_line, at) then return 400 end
end

local reasons <const> = {
    [200] = "OK", [400] = "Bad Request", [404] = "Not Found", [405] = "Method Not Allowed",
    [413] = "Content Too Large", [414] = "URI Too Long", [417] = "Expectation Failed",
    [431] = "Request Header Fields Too Large", [501] = "Not Implemented",
}

-- The variants of an answer: what it says about the connection, plus one when it answers HEAD.
local plain <const>, kept <const>, closing <const> = 1, 3, 5
local connection_fields <const> = {
    [plain] = "", [kept] = "Connection: keep-alive\r\n", [closing] = "Connection: close\r\n",
}

-- A site: pages maps paths to texts. Returns two functions, answer and tick.
--
-- answer(session, bytes, last) takes what a client sent next and returns the bytes to send back
-- (nil when there is nothing to say yet) and whether the connection goes on. A session is a table
-- with rest = "", one a connection; what is left of an unfinished request waits there. With last,
-- the connection ends with the last of the requests that are complete.
--
-- tick() is to be called every second or so: answers carry the date.
function http.site(pages)
    local errors <const>, found <const> = {}, {}
    for status, reason in pairs(reasons) do
        errors[status] = { status = status, body = format("%d %s\n", status, reason), fields = "" }
    end
    errors[405].fields = "Allow: GET, HEAD\r\n"
    for path, body in pairs(pages) do
        found[path] = { status = 200, body = body, fields = "" }
    end

    local date
    local function forget(answers)
        for _, page in pairs(answers) do
            for variant = plain, closing + 1 do page[variant] = nil end
        end
    end
    local function tick()
        date = os.date("!%a, %d %b %Y %H:%M:%S GMT")
        forget(errors)
        forget(found)
    end
    tick()

    -- The bytes of an answer, made once a tick and then used again.
    local function render(page, connection, bodiless)
        local variant <const> = bodiless and connection + 1 or connection
        local bytes = page[variant]
        if not bytes then
            bytes = format(answer_form, page.status, reasons[page.status], date, #page.body,
                page.fields, connection_fields[connection], bodiless and "" or page.body)
            page[variant] = bytes
        end
        return bytes
    end

    local function choose(method, target)
        if not methods[method] then return errors[methods[method] == nil and 501 or 405] end
        local page <const> = found[target]
        if page then return page end
        local path <const> = match(target, "^[^?]*")
        return found[path == "" and "/" or path] or errors[404]
    end

    local replies <const> = {} -- shared by all sessions: answer never yields

    local function answer(session, bytes, last)
        local text <const> = session.rest .. bytes
        local at, count, keep = 1, 0, true
        while keep and at <= #text do
            local stop <const> = find(text, "\r\n\r\n", at, true)
            local method, target, old, length, waits
            if stop then
                method, target, keep, old, length, waits = read_head(text, at, stop + 2)
            else
                method, target = false, judge_part(text, at)
                if not target then break end
            end
            if not method then
                count, keep = count + 1, false
                replies[count] = render(errors[target], closing)
            else
                local finish <const> = stop + 3 + length
                if finish > #text then
                    if waits and not session.told then
                        session.told, count = true, count + 1
                        replies[count] = go_on
                    end
                    break
                end
                session.told = nil
                at = finish + 1
                keep = keep and not (last and not find(text, "\r\n\r\n", at, true))
                count = count + 1
                replies[count] = render(choose(method, target),
                    not keep and closing or old and kept or plain, method == "HEAD")
            end
        end
        session.rest = sub(text, at)
        if count < 2 then return count == 1 and replies[1] or nil, keep end
        return concat(replies, "", 1, count), keep
    end

    return answer, tick
end

return http
