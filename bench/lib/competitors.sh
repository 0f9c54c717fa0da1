# The competitors of bench/run: whether they are there, and the command each is. Sourced.
# shellcheck shell=bash disable=SC2034,SC2154

declare -A engine_of=()   # competitor -> what its engine calls itself
declare -A missing_why=() # competitor -> why it cannot take part

# Sets `environment` to what makes lua5.4 find the modules of a build of coutil.
coutil_environment() {
    case $1 in
    coutil-*)
        environment=(env COUTIL_ENGINE="${1#coutil-}" "${our_paths[@]}")
        ;;
    reference)
        environment=(env -u LUA_PATH_5_4 -u LUA_CPATH_5_4
            LUA_PATH="${COUTIL_REFERENCE_PATH-}" LUA_CPATH="${COUTIL_REFERENCE_CPATH-}")
        ;;
    esac
}

# Finds our build through scripts/env, in a shell of its own.
find_our_build() {
    local name assignments
    our_paths=()
    if ! assignments=$("$root/scripts/env" "$preset" 2>&1); then
        our_build_missing=${assignments:-scripts/env failed}
        return
    fi
    while IFS= read -r name; do
        our_paths+=("$name")
    done < <(
        eval "$assignments"
        for name in LUA_PATH LUA_CPATH LUA_PATH_5_4 LUA_CPATH_5_4; do
            if [[ -v $name ]]; then printf '%s=%s\n' "$name" "${!name}"; fi
        done
    )
}

check_coutil() {
    local environment answer
    if [[ $1 == reference ]]; then
        if [[ -z ${COUTIL_REFERENCE_CPATH-} ]]; then
            missing_why[$1]="COUTIL_REFERENCE_PATH and COUTIL_REFERENCE_CPATH are not set"
            return
        fi
    elif [[ -n ${our_build_missing-} ]]; then
        missing_why[$1]=$our_build_missing
        return
    fi
    coutil_environment "$1"
    if ! answer=$("${environment[@]}" lua5.4 "$bench/scripts/coutil/engine.lua" 2>&1); then
        missing_why[$1]=${answer%%$'\n'*}
    elif [[ $1 == coutil-* && $answer != "${1#coutil-}"* ]]; then
        missing_why[$1]="the engine is $answer"
    else
        engine_of[$1]=${answer%%[[:space:]]*}
    fi
}

check_lua_library() {
    local answer
    if answer=$(lua5.4 -e "require '$1'" 2>&1); then
        engine_of[$1]=$1
    else
        answer=${answer%%$'\n'*}
        missing_why[$1]="lua5.4 does not find $1 (package lua-$1): ${answer#lua5.4: }"
    fi
}

# Notes the engine of a competitor, or why it is missing. Each is looked at once.
check_competitor() {
    if [[ -v engine_of[$1] || -v missing_why[$1] ]]; then
        return
    fi
    case $1 in
    coutil-* | reference) check_coutil "$1" ;;
    luv | cqueues) check_lua_library "$1" ;;
    *) engine_of[$1]=$1 ;;
    esac
}

# Sets `command` to the program of competitor $1 for the current job; what follows the port is
# in `arguments`. Fails if there is none.
server_command() {
    local competitor=$1 script=$kind environment=()
    case $competitor in
    c-*)
        local name=$kind engine=${competitor#c-}
        if [[ $kind == idle ]]; then name='echo'; fi
        command=("$binaries/bench_${name}_${engine/libuv/uv}")
        [[ -x ${command[0]} ]] || {
            failure="${command[0]} was not built"
            return 1
        }
        return
        ;;
    luv) if [[ $kind == http ]]; then script=$root/examples/httpd-luv.lua; fi ;;
    *)
        if [[ $kind == http ]]; then script=$root/examples/httpd.lua; fi
        if [[ $kind == idle ]]; then script='echo'; fi
        ;;
    esac
    local directory=$competitor
    if [[ $competitor == coutil-* || $competitor == reference ]]; then
        directory=coutil
        coutil_environment "$competitor"
    fi
    if [[ $script != /* ]]; then
        script=$bench/scripts/$directory/$script.lua
    fi
    [[ -r $script ]] || {
        failure="$script does not exist"
        return 1
    }
    command=("${environment[@]}" lua5.4 "$script")
}
