// The calls that hand bytes of a stream to the kernel and do not wait: each answers a count, or
// a negative errno. SIGPIPE never: the process's disposition is the host's affair.
#pragma once

#include "io/file_attempt.hpp"

#include <cstddef>
#include <span>
#include <string_view>

#include <sys/uio.h>

namespace coring::io {

// How many bytes are to be sent before the others, so that those begin at a cache line, from
// where the kernel copies large amounts an eighth faster; the bytes of a memory never do. Zero
// when there is nothing to gain. They are sent with a word that more follows: no packet leaves
// for their sake.
[[nodiscard]] std::size_t bytes_ahead(std::string_view bytes) noexcept;

[[nodiscard]] int send_aligned_now(int fd, std::string_view bytes) noexcept;

// Bytes from several places, in their order.
[[nodiscard]] int send_gathered_now(int fd, std::span<const iovec> parts) noexcept;

// With the first byte goes a duplicate of `passed` (unix(7), SCM_RIGHTS).
[[nodiscard]] int send_passing_now(int fd, std::string_view bytes, int passed) noexcept;

} // namespace coring::io
