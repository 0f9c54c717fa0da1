# The jobs of bench/run: what each starts, how it is loaded, which figure counts. Sourced.
# shellcheck shell=bash disable=SC2034

all_jobs=(
    ping-pong
    echo-64x1 echo-64x64 echo-64x1000 echo-64x64-pipelined16 echo-4kx64 echo-64kx16
    local-echo pass-sockets
    echo-cores-1 echo-cores-all
    bulk-receive bulk-send
    udp-echo-1 udp-echo-64 udp-echo-window64 udp-bulk
    http
    suspend timers signals
    lookups sync resume channel tasks channel-task transfer
    file-read-1 file-read-32 file-read-256 file-cold-32 file-cold-256
    file-open-1 file-open-32 file-flush-1
    path-stat path-list-100k path-copy-256m
    spawn-small spawn-small-8 spawn-1g spawn-1g-8 child-output
    idle
)

# Sets what the echo jobs have in common: message size, server's buffer, connections, messages
# in flight on each. The buffer is larger than the message where that spares a library that
# reads until nothing is left one call.
echo_job() {
    kind=echo size=$1 buffer=$2 connections=$3 depth=$4
    metrics=cpu_us unit="µs of server CPU per request"
    floors=c-ring,c-epoll
    competitors=(coutil-uring coutil-epoll reference luv cqueues c-ring c-epoll c-libuv)
}

# The same by so many tasks, each with a thread. Server and load share all processors; the rate
# tells what more tasks are good for.
cores_job() {
    echo_job 64 1024 64 1
    kind=echo_cores floors=
    unit="µs of server CPU per request, $1 tasks, server and load on all processors"
    competitors=(coutil-uring coutil-epoll reference)
    export BENCH_TASKS=$1
}

bulk_job() {
    kind=bulk mode=$1
    metrics=cpu_ns_per_kib unit="ns of server CPU per KiB, server does: $1"
    floors=c-ring,c-epoll
    competitors=(coutil-uring coutil-epoll reference luv cqueues c-ring c-epoll c-libuv)
}

# Operations $1 on files, by $2 coroutines.
file_job() {
    kind=files file_work=$1 width=$2
    metrics=wall_us,cpu_us unit="µs that pass, and µs of CPU, per $3"
    floors=c-plain,c-ring
    competitors=(coutil-uring coutil-epoll reference luv c-plain c-ring)
}

# $2 calls $1 on paths, by one coroutine. The programs make their files and measure themselves.
path_job() {
    kind=paths path_work=$1 path_count=$2
    metrics=wall_us,cpu_us unit="µs that pass, and µs of CPU, per $3"
    floors=c-plain
    competitors=(coutil-uring coutil-epoll reference luv c-plain)
}

# One socket at the server: how many at the load, how many datagrams in flight on each, and of
# which size.
udp_job() {
    kind=udp mode=$1 connections=$2 depth=$3 size=$4
    metrics=cpu_us unit="µs of server CPU per datagram, server does: $1"
    floors=c-ring,c-epoll
    competitors=(coutil-uring coutil-epoll reference luv c-ring c-epoll c-libuv)
}

# Children one after the other, or $1 at once, of a process that holds $2 MiB.
spawn_job() {
    kind=spawn width=$1 held_mib=$2
    # Who copies the memory of the parent needs some hundredths of a second each time.
    spawn_count=$((held_mib > 1 ? spawns / 5 : spawns))
    metrics=us unit="µs from one child to the next, $1 at once, the parent holds $2 MiB"
    floors=c-plain
    competitors=(coutil-uring coutil-epoll reference luv c-plain)
}

