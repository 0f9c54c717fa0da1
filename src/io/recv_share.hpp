// What a read of a stream of domain share does when bytes are there: descriptors may come with
// them. The waiting is recv's. (Manual: socket:read. Kernel: recvmsg(2), unix(7).)
#pragma once

#include "io/local.hpp"

#include <span>

namespace coring::io {

struct received {
    int count; // as of recv_now()
    int fd;    // a stream socket that came along, the caller's now; or -1
};

// As recv_now(). Of several descriptors the first is returned and the others are kept; what is
// no stream socket is closed.
[[nodiscard]] received recv_share_now(local_socket& from, std::span<char> into) noexcept;

} // namespace coring::io
