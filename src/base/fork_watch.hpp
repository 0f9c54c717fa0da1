// Tells whether the process is a fork of the one that set something up.
#pragma once

#include <atomic>

namespace coring::base {

// Arranges for forks to be noticed (pthread_atfork(3)). Must come before the fork that matters.
void watch_forks() noexcept;

namespace detail {
inline std::atomic<unsigned> fork_count{0};
}

// A number that differs in a process and in its forked children, once watch_forks() was called.
[[nodiscard]] inline unsigned fork_generation() noexcept {
    return detail::fork_count.load(std::memory_order_relaxed);
}

} // namespace coring::base
