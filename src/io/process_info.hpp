// What the system tells about this process, its user and the machine.
// (Manual: system.procinfo.)
#pragma once

#include "base/result.hpp"

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <type_traits>

#include <sys/resource.h>
#include <sys/types.h>
#include <sys/utsname.h>

namespace coring::io {

// Room for the longest path that the kernel tells, with a zero.
inline constexpr std::size_t path_room = 4097;

// The file that the process executes. Fails with ENAMETOOLONG for paths that the kernel does
// not tell, of more than a page. The text is in `room`, with a zero behind it.
[[nodiscard]] base::result<std::string_view>
executable_path(std::span<char, path_room> room) noexcept;

// The system's names: machine, sysname, release, version, nodename.
[[nodiscard]] base::result<utsname> system_names() noexcept;

// What the process used so far, of all its threads.
[[nodiscard]] base::result<rusage> resources_used() noexcept;

// An entry of the user database; the texts are in the room it was found with.
struct user_entry {
    const char* name;
    const char* home;
    const char* shell;
    uid_t user;
    gid_t group;
};

// The entry of the effective user. Fails with ENOENT if there is none, with ERANGE if there is
// too little room. May block, as the user database may be anywhere.
[[nodiscard]] base::result<user_entry> find_user(std::span<char> room) noexcept;

// Processes that run or want to, on average of 1, 5 and 15 minutes.
[[nodiscard]] base::result<std::array<double, 3>> load_averages() noexcept;

// Time since the system started, sleep included.
[[nodiscard]] double uptime_seconds() noexcept;

struct memory_amounts {
    std::int64_t total_bytes;
    std::int64_t available_bytes; // without swapping
};

// The machine's memory.
[[nodiscard]] base::result<memory_amounts> machine_memory() noexcept;

// How much memory of this process is in the machine's memory.
[[nodiscard]] base::result<std::int64_t> resident_bytes() noexcept;

// Callers keep these across calls that may jump over their frame.
static_assert(std::is_trivially_destructible_v<base::result<utsname>>);
static_assert(std::is_trivially_destructible_v<base::result<user_entry>>);
static_assert(std::is_trivially_destructible_v<base::result<std::array<double, 3>>>);

} // namespace coring::io
