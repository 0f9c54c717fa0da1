// Options of sockets, as setsockopt(2) takes them.
#pragma once

#include "io/socket.hpp"

namespace coring::io {

// TCP_NODELAY: small segments are sent at once.
[[nodiscard]] base::result<void> set_nodelay(socket& of, bool on) noexcept;

// SO_KEEPALIVE with the first probe after `idle_seconds`, then 10 probes a second apart; zero
// turns it off.
[[nodiscard]] base::result<void> set_keepalive(socket& of, int idle_seconds) noexcept;

} // namespace coring::io
