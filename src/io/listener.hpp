// A passive socket: it listens, and coroutines accept from it. (Manual: socket:listen.)
#pragma once

#include "io/socket.hpp"

namespace coring::io {

// A socket whose `reader` is the operation of whoever waits in accept.
using listener = socket;

// listen(2). Requires a socket that does not listen yet. From then on the descriptor is
// non-blocking: accept4(2) has no flag per call that would say so.
[[nodiscard]] base::result<void> listen_on(listener& of, int backlog) noexcept;

// Withdraws the acceptor, if any, and closes the descriptor before it returns; the acceptor is
// returned, ready, for the caller to deliver.
[[nodiscard]] op::operation* close_listener(listener& open) noexcept;

// As close_listener(), for a state that is closing: the acceptor is dropped.
void drop_listener(listener& open) noexcept;

} // namespace coring::io
