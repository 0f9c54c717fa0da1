// Options of sockets that are a switch, an amount or a time, as setsockopt(2) and getsockopt(2)
// take them. (Manual: socket:setoption. Kernel: socket(7), tcp(7), ip(7), ipv6(7).)
#pragma once

#include "io/stream.hpp"

#include <cstdint>
#include <optional>

namespace coring::io {

// What is on or off.
enum class flag : std::uint8_t {
    broadcast,      // SO_BROADCAST
    cork,           // TCP_CORK: only full segments leave
    multicast_loop, // IP_MULTICAST_LOOP, IPV6_MULTICAST_LOOP
    nodelay,        // TCP_NODELAY: small segments are sent at once
    reuse_address,  // SO_REUSEADDR
    reuse_port,     // SO_REUSEPORT
};

// Those for reuse fail with EINVAL on a socket that is bound: it would be too late.
[[nodiscard]] base::result<void> set_flag(socket& of, flag which, bool on) noexcept;
[[nodiscard]] base::result<bool> get_flag(const socket& of, flag which) noexcept;

// What is a number.
enum class amount : std::uint8_t {
    multicast_hops, // IP_MULTICAST_TTL, IPV6_MULTICAST_HOPS
    receive_buffer, // SO_RCVBUF, in bytes; the system keeps twice as much
    send_buffer,    // SO_SNDBUF, the same
};

[[nodiscard]] base::result<void> set_amount(const socket& of, amount which, int value) noexcept;
[[nodiscard]] base::result<int> get_amount(const socket& of, amount which) noexcept;

// SO_LINGER: for how many seconds closing waits for bytes on their way; none for not at all.
[[nodiscard]] base::result<void> set_linger(const socket& of,
                                            std::optional<int> seconds) noexcept;
[[nodiscard]] base::result<std::optional<int>> get_linger(const socket& of) noexcept;

// How an idle connection is probed.
struct keepalive {
    int idle_seconds;     // until the first probe
    int interval_seconds; // until the next
    int count;            // so many without an answer end it
};

inline constexpr int usual_probe_interval = 1;
inline constexpr int usual_probe_count = 10;

// SO_KEEPALIVE, TCP_KEEPIDLE, TCP_KEEPINTVL, TCP_KEEPCNT; none turns it off. What the system
// would refuse fails with EINVAL before anything is changed.
[[nodiscard]] base::result<void> set_keepalive(const socket& of,
                                               std::optional<keepalive> probing) noexcept;
[[nodiscard]] base::result<std::optional<keepalive>> get_keepalive(const socket& of) noexcept;

// SO_ERROR: what went wrong since somebody asked, or zero; it is forgotten now. That of a
// connection being made is left to connect.
[[nodiscard]] base::result<int> take_error(const socket& of) noexcept;

} // namespace coring::io
