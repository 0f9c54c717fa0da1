// The verb behind passive:accept: wait until a connection is there, take it at delivery.
// (Manual: socket:accept. Kernel: accept4(2), POLL_ADD or epoll.)
#pragma once

#include "io/listener.hpp"

namespace coring::io {

extern const op::operation_type accept_type;

// Starts waiting for a connection. Requires a listening socket that nobody waits on. Served
// again within the same turn up to 16 times in a row, else a busy server would starve.
void accept_start(listener& on, op::operation& idle) noexcept;

// Takes a connection, without waiting: its descriptor, close-on-exec, or a negative errno.
// -EAGAIN: there is none, or the system is short of descriptors and dropped one; wait on.
[[nodiscard]] int accept_now(listener& from) noexcept;

// The delivery took nothing: waits on, after a pause if the system is short of descriptors.
// Requires the state delivering.
void accept_again(op::operation& delivering) noexcept;

} // namespace coring::io
