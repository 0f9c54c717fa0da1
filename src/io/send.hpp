// The verb behind stream:write: all bytes, in the order of the calls, each write whole; with
// the first of them a descriptor may travel. (Manual: socket:write. Kernel: send(2),
// IORING_OP_SEND or epoll; sendmsg(2), unix(7).)
#pragma once

#include "io/stream.hpp"

#include <cstdint>
#include <span>
#include <string_view>

#include <sys/uio.h>

namespace coring::io {

extern const op::operation_type send_type;

// Who keeps the bytes while they are on their way.
enum class source : std::uint8_t {
    stays,   // they stay in place, unchanged, until the waiter is resumed or leaves
    changes, // they may change as soon as the call returned
    moves,   // as `changes`, and the memory may move or go
};

// Starts a write. Zero; or ENOMEM, when nothing was started and the record is still idle.
// Requires refuses_write() is zero.
[[nodiscard]] int
send_start(stream& to, op::operation& idle, std::string_view bytes, source kept) noexcept;

// As send_start(), for bytes that lie in several places and may change as soon as the call
// returned. Requires that the sizes add up to `size`.
[[nodiscard]] int send_gathered_start(stream& to,
                                      op::operation& idle,
                                      std::span<const iovec> parts,
                                      std::size_t size) noexcept;

// As send_start(); `passed` goes with the first byte, the caller keeps it. ENOMEM or an errno
// of dup(2), when nothing was started. Requires a Unix socket and at least one byte.
[[nodiscard]] int send_passing_start(stream& to,
                                     op::operation& idle,
                                     std::string_view bytes,
                                     source kept,
                                     int passed) noexcept;

// Whether a started write refers to bytes of its caller: then the caller must stay, or leave.
[[nodiscard]] bool lends(const op::operation& write) noexcept;

} // namespace coring::io
