-- What the scripts of all competitors share: arguments, the constants of the jobs, coroutines,
-- and the line of figures a script prints that measures itself.

local common = {
    backlog = 4096,
    timers = 100000,
    suspends = 1000000,
    lookups = 2000,
    resumes = 100000,
    channels = 50000,
    tasks = 20000,
    lookups_at_once = 100,
    looked_up = "localhost",
    passes = 10000,
    signals = 100000,
    spawns = 500,
    output_mib = 256,
    output_buffer = 65536,
    syncs = 300000,
    woken_at_once = 100,
    bulk_buffer = 1 << 20,
    echo_buffer = 1024,
    count_format = "<I8", -- how counts travel in the bulk jobs
    datagram_buffer = 2048,
    datagrams_per_answer = 32, -- how many of udp-bulk one answer stands for
}

-- The argument at `index` as a positive integer, or `default`.
function common.integer(index, default)
    local given = arg[index]
    local value = given == nil and default or math.tointeger(tonumber(given))
    if not value or value < 1 then
        error(string.format("argument %d: positive integer expected, got '%s'", index, given), 0)
    end
    return value
end

-- The mode of a bulk server: "send" or "receive".
function common.bulk_mode(index)
    local mode = arg[index]
    if mode ~= "send" and mode ~= "receive" then
        error(string.format("argument %d: send or receive expected, got '%s'", index, mode), 0)
    end
    return mode
end

-- The mode of a datagram server: "echo" or "receive".
function common.udp_mode(index)
    local mode = arg[index]
    if mode ~= "echo" and mode ~= "receive" then
        error(string.format("argument %d: echo or receive expected, got '%s'", index, mode), 0)
    end
    return mode
end

-- Starts a coroutine. Servers pass one shared function and arguments, never a closure per
-- connection, whose size would count as the library's.
function common.spawn(body, ...)
    local thread = coroutine.create(body)
    local ok, message = coroutine.resume(thread, ...)
    if not ok then
        io.stderr:write(debug.traceback(thread, message), "\n")
    end
end

-- The delay in seconds of timer number `index`: 0.1 to 1 s, neighbours far apart in time.
function common.delay(index)
    return (100 + index * 7919 % 900) / 1000
end

-- The resident memory at its peak, in MiB.
local function peak_mib()
    for line in io.lines("/proc/self/status") do
        local kib = line:match("^VmHWM:%s*(%d+)")
        if kib then
            return kib / 1024
        end
    end
    error("no VmHWM in /proc/self/status")
end

-- Runs `wait_all`, which performs `count` suspensions, and prints what each cost.
function common.measure_suspends(count, wait_all)
    local begin = os.clock()
    local done = wait_all(count)
    local spent = os.clock() - begin
    assert(done == count, "not all suspensions happened")
    print(string.format("suspends=%d ns=%.2f", count, spent * 1e9 / count))
end

