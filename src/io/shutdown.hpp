// The verb behind stream:shutdown: after all writes before it, ends the writing side.
// (Manual: socket:shutdown. Kernel: shutdown(2).)
#pragma once

#include "io/stream.hpp"

namespace coring::io {

extern const op::operation_type shutdown_type;

// Requires refuses_shutdown() is zero. No write is accepted from now on, unless the stream is
// no socket: that fails with ENOTSOCK, and goes on as before.
void shutdown_start(stream& of, op::operation& idle) noexcept;

} // namespace coring::io
