-- Files: many small reads, many small files, writes that reach the device.
-- Arguments: read|cold|open|flush WIDTH COUNT DIRECTORY, as bench_files_prepare made that.

local common = dofile((arg[0]:gsub("[^/]*/[^/]*$", "common.lua")))
local uv = require "luv"

local job = common.file_job()

-- Calls a function of luv whose last argument is a callback, and waits in the coroutine.
local function await(call, ...)
    local thread = coroutine.running()
    local arguments = table.pack(...)
    arguments[arguments.n + 1] = function(problem, result)
        assert(not problem, problem)
        assert(coroutine.resume(thread, result))
    end
    call(table.unpack(arguments, 1, arguments.n + 1))
    return coroutine.yield()
end

local permissions <const> = tonumber("600", 8)

local function read(share)
    local file = await(uv.fs_open, job.data, "r", permissions)
    for index in share do
        assert(#await(uv.fs_read, file, job.block, job.offset(index)) == job.block)
    end
    await(uv.fs_close, file)
end

local bodies = { read = read, cold = read }

function bodies.open(share)
    for index in share do
        local file = await(uv.fs_open, job.small(index), "r", permissions)
        assert(await(uv.fs_fstat, file).size > 0)
        assert(#await(uv.fs_read, file, job.block, -1) > 0)
        assert(await(uv.fs_close, file))
    end
end

function bodies.flush(share)
    local file = await(uv.fs_open, job.target, "w", permissions)
    local bytes = string.rep("x", job.block)
    for index in share do
        assert(await(uv.fs_write, file, bytes, job.offset(index)) == job.block)
        assert(await(uv.fs_fsync, file))
    end
    await(uv.fs_close, file)
end

common.measure_files(job, uv.hrtime, function(share)
    for _ = 1, job.width do
        common.spawn(bodies[job.name], share)
    end
    uv.run()
end)
