// One call of connect(2) that does not wait.
#pragma once

#include <sys/socket.h>

namespace coring::io {

// Zero, EINPROGRESS, or why it failed. Our sockets are blocking, as a child or a receiver
// expects them; only this call must not be.
[[nodiscard]] int connect_without_waiting(int fd, const sockaddr* to, socklen_t size) noexcept;

} // namespace coring::io
