// Datagram sockets: a peer that all datagrams go to and come from, or none. They use the block
// of streams: a reader, a line of writers, a phase that is connected or unconnected.
// (Manual: socket:connect. Kernel: udp(7).)
#pragma once

#include "io/stream.hpp"

namespace coring::io {

// Fails with EISCONN when there is a peer.
[[nodiscard]] base::result<void> connect_datagram(stream& unconnected,
                                                  const ip_address& to) noexcept;

// Fails with ENOTCONN when there is none. Datagrams that still wait for room go to the peer of
// their time. A socket that was bound keeps its address; should somebody else have taken its
// port just then, it fails with EADDRINUSE.
[[nodiscard]] base::result<void> disconnect_datagram(stream& connected) noexcept;

} // namespace coring::io
