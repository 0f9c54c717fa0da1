// What stream and passive sockets have in common: the descriptor, where it is bound, whose loop
// it is on. (The manual's section on network and IPC.)
#pragma once

#include "base/result.hpp"
#include "io/address.hpp"
#include "loop/loop.hpp"
#include "op/descriptor.hpp"

#include <cstdint>

namespace coring::io {

enum class domain : std::uint8_t { ipv4, ipv6 };

[[nodiscard]] constexpr ip_version version_of(domain from) noexcept {
    return from == domain::ipv6 ? ip_version::v6 : ip_version::v4;
}

enum class site : std::uint8_t { self, peer };

// Plain data that lives where its owner puts it. A closed socket has fd -1 and keeps its domain.
// What passive sockets need stands here too, so that programs that turn a stream into a passive
// socket by exchanging its metatable go on working (behaviour 4.1).
struct socket : op::descriptor {
    loop::loop* on = nullptr;
    domain in = domain::ipv4;
    bool was_bound = false;
    bool listening = false;
    std::uint8_t served = 0;       // acceptances in a row within one turn
    std::int16_t bind_failure = 0; // EADDRINUSE is told by the next call (behaviour 7.3)
    std::uint16_t pause_ms = 0;    // between acceptances while descriptors are short

    [[nodiscard]] bool is_open() const noexcept { return fd >= 0; }
};

// Creates the descriptor: close-on-exec, and blocking, as whoever inherits it expects. Requires
// a closed socket.
[[nodiscard]] base::result<void> open_socket(socket& closed) noexcept;

// bind(2) with address reuse, dual stack for ipv6. A port that is taken is not a failure yet.
[[nodiscard]] base::result<void> bind_socket(socket& bound, const ip_address& to) noexcept;

// getsockname(2) or getpeername(2). Requires an address of the socket's version.
[[nodiscard]] base::result<void> socket_address(socket& of, site which, ip_address& into) noexcept;

// Takes the failure that bind kept back, once. Zero if there is none.
[[nodiscard]] int take_bind_failure(socket& from) noexcept;

} // namespace coring::io
