// The verb behind datagram:write: one datagram, sent during the call when the socket has room
// and nobody is in line; else from a copy, in the order of the calls.
// (Manual: socket:write. Kernel: sendmsg(2), POLL_ADD or epoll; udp(7).)
#pragma once

#include "io/stream.hpp"

#include <cstddef>
#include <span>

#include <sys/uio.h>

namespace coring::io {

extern const op::operation_type send_datagram_type;

// Starts a write of one datagram, whose bytes lie in several places and whose sizes add up to
// `size`. `to` is null for the peer. Zero; or ENOMEM, when nothing was started and the record
// is still idle. Bytes and address may change as soon as the call returned.
[[nodiscard]] int send_datagram_start(stream& from,
                                      op::operation& idle,
                                      std::span<const iovec> parts,
                                      std::size_t size,
                                      const ip_address* to) noexcept;

// The socket is about to lose its peer: those that wait and were meant for it get its address.
void address_waiting_datagrams(stream& from, const ip_address& peer) noexcept;

} // namespace coring::io
