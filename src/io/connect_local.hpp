// The verb behind stream:connect in the domains local and share: the system answers at once.
// (Manual: socket:connect. Kernel: connect(2), unix(7).)
#pragma once

#include "io/local.hpp"

namespace coring::io {

extern const op::operation_type connect_local_type;

// Connects, or fails to; the coroutine hears of it in a later turn. A listener whose backlog is
// full is a failure, EAGAIN. Requires refuses_connect() is zero.
void connect_local_start(local_socket& from,
                         op::operation& idle,
                         const local_name& to) noexcept;

} // namespace coring::io
