-- Files: many small reads, many small files, writes that reach the device.
-- Arguments: read|cold|open|flush WIDTH COUNT DIRECTORY, as bench_files_prepare made that.

local common = dofile((arg[0]:gsub("[^/]*/[^/]*$", "common.lua")))
local system = require "coutil.system"
local memory = require "memory"

local job = common.file_job()

local function open(path, mode, perm)
    return assert(system.openfile(path, mode, perm))
end

local function read(share)
    local file = open(job.data)
    local buffer = memory.create(job.block)
    for index in share do
        assert(file:read(buffer, 1, -1, job.offset(index)) == job.block)
    end
    file:close()
end

local bodies = { read = read, cold = read }

function bodies.open(share)
    local buffer = memory.create(job.block)
    for index in share do
        local file = open(job.small(index))
        assert(file:info("B") > 0)
        assert(file:read(buffer) > 0)
        assert(file:close())
    end
end

function bodies.flush(share)
    local file = open(job.target, "wnt", "rw")
    local bytes = string.rep("x", job.block)
    for index in share do
        assert(file:write(bytes, 1, -1, job.offset(index)) == job.block)
        assert(file:flush())
    end
    file:close()
end

common.measure_files(job, system.nanosecs, function(share)
    for _ = 1, job.width do
        common.spawn(bodies[job.name], share)
    end
    system.run()
end)
