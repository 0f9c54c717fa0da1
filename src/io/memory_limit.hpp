// The limit that control groups set to this process's memory. (Manual: system.procinfo, "M".)
#pragma once

#include <cstdint>

namespace coring::io {

// Where it is read. A test may bring texts of its own.
struct memory_limit_sources {
    const char* groups = "/proc/self/cgroup";
    const char* mounts = "/proc/self/mountinfo";
};

// The smallest limit among the process's group and those above it, as far as they can be seen,
// of either version of control groups; in bytes. Zero if there is nothing that tells. Groups
// without a limit tell a number larger than any memory: what version 1 says of itself is said
// of version 2 as well.
[[nodiscard]] std::int64_t memory_limit_bytes(const memory_limit_sources& from = {}) noexcept;

} // namespace coring::io
