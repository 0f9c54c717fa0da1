// Making a process: as vfork(2) does, without a copy of our memory, however large that is.
#pragma once

#include "base/result.hpp"
#include "base/unique_fd.hpp"
#include "io/spawn_child.hpp"

#include <sys/types.h>

namespace coring::io {

// What to start. Nothing of it is changed, or kept.
struct spawn_request {
    const char* file = nullptr;         // a path, or a name to look for in the PATH
    char* const* arguments = nullptr;   // the name first; null at the end
    char* const* environment = nullptr; // null at the end
    const char* directory = nullptr;    // to begin in; null: where we are
    standard_streams standard{};
};

// A child of ours, and what tells of its end: a pidfd, close-on-exec.
struct spawned {
    pid_t pid = -1;
    base::unique_fd pidfd;
};

// Starts a process with an empty mask and default actions of all signals. It returns when the
// program runs: that there is none, or no such directory, is a failure of this call, and then
// no trace of the attempt is left, not even a SIGCHLD.
[[nodiscard]] base::result<spawned> spawn(const spawn_request& wanted) noexcept;

} // namespace coring::io
