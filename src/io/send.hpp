// The verb behind stream:write: all bytes, in the order of the calls, each write whole.
// (Manual: socket:write. Kernel: send(2), IORING_OP_SEND or epoll.)
#pragma once

#include "io/stream.hpp"

#include <cstdint>
#include <string_view>

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

} // namespace coring::io
