# Shared by scripts/* and .ci/run, which source it: where the tree is, how to speak, how to install
# the Debian packages of scripts/packages, how to choose processors.
# shellcheck shell=bash

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

say() {
    printf '== %s\n' "$*"
}

die() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 1
}

# Prints the comment at the top of the calling script, which is its manual.
usage() {
    sed -n '2,/^[^#]/{/^#/s/^# \{0,1\}//p}' "$0"
}

# Runs a command in silence, and shows what it said only when it fails.
quietly() {
    local output status=0
    output=$("$@" 2>&1) || status=$?
    if ((status != 0)); then
        printf '%s\n' "$output" >&2
        printf '%s: this failed with code %d: %s\n' "${0##*/}" "$status" "$*" >&2
    fi
    return "$status"
}

# The packages of the named groups, one a line, each once.
packages_of() {
    awk -v wanted=" $* " '!/^#/ && NF == 2 && index(wanted, " " $1 " ") { print $2 }' \
        "$root/scripts/packages" | sort -u
}

# Of the packages named on the input, those that are not installed.
missing_packages() {
    local package
    while read -r package; do
        if [[ $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) != installed ]]; then
            printf '%s\n' "$package"
        fi
    done
}

# Makes sure that the packages of the named groups are there. Installed ones are left as they are,
# and the package lists are fetched only when something has to be installed.
install_packages() {
    local missing become=()
    if ! command -v apt-get >/dev/null; then
        mapfile -t missing < <(packages_of "$@")
        die "this machine has no apt-get; install what it calls: ${missing[*]}"
    fi
    mapfile -t missing < <(packages_of "$@" | missing_packages)
    if ((${#missing[@]} == 0)); then
        return
    fi
    if ((EUID != 0)); then
        command -v sudo >/dev/null ||
            die "packages are missing; run this as root: apt-get install ${missing[*]}"
        become=(sudo)
    fi
    local apt=("${become[@]}" env DEBIAN_FRONTEND=noninteractive
        apt-get -qq -o DPkg::Lock::Timeout=120 -o Acquire::Retries=3)
    say "installing ${missing[*]}"
    # A list that cannot be refreshed matters only if the installation then fails.
    quietly "${apt[@]}" update || say "the package lists could not be refreshed"
    quietly "${apt[@]}" install --yes --no-install-recommends "${missing[@]}" ||
        die "could not install; try: apt-get update && apt-get install ${missing[*]}"
}

# The processors this process may use, one a line, from a list such as 0-2,5.
processors() {
    local range list
    list=$(awk '/^Cpus_allowed_list:/ { print $2 }' /proc/self/status)
    for range in ${list//,/ }; do
        seq "${range%-*}" "${range#*-}"
    done
}
