# One measurement of one competitor. Each function sets `figures` (key=value words), or
# `failure` and returns 1. Sourced by bench/run.
# shellcheck shell=bash disable=SC2034,SC2154

# The first complaint of a program that was started with output $1: what follows in Lua is the
# stack, and of many complaints the first tells most.
complaint() {
    local text
    text=$(head -n 1 "$1.err" 2>/dev/null)
    printf '%s' "${text:-it said nothing}"
}

# Runs a program to its end on processor $1, at most $time_limit seconds; its last line goes
# to `line`.
run_to_end() {
    local processor=$1 code=0
    shift
    start_process "$processor" "$work/load" timeout --kill-after=2 "$time_limit" "$@"
    await_process "$child" || code=$?
    line=$(tail -n 1 "$work/load")
    if ((code == 124)); then
        failure="no end after $time_limit s"
    elif ((code != 0)); then
        failure="code $code: $(complaint "$work/load")"
    fi
    return "$code"
}

# Puts load on the server at `port` with process id $1.
apply_load() {
    local server=$1 processor=$load_processor
    if [[ $shared_core == true ]]; then
        processor=$server_processor
    fi
    case $kind in
    echo_cores) processor=$server_processor,$load_processor ;;&
    echo | echo_cores)
        run_to_end "$processor" "$binaries/bench_echo_load" --port "$port" --server "$server" \
            --connections "$connections" --size "$size" --depth "$depth" --seconds "$seconds"
        ;;
    bulk)
        run_to_end "$processor" "$binaries/bench_bulk_load" --port "$port" --server "$server" \
            --mode "$mode" --mib "$bulk_mib"
        ;;
    udp)
        run_to_end "$processor" "$binaries/bench_udp_load" --port "$port" --server "$server" \
            --mode "$mode" --connections "$connections" --size "$size" --depth "$depth" \
            --seconds "$seconds"
        ;;
    idle)
        run_to_end "$processor" "$binaries/bench_idle_load" --port "$port" --server "$server" \
            --connections "$idle_connections"
        ;;
    http) apply_wrk "$server" "$processor" ;;
    esac
}

# A duration of wrk, such as 812.00us or 1.20ms, in microseconds.
wrk_microseconds() {
    awk -v text="$1" 'BEGIN {
        value = text + 0
        if (text ~ /ms$/) value *= 1e3; else if (text !~ /us$/) value *= 1e6
        printf "%.1f", value
    }'
}

apply_wrk() {
    local server=$1 processor=$2 before requests elapsed p50 p99 rate
    if ! command -v wrk >/dev/null; then
        failure="wrk is not installed"
        return 1
    fi
    read_cpu "$server"
    before=$spent_ns
    run_to_end "$processor" wrk -t1 -c"$connections" -d"$wrk_seconds"s --latency \
        "http://127.0.0.1:$port/" || return 1
    sleep 0.05
    read_cpu "$server"
    if grep -Eq 'Socket errors|Non-2xx' "$work/load"; then
        failure=$(grep -E 'Socket errors|Non-2xx' "$work/load" | head -n 1 | tr -s ' ')
        return 1
    fi
    read -r requests elapsed < <(sed -n 's/^ *\([0-9]*\) requests in \([0-9.]*\)s,.*/\1 \2/p' \
        "$work/load")
    p50=$(sed -n 's/^ *50% *//p' "$work/load")
    p99=$(sed -n 's/^ *99% *//p' "$work/load")
    if [[ -z ${requests-} || $requests == 0 ]]; then
        failure="wrk counted no requests"
        return 1
    fi
    rate=$(awk -v n="$requests" -v s="$elapsed" -v ns=$((spent_ns - before)) 'BEGIN {
        printf "requests=%d seconds=%.2f rate=%.0f cpu_us=%.4f busy=%.2f",
            n, s, n / s, ns / n / 1e3, ns / s / 1e9 }')
    line="$rate p50_us=$(wrk_microseconds "$p50") p99_us=$(wrk_microseconds "$p99")"
}

# A program that measures itself: no port, no load.
measure_program() {
    local amount=$suspends processor=$server_processor
    case $kind in
    timers) amount=$timers ;;
    lookups) amount=$lookups ;;
    pass) amount=$passes ;;
    signals) amount=$signals ;;
    sync) amount=$syncs ;;
    resume)
        amount=$resumes processor=$server_processor,$load_processor
        ;;
    tasks)
        amount=$tasks processor=$server_processor,$load_processor
        ;;
    channel | channel_task | transfer)
        amount=$channels processor=$server_processor,$load_processor
        ;;
    esac
    run_to_end "$processor" "${command[@]}" "$amount"
}

# As measure_program; parent and children may use both processors, as they would.
measure_spawns() {
    run_to_end "$server_processor,$load_processor" "${command[@]}" "$spawn_count" "$width" \
        "$held_mib"
}

# The child that writes has the other processor where it likes.
measure_output() {
    run_to_end "$server_processor,$load_processor" "${command[@]}" "$output_mib"
}

# As measure_program, on files that are there and, for what is to be cold, not cached. Workers
# may use both processors, as they would.
measure_files() {
    local directory=$work/files
    run_to_end "$server_processor,$load_processor" "$binaries/bench_files_prepare" \
        "$file_work" "$directory" || return 1
    run_to_end "$server_processor,$load_processor" "${command[@]}" "$file_work" "$width" \
        "$(file_count)" "$directory"
}

measure_server() {
    local server code=0 arguments=() processor=$server_processor
    case $kind in
    echo | echo_cores | idle) arguments=("$buffer") ;;
    bulk | udp) arguments=("$mode") ;;
    esac
    choose_port
    if [[ $kind == echo_cores ]]; then processor+=,$load_processor; fi
    if [[ -v BENCH_PATH ]]; then rm -f "$BENCH_PATH"; fi
    start_process "$processor" "$work/server" "${command[@]}" "$port" "${arguments[@]}"
    server=$child
    if ! await_listener "$server"; then
        failure="it does not listen: $(complaint "$work/server")"
        code=1
    elif ! apply_load "$server"; then
        failure+=" (server: $(complaint "$work/server"))"
        code=1
    fi
    stop_process "$server"
    return "$code"
}

measure() {
    local command=() code=0
    figures='' failure='' line=''
    server_command "$1" || return 1
    case $kind in
    suspend | timers | lookups | pass | signals | sync | resume | channel | tasks | \
        channel_task | transfer)
        measure_program || code=1
        ;;
    spawn) measure_spawns || code=1 ;;
    output) measure_output || code=1 ;;
    files) measure_files || code=1 ;;
    paths)
        run_to_end "$server_processor,$load_processor" "${command[@]}" "$path_work" \
            "$path_count" || code=1
        ;;
    *) measure_server || code=1 ;;
    esac
    figures=$line
    return "$code"
}