-- Runs `spawn_all`, which starts `count` children, so many at once, and awaits them, and prints the
-- time by the clock `now` from one child to the next. Meanwhile this process holds some memory.
function common.measure_spawns(now, spawn_all)
    local count = common.integer(1, common.spawns)
    local at_once = common.integer(2, 1)
    local held = {}
    for index = 1, common.integer(3, 1) do
        held[index] = string.rep("x", 1 << 20)
    end
    assert(spawn_all(20, at_once) == 20)
    local begin = now()
    local done = spawn_all(count, at_once)
    local spent = now() - begin
    assert(done == count and #held > 0, "not all children ended")
    print(string.format("spawns=%d us=%.2f", count, spent / 1e3 / count))
end

-- Runs `read_child`, which has a child write so many bytes and returns how many it has read, and
-- prints the CPU of this process for each KiB.
function common.measure_output(read_child)
    local size = common.integer(1, common.output_mib) << 20
    assert(read_child(1 << 20) == 1 << 20)
    local begin = os.clock()
    local total = read_child(size)
    local spent = os.clock() - begin
    assert(total == size, "not all bytes came")
    print(string.format("mib=%d cpu_ns_per_kib=%.3f", size >> 20, spent * 1e9 / (size >> 10)))
end

-- Runs `look_all`, which looks a name up `count` times, and prints the CPU each took, that of
-- all threads together. The first hundred find the library's files, and do not count.
function common.measure_lookups(count, look_all)
    assert(look_all(common.lookups_at_once) == common.lookups_at_once)
    local begin = os.clock()
    local done = look_all(count)
    local spent = os.clock() - begin
    assert(done == count, "not all lookups happened")
    print(string.format("lookups=%d cpu_us=%.4f", count, spent * 1e6 / count))
end

-- Runs `pass_all`, which passes `count` sockets and takes them, and prints what each cost.
function common.measure_passes(count, pass_all)
    local begin = os.clock()
    local done = pass_all(count)
    local spent = os.clock() - begin
    assert(done == count, "not all sockets arrived")
    print(string.format("passes=%d cpu_us=%.4f", count, spent * 1e6 / count))
end

-- Runs `wait_all`, which sends itself `count` signals one after the other, each once the last one
-- has arrived, and prints what each cost, the kernel's part included.
function common.measure_signals(count, wait_all)
    local begin = os.clock()
    local done = wait_all(count)
    local spent = os.clock() - begin
    assert(done == count, "not all signals arrived")
    print(string.format("signals=%d cpu_us=%.4f", count, spent * 1e6 / count))
end

-- The number of this process.
function common.process()
    local file = assert(io.open("/proc/self/stat"))
    local number = file:read("n")
    file:close()
    return number
end

-- Runs each of the jobs that the script has, of `count` steps each, and prints what a step cost.
function common.measure_sync(count, jobs)
    local words = { string.format("syncs=%d", count) }
    for _, name in ipairs { "event", "broadcast", "queued", "mutex", "promise" } do
        local job = jobs[name]
        if job then
            job(common.woken_at_once) -- a warm-up
            collectgarbage()
            local begin = os.clock()
            local done = job(count)
            local spent = os.clock() - begin
            assert(done == count, name)
            words[#words + 1] = string.format("%s_ns=%.2f", name, spent * 1e9 / count)
        end
    end
    print(table.concat(words, " "))
end

-- Runs `resume_all`, which resumes a state coroutine `count` times, and prints how long each took,
-- from the call to its results, and the CPU of all threads.
function common.measure_resumes(count, nanosecs, resume_all)
    resume_all(1000)
    local begin, cpu_begin = nanosecs(), os.clock()
    local done = resume_all(count)
    local spent, cpu = nanosecs() - begin, os.clock() - cpu_begin
    assert(done == count, "not all resumes happened")
    print(string.format("resumes=%d round_trip_us=%.4f cpu_us=%.4f", count, spent / 1e3 / count,
                        cpu * 1e6 / count))
end

-- Runs `here` and `far`, which send `count` numbers over a channel and wait for each to come back
-- over another, within a state and between two, and prints how long each way and back took, and the
-- CPU of all threads. Ten times as many pass within a state.
function common.measure_channels(count, nanosecs, here, far)
    local words = { string.format("channels=%d", count) }
    for _, job in ipairs { { "here", here, count * 10 }, { "round_trip", far, count } } do
        local name, run, amount = table.unpack(job)
        run(1000)
        local begin, cpu_begin = nanosecs(), os.clock()
        local done = run(amount)
        local spent, cpu = nanosecs() - begin, os.clock() - cpu_begin
        assert(done == amount, "not all came back")
        words[#words + 1] = string.format("%s_us=%.4f", name, spent / 1e3 / amount)
        words[#words + 1] = string.format("%s=%.4f", name == "here" and "here_cpu_us" or "cpu_us",
            cpu * 1e6 / amount)
    end
    print(table.concat(words, " "))
end

-- Runs each job with its amount, and prints how long one of it took, and the CPU of all threads.
function common.measure_tasks(nanosecs, jobs)
    local words = {}
    for _, job in ipairs(jobs) do
        job.run(math.max(1, job.amount // 20))
        local begin, cpu_begin = nanosecs(), os.clock()
        job.run(job.amount)
        local spent, cpu = nanosecs() - begin, os.clock() - cpu_begin
        words[#words + 1] = string.format("%s_us=%.4f %s_cpu_us=%.4f", job.name,
            spent / 1e3 / job.amount, job.name, cpu * 1e6 / job.amount)
    end
    print(table.concat(words, " "))
end

-- Runs `wait_all`, which starts `count` coroutines with a timer each and waits for all, and
-- prints the CPU each cost and the memory of the process at its peak.
function common.measure_timers(count, wait_all)
    local begin = os.clock()
    local done = wait_all(count)
    local spent = os.clock() - begin
    assert(done == count, "not all timers expired")
    print(string.format("timers=%d cpu_us=%.4f rss_mib=%.1f",
        count, spent * 1e6 / count, peak_mib()))
end

-- What a script on files is to do, from its arguments. Blocks are visited in an order that no
-- read-ahead guesses, each once; `floor/files.h` has the same.
function common.file_job()
    local directory = arg[4]
    local blocks <const> = 65536
    local job = {
        name = arg[1],
        width = common.integer(2),
        count = common.integer(3),
        block = 4096,
        data = directory .. "/data",
        target = directory .. "/target",
    }
    function job.offset(index)
        return (index * 40503 % blocks) * job.block
    end
    function job.small(index)
        return string.format("%s/small/%05d", directory, index % 10000)
    end
    return job
end

-- Runs `run`, which shares out the numbers that its argument gives one by one, and prints what each
-- cost: time that passed by the clock `now` in nanoseconds, and CPU of all threads.
function common.measure_files(job, now, run)
    local index = 0
    local begin, began = os.clock(), now()
    run(function()
        if index < job.count then
            index = index + 1
            return index
        end
    end)
    local passed, spent = now() - began, os.clock() - begin
    assert(index == job.count, "not all was done")
    print(string.format("count=%d wall_us=%.4f cpu_us=%.4f", job.count,
        passed / 1e3 / job.count, spent * 1e6 / job.count))
end

local function quoted(word)
    return "'" .. word:gsub("'", "'\\''") .. "'"
end

-- What a script on paths is to do, from its arguments, in a directory of its own, in memory if
-- possible: `stat` asks about a file, `list` lists so many, `copy` copies one of so many MiB.
function common.path_job()
    local pipe = assert(io.popen("mktemp -d -p /dev/shm 2>/dev/null || mktemp -d"))
    local job = { name = arg[1], count = common.integer(2), directory = pipe:read("l") }
    pipe:close()
    job.original = job.directory .. "/original"
    if job.name == "list" then
        assert(os.execute(string.format("cd %s && seq 1 %d | xargs touch", quoted(job.directory),
            job.count)))
    elseif job.name == "copy" then
        local file = assert(io.open(job.original, "w"))
        local block = string.rep("0123456789abcdef", 65536)
        for _ = 1, job.count do assert(file:write(block)) end
        assert(file:close())
    end
    return job
end

-- Runs the body that `bodies` has for the job, removes its directory, and prints what each of its
-- calls, entries or MiB cost: time by the clock `now` in nanoseconds, and CPU of all threads.
function common.measure_paths(job, now, bodies)
    local begin, began = os.clock(), now()
    local done, problem = pcall(bodies[job.name], job)
    local passed, spent = now() - began, os.clock() - begin
    os.execute("rm -rf " .. quoted(job.directory))
    assert(done, problem)
    print(string.format("count=%d wall_us=%.4f cpu_us=%.4f", job.count,
        passed / 1e3 / job.count, spent * 1e6 / job.count))
end

return common
