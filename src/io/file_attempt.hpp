// What reading or writing at once came to.
#pragma once

#include <cerrno>
#include <cstddef>

namespace coring::io {

// What one call of the system moves at most.
inline constexpr std::size_t most_at_once = 0x7ffff000;

struct file_attempt {
    std::size_t count = 0; // bytes moved
    int failed = 0;        // an errno; EAGAIN: the rest has to wait

    [[nodiscard]] bool waits() const noexcept { return failed == EAGAIN; }

    // The count, or the failure if there is none, as an operation's result.
    [[nodiscard]] int result() const noexcept {
        return count > 0 ? static_cast<int>(count) : -failed;
    }
};

} // namespace coring::io
