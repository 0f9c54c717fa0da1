# The jobs of bench/run: what each starts, how it is loaded, which figure counts. Sourced.
# shellcheck shell=bash disable=SC2034

all_jobs=(ping-pong echo-64x1 echo-64x64 echo-64x1000 echo-64x64-pipelined16 echo-4kx64
    echo-64kx16 bulk-receive bulk-send http suspend timers lookups resume idle)

# Sets what the echo jobs have in common: message size, server's buffer, connections, messages
# in flight on each. The buffer is larger than the message where that spares a library that
# reads until nothing is left one call.
echo_job() {
    kind=echo size=$1 buffer=$2 connections=$3 depth=$4
    metrics=cpu_us unit="µs of server CPU per request"
    floors=c-ring,c-epoll
    competitors=(coutil-uring coutil-epoll reference luv cqueues c-ring c-epoll c-libuv)
}

bulk_job() {
    kind=bulk mode=$1
    metrics=cpu_ns_per_kib unit="ns of server CPU per KiB, server does: $1"
    floors=c-ring,c-epoll
    competitors=(coutil-uring coutil-epoll reference luv cqueues c-ring c-epoll c-libuv)
}

# Defines the job named $1 in the variables kind, metrics, unit, floors, competitors, and those
# of its kind. `shared_core`: server and load on one processor. `estimated`: the figures whose
# ratio against luv says something about the reference (those of memory do not).
define_job() {
    shared_core=false estimated=cpu_us,cpu_ns_per_kib,round_trip_us,ns
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
    bulk-receive) bulk_job receive ;;
    bulk-send) bulk_job send ;;
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
    resume)
        kind=resume metrics=round_trip_us,cpu_us
        unit="µs per resume of a state coroutine on a worker, on two processors; CPU of both"
        floors=c-eventfd,c-futex
        competitors=(coutil-uring coutil-epoll reference c-eventfd c-futex)
        ;;
    idle)
        kind=idle buffer=1024
        metrics=kib_per_connection unit="KiB of server memory per idle connection"
        floors=c-ring,c-epoll
        competitors=(coutil-uring coutil-epoll reference luv cqueues c-ring c-epoll c-libuv)
        ;;
    *) return 1 ;;
    esac
}

# How much of everything: `set_scale quick` or `set_scale full`.
set_scale() {
    if [[ $1 == quick ]]; then
        rounds=2 seconds=0.5 wrk_seconds=1 bulk_mib=512
        suspends=300000 timers=100000 lookups=2000 resumes=20000
        idle_connections=3000
    else
        rounds=5 seconds=2 wrk_seconds=3 bulk_mib=4096
        suspends=2000000 timers=100000 lookups=20000 resumes=200000
        idle_connections=10000
    fi
}
