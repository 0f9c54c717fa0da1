// How a child ended, asked of its pidfd: of this child, once, and of nobody else's. (Kernel:
// pidfd_open(2), waitid(2).)
#pragma once

#include <cerrno>

namespace coring::reactor {

// An end is one number: the exit status 0 to 255; this plus the number of the signal that
// killed the child; or a negative errno, -ECHILD when somebody else has reaped it or the
// process ignores SIGCHLD, so that nobody can tell.
inline constexpr int killed_by = 256;

// What is answered in place of an end while there is none. A child that was stopped or goes on
// has not ended.
inline constexpr int still_runs = -EAGAIN;

// Reaps the child if it has ended.
[[nodiscard]] int reap_child(int pidfd) noexcept;

// The same, and waits for the end: for a child that is about to exit by itself or was killed.
int await_child_end(int pidfd) noexcept;

// Sends SIGKILL. Whoever has the number now: a pidfd means one process for ever.
void kill_child(int pidfd) noexcept;

} // namespace coring::reactor
