// What a read of a datagram socket does when one is there. The waiting is recv's.
// (Manual: socket:read. Kernel: recvfrom(2), udp(7).)
#pragma once

#include "io/stream.hpp"

#include <span>

namespace coring::io {

// As recv_start(); but while datagrams come faster than they are read, which the last reads
// tell, one is taken to be there already, and nobody is asked. Whether it is so, the delivery
// finds.
void recv_datagram_start(stream& from, op::operation& idle) noexcept;

struct received_datagram {
    int count;      // bytes, maybe none; -EAGAIN if there is no datagram; else a negative errno
    bool truncated; // there were more of them, and they are lost
};

// Takes one datagram, without waiting. `sender`, if not null, is filled with whom it came from.
// A failure is that of an earlier datagram, and leaves the socket as it was. Requires a
// non-empty range.
[[nodiscard]] received_datagram
recv_datagram_now(stream& from, std::span<char> into, ip_address* sender) noexcept;

} // namespace coring::io
