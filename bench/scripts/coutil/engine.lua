-- Prints the name of the engine of the coutil that was found, and why it was chosen. Builds
-- without `system.engine` are builds on libuv.

local system = require "coutil.system"
require "memory"

if system.engine then
    print(system.engine())
else
    print("libuv")
end
