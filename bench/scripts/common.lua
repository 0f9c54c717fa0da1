-- What the scripts of all competitors share: arguments, the constants of the jobs, coroutines,
-- and the line of figures a script prints that measures itself.

local common = {
    backlog = 4096,
    timers = 100000,
    suspends = 1000000,
    lookups = 2000,
    resumes = 100000,
    lookups_at_once = 100,
    looked_up = "localhost",
    bulk_buffer = 1 << 20,
    echo_buffer = 1024,
    count_format = "<I8", -- how counts of bytes travel in the bulk jobs
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

return common
