// The verb behind stream:read: wait until readable, then take what is there at delivery.
// (Manual: socket:read. Kernel: recv(2), POLL_ADD or epoll.)
#pragma once

#include "io/stream.hpp"

#include <cstddef>
#include <span>

namespace coring::io {

extern const op::operation_type recv_type;

// Starts waiting for bytes. Requires that nobody reads the stream and refuses_read() is zero.
void recv_start(stream& from, op::operation& idle) noexcept;

// Takes what is there, without waiting. A count; -EAGAIN if there is nothing after all; else a
// negative errno, base::end_of_file at the end of the stream. Requires a non-empty range.
[[nodiscard]] int recv_now(stream& from, std::span<char> into) noexcept;

// A receive failed with this errno: -EAGAIN if there is just nothing, else the stream is dead.
int refused_receive(stream& from, int code) noexcept;

inline constexpr std::size_t most_received_at_once = 0x7ffff000; // what one call moves

// The delivery found nothing: waits on. Requires the state delivering.
void recv_again(op::operation& delivering) noexcept;

} // namespace coring::io
