// The calls that move bytes of what flows without being a socket, and do not wait: FIFOs,
// pipes, terminals. They work on descriptions that wait for others, whose flags are not ours.
#pragma once

#include "io/file_attempt.hpp"

#include <span>
#include <string_view>

namespace coring::io {

// Reads what is there: a count, 0 at the end, or a negative errno. `quick` says whether calls
// that do not wait are worth trying; it is cleared where there are none, which is so for
// terminals.
[[nodiscard]] int read_flowing(int fd, bool& quick, std::span<char> into) noexcept;

// Writes what there is room for. Never raises SIGPIPE.
[[nodiscard]] file_attempt write_flowing(int fd, bool& quick, std::string_view bytes) noexcept;

} // namespace coring::io
