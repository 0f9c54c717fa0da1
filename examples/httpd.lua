-- An HTTP/1.1 server on coutil: keep-alive, pipelining, limits, and an orderly end.
--
-- usage: lua5.4 examples/httpd.lua [port [address]]
--
-- The port is 8080 unless given, and any free one for 0; the address is 127.0.0.1 unless given. How
-- connections are served is in httpd_server.lua beside this file, what HTTP is in http.lua.
-- SIGINT and SIGTERM stop the server: it answers what it was asked, then leaves. The same signal
-- once more ends it at once.

package.path = (arg[0]:match("^.*/") or "./") .. "?.lua;" .. package.path
local system = require "coutil.system"
local server = require "httpd_server"
warn("@on") -- an error in a coroutine ends that coroutine only, and is told as a warning

local function stop_on(signal)
    if system.awaitsig(signal) then system.halt() end
end

server.start(stop_on, "interrupt")
server.start(stop_on, "terminate")
local listener = server.listen(tonumber(arg[1] or 8080), arg[2] or "127.0.0.1")
print("listening on " .. tostring(listener:getaddress()))
io.stdout:flush()
server.run(listener, { ["/"] = "Hello, world!\n" })