# Defines the job named $1 in the variables kind, metrics, unit, floors, competitors, and those
# of its kind. `shared_core`: server and load on one processor. `estimated`: the figures whose
# ratio against luv says something about the reference (those of memory do not).
define_job() {
    shared_core=false estimated=us,cpu_us,wall_us,cpu_ns_per_kib,round_trip_us,ns
    unset BENCH_PATH BENCH_TASKS
    case $1 in
    ping-pong)
        echo_job 64 1024 1 1
        shared_core=true metrics=round_trip_us
        unit="µs per round trip, one connection, server and load on one processor"
        ;;
    echo-64x1) echo_job 64 1024 1 1 ;;
    echo-64x64) echo_job 64 1024 64 1 ;;
    echo-64x1000) echo_job 64 1024 1000 1 ;;
    echo-64x64-pipelined16) echo_job 64 4096 64 16 ;;
    echo-4kx64) echo_job 4096 8192 64 1 ;;
    echo-64kx16) echo_job 65536 65536 16 1 ;;
    echo-cores-1) cores_job 1 ;;
    echo-cores-all) cores_job "$(nproc)" ;;
    local-echo)
        echo_job 64 1024 64 1
        competitors=(coutil-uring coutil-epoll reference luv cqueues c-ring c-epoll)
        export BENCH_PATH=$work/socket
        ;;
    pass-sockets)
        kind=pass metrics=cpu_us
        unit="µs of CPU per socket passed, sender and receiver in one process"
        floors=c-plain
        competitors=(coutil-uring coutil-epoll reference c-plain)
        ;;
    bulk-receive) bulk_job receive ;;
    bulk-send) bulk_job send ;;
    udp-echo-1) udp_job echo 1 1 64 ;;
    udp-echo-64) udp_job echo 64 1 64 ;;
    udp-echo-window64) udp_job echo 1 64 64 ;;
    udp-bulk) udp_job receive 1 64 1400 ;;
    http)
        kind=http connections=256
        metrics=cpu_us unit="µs of server CPU per request, 256 connections kept alive"
        floors=c-epoll
        competitors=(coutil-uring coutil-epoll reference luv c-epoll)
        ;;
    suspend)
        kind=suspend metrics=ns unit="ns per suspension for zero seconds, one coroutine"
        floors=bare
        competitors=(coutil-uring coutil-epoll reference luv cqueues bare)
        ;;
    spawn-small) spawn_job 1 1 ;;
    spawn-small-8) spawn_job 8 1 ;;
    spawn-1g) spawn_job 1 1024 ;;
    spawn-1g-8) spawn_job 8 1024 ;;
    child-output)
        kind=output metrics=cpu_ns_per_kib
        unit="ns of CPU of the reading process per KiB that a child writes"
        floors=c-plain
        competitors=(coutil-uring coutil-epoll reference luv c-plain)
        ;;
    signals)
        kind=signals metrics=cpu_us unit="µs of CPU per signal sent to oneself and awaited"
        floors=
        competitors=(coutil-uring coutil-epoll reference luv)
        ;;
    timers)
        kind=timers metrics=cpu_us,rss_mib
        unit="µs of CPU per timer; MiB of the process at its peak"
        floors=c-libuv
        competitors=(coutil-uring coutil-epoll reference luv cqueues c-libuv)
        ;;
    lookups)
        kind=lookups metrics=cpu_us
        unit="µs of CPU of all threads per lookup of localhost, 100 at once"
        floors=c-plain
        competitors=(coutil-uring coutil-epoll reference luv c-plain)
        ;;
    sync)
        kind=sync metrics=event_ns,broadcast_ns,queued_ns,mutex_ns,promise_ns
        unit="ns per event, wake-up of 100 at once, queued event, lock and unlock, promise"
        floors=bare
        competitors=(coutil-epoll reference cqueues bare)
        ;;
    resume)
        kind=resume metrics=round_trip_us,cpu_us
        unit="µs per resume of a state coroutine on a worker, on two processors; CPU of both"
        floors=c-eventfd,c-futex
        competitors=(coutil-uring coutil-epoll reference c-eventfd c-futex)
        ;;
    channel)
        kind=channel metrics=here_us,round_trip_us,cpu_us
        unit="µs to and fro over channels, in one state, then between two; CPU of the latter"
        floors=c-eventfd
        competitors=(coutil-uring coutil-epoll reference c-eventfd)
        ;;
    tasks)
        kind=tasks metrics=task_us,task_cpu_us,yield_us,yield_cpu_us
        unit="µs per empty task of a pool of two threads, and per yield of one of eight; CPU of all"
        floors=
        competitors=(coutil-uring coutil-epoll reference)
        ;;
    channel-task)
        kind=channel_task metrics=round_trip_us,round_trip_cpu_us
        unit="µs from a coroutine to a task that yields names of channels, and back; CPU of both"
        floors=
        competitors=(coutil-uring coutil-epoll reference)
        ;;
    transfer)
        kind=transfer metrics=kib_us,mib_us,mib_cpu_us
        unit="µs per string of 1 KiB, and of 1 MiB, from the main state to a task; CPU of both"
        floors=
        competitors=(coutil-uring coutil-epoll reference)
        ;;
    idle)
        kind=idle buffer=1024
        metrics=kib_per_connection unit="KiB of server memory per idle connection"
        floors=c-ring,c-epoll
        competitors=(coutil-uring coutil-epoll reference luv cqueues c-ring c-epoll c-libuv)
        ;;
    file-read-*) file_job read "${1##*-}" "4 KiB read from the page cache" ;;
    file-cold-*) file_job cold "${1##*-}" "4 KiB read from the device" ;;
    file-open-*) file_job open "${1##*-}" "small file opened, asked its size, read and closed" ;;
    file-flush-*) file_job flush "${1##*-}" "4 KiB written and flushed" ;;
    path-stat) path_job stat "$stats" "question about a file" ;;
    path-list-100k) path_job list 100000 "entry of a directory of 100 000" ;;
    path-copy-256m) path_job copy 256 "MiB of a file of 256 in memory" ;;
    *) return 1 ;;
    esac
}

# How many operations a job on files consists of.
file_count() {
    case $file_work in
    read) printf '%d' "$file_reads" ;;
    cold) printf '%d' "$file_cold_reads" ;;
    open) printf '%d' "$file_opens" ;;
    flush) printf '%d' "$file_flushes" ;;
    esac
}

# How much of everything: `set_scale quick` or `set_scale full`.
set_scale() {
    if [[ $1 == quick ]]; then
        rounds=2 seconds=0.5 wrk_seconds=1 bulk_mib=512 idle_connections=3000
        suspends=300000 timers=100000 passes=10000 signals=50000
        lookups=2000 syncs=100000 resumes=20000 channels=20000 tasks=10000
        spawns=200 output_mib=64
        file_reads=100000 file_cold_reads=8192 file_opens=10000 file_flushes=500
        stats=50000
    else
        rounds=5 seconds=2 wrk_seconds=3 bulk_mib=4096 idle_connections=10000
        suspends=2000000 timers=100000 passes=10000 signals=300000
        lookups=20000 syncs=1000000 resumes=200000 channels=100000 tasks=50000
        spawns=1000 output_mib=1024
        file_reads=500000 file_cold_reads=32768 file_opens=30000 file_flushes=2000
        stats=300000
    fi
}
