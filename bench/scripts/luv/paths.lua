-- Calls on paths, one after the other. Arguments: stat|list|copy COUNT.

local common = dofile((arg[0]:gsub("[^/]*/[^/]*$", "common.lua")))
local uv = require "luv"

local bodies = {}

function bodies.stat(job)
    local left = job.count
    local function ask(problem, status)
        assert(not problem and (left == job.count or status.size))
        if left > 0 then
            left = left - 1
            uv.fs_stat("/usr/bin/env", ask)
        end
    end
    ask()
end

function bodies.list(job)
    uv.fs_scandir(job.directory, function(problem, list)
        assert(not problem)
        local seen = 0
        local name, kind = uv.fs_scandir_next(list)
        while name do
            seen = seen + (kind == "file" and 1 or 0)
            name, kind = uv.fs_scandir_next(list)
        end
        assert(seen == job.count)
    end)
end

function bodies.copy(job)
    uv.fs_copyfile(job.original, job.directory .. "/copy", function(problem)
        assert(not problem, problem)
    end)
end

for name, body in pairs(bodies) do
    bodies[name] = function(job)
        body(job)
        uv.run()
    end
end

common.measure_paths(common.path_job(), uv.hrtime, bodies)
