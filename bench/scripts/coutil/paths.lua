-- Calls on paths, by one coroutine. Arguments: stat|list|copy COUNT.

local common = dofile((arg[0]:gsub("[^/]*/[^/]*$", "common.lua")))
local system = require "coutil.system"

local bodies = {}

function bodies.stat(job)
    for _ = 1, job.count do system.fileinfo("/usr/bin/env", "?Bm") end
end

function bodies.list(job)
    local seen = 0
    for name, kind in system.listdir(job.directory) do
        seen = seen + (name and kind == "file" and 1 or 0)
    end
    assert(seen == job.count)
end

function bodies.copy(job)
    assert(system.copyfile(job.original, job.directory .. "/copy"))
end

for name, body in pairs(bodies) do
    bodies[name] = function(job)
        common.spawn(body, job)
        system.run()
    end
end

common.measure_paths(common.path_job(), system.nanosecs, bodies)
