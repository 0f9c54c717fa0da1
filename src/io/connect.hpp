// The verb behind stream:connect. The call is made at once and does not wait; its outcome is
// told by writability. (Manual: socket:connect. Kernel: connect(2), SO_ERROR of socket(7).)
#pragma once

#include "io/stream.hpp"

namespace coring::io {

extern const op::operation_type connect_type;

// Begins to connect. Requires refuses_connect() is zero and an address of the stream's version.
void connect_start(stream& from, op::operation& idle, const ip_address& to) noexcept;

} // namespace coring::io
