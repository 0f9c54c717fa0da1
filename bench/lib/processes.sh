# Starting, watching and ending processes for bench/run. Only what was started here is ever
# signalled, by its id, and only while it is our child. Sourced.
# shellcheck shell=bash disable=SC2154

declare -A started=() # process id -> 1, for all that were started and not yet ended

# If this shell is killed outright, what it started goes with it.
with_parent=()
if command -v setpriv >/dev/null && setpriv --pdeathsig TERM true 2>/dev/null; then
    with_parent=(setpriv --pdeathsig TERM)
fi

# Starts a command on processor $1 with its output in $2 and its complaints in $2.err; sets
# `child`. The shell's child is the command itself, since each program in between replaces
# itself by the next.
start_process() {
    local processor=$1 output=$2
    shift 2
    "${with_parent[@]}" taskset -c "$processor" "$@" </dev/null >"$output" 2>"$output.err" &
    child=$!
    started[$child]=1
}

# Waits for a process to end by itself and returns its code.
await_process() {
    local code=0
    wait "$1" || code=$?
    unset "started[$1]"
    return "$code"
}

# Ends a process that was started here: SIGTERM, two seconds, SIGKILL.
stop_process() {
    local pid=$1 try
    if [[ ! -v started[$pid] ]]; then
        return
    fi
    kill -TERM "$pid" 2>/dev/null
    for ((try = 0; try < 100; ++try)); do
        if [[ ! -d /proc/$pid ]]; then break; fi
        sleep 0.02
    done
    if [[ -d /proc/$pid ]]; then
        kill -KILL "$pid" 2>/dev/null
    fi
    wait "$pid" 2>/dev/null
    unset "started[$pid]"
}

stop_everything() {
    local pid
    for pid in "${!started[@]}"; do
        stop_process "$pid"
    done
}

# Whether a socket of this machine has the local port $1; with $2 = 0A, a listening one; with 07,
# one for datagrams (or a closed one).
port_in_use() {
    local port
    printf -v port '%04X' "$1"
    grep -Eqs "^ *[0-9]+: [0-9A-F]+:$port [0-9A-F]+:[0-9A-F]{4} ${2-..} " \
        /proc/net/tcp /proc/net/tcp6 /proc/net/udp /proc/net/udp6
}

# Sets `port` to one nobody uses, below the range from which the kernel takes its own.
choose_port() {
    local try
    for ((try = 0; try < 1000; ++try)); do
        next_port=$((next_port < 30000 ? next_port + 1 : 20000))
        if ! port_in_use "$next_port"; then
            port=$next_port
            return
        fi
    done
    die "no free port"
}

# Whether the job's server is where it is to be: listens at BENCH_PATH or on `port`, or has that
# port for datagrams.
is_served() {
    if [[ -v BENCH_PATH ]]; then
        # The flag says that it listens.
        grep -Eqs " 00010000 0001 01 +[0-9]+ $BENCH_PATH\$" /proc/net/unix
    elif [[ $kind == udp ]]; then
        port_in_use "$port" 07
    else
        port_in_use "$port" 0A
    fi
}

# Waits until the server is there; fails if it ends or five seconds pass.
await_listener() {
    local try
    for ((try = 0; try < 250; ++try)); do
        if is_served; then
            return 0
        fi
        if [[ ! -d /proc/$1 ]]; then
            return 1
        fi
        sleep 0.02
    done
    return 1
}

# Sets `spent_ns` to the CPU time of all threads of a process, from the scheduler's statistics.
read_cpu() {
    local file nanoseconds
    spent_ns=0
    for file in "/proc/$1/task"/[0-9]*/schedstat; do
        if read -r nanoseconds _ <"$file"; then
            spent_ns=$((spent_ns + nanoseconds))
        fi
    done 2>/dev/null
}
