// Terminals: what they have besides their bytes, which flow as those of a stream do.
// (Manual: terminal:setmode, terminal:winsize. Kernel: termios(3), ioctl_tty(2).)
#pragma once

#include "base/result.hpp"

#include <cstdint>

namespace coring::io {

enum class terminal_mode : std::uint8_t {
    normal, // as it was before it was changed
    raw,    // each byte at once, unseen, and none is a signal; output as before
    binary, // output is not touched either
};

// Waits until output has gone out.
[[nodiscard]] base::result<void> set_terminal_mode(int fd, terminal_mode to) noexcept;

struct window_size {
    int columns = 0;
    int rows = 0;
};

[[nodiscard]] base::result<window_size> terminal_size(int fd) noexcept;

} // namespace coring::io
