#include "io/option.hpp"

#include <cerrno>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

namespace coring::io {

namespace {

// The most that the system takes (tcp(7)).
constexpr int most_probe_seconds = 32767;
constexpr int most_probes = 127;

// Where the system keeps an option.
struct place {
    int level;
    int name;
};

constexpr place either(domain in, int name_v4, int name_v6) noexcept {
    return in == domain::ipv6 ? place{IPPROTO_IPV6, name_v6} : place{IPPROTO_IP, name_v4};
}

place place_of(flag which, domain in) noexcept {
    switch (which) {
    case flag::broadcast:
        return {SOL_SOCKET, SO_BROADCAST};
    case flag::cork:
        return {IPPROTO_TCP, TCP_CORK};
    case flag::multicast_loop:
        return either(in, IP_MULTICAST_LOOP, IPV6_MULTICAST_LOOP);
    case flag::nodelay:
        return {IPPROTO_TCP, TCP_NODELAY};
    case flag::reuse_address:
        return {SOL_SOCKET, SO_REUSEADDR};
    case flag::reuse_port:
        return {SOL_SOCKET, SO_REUSEPORT};
    }
    return {};
}

place place_of(amount which, domain in) noexcept {
    switch (which) {
    case amount::multicast_hops:
        return either(in, IP_MULTICAST_TTL, IPV6_MULTICAST_HOPS);
    case amount::receive_buffer:
        return {SOL_SOCKET, SO_RCVBUF};
    case amount::send_buffer:
        return {SOL_SOCKET, SO_SNDBUF};
    }
    return {};
}

template <typename Value>
base::result<void> set(const socket& of, place where, const Value& value) noexcept {
    if (::setsockopt(of.fd, where.level, where.name, &value, sizeof value) != 0) {
        return base::failure{errno};
    }
    return {};
}

template <typename Value>
base::result<Value> get(const socket& of, place where) noexcept {
    Value value{};
    socklen_t size = sizeof value;
    if (::getsockopt(of.fd, where.level, where.name, &value, &size) != 0) {
        return base::failure{errno};
    }
    return value;
}

// By bind, or by the first datagram or connection that left.
bool has_port(const socket& of) noexcept {
    ip_address own{version_of(of.in)};
    socklen_t size = ip_address::native_room;
    return ::getsockname(of.fd, own.native(), &size) == 0 && own.port() != 0;
}

} // namespace

base::result<void> set_flag(socket& of, flag which, bool on) noexcept {
    const bool reuse = which == flag::reuse_address || which == flag::reuse_port;
    if (reuse && has_port(of)) {
        return base::failure{EINVAL};
    }
    auto done = set(of, place_of(which, of.in), on ? 1 : 0);
    if (done && which == flag::reuse_address) {
        of.reuse_chosen = true;
    }
    return done;
}

base::result<bool> get_flag(const socket& of, flag which) noexcept {
    auto value = get<int>(of, place_of(which, of.in));
    if (!value) {
        return base::failure{value.error()};
    }
    return value.value() != 0;
}

base::result<void> set_amount(const socket& of, amount which, int value) noexcept {
    return set(of, place_of(which, of.in), value);
}

base::result<int> get_amount(const socket& of, amount which) noexcept {
    return get<int>(of, place_of(which, of.in));
}

base::result<void> set_linger(const socket& of, std::optional<int> seconds) noexcept {
    return set(of, {SOL_SOCKET, SO_LINGER},
               linger{seconds.has_value() ? 1 : 0, seconds.value_or(0)});
}

base::result<std::optional<int>> get_linger(const socket& of) noexcept {
    auto value = get<linger>(of, {SOL_SOCKET, SO_LINGER});
    if (!value) {
        return base::failure{value.error()};
    }
    const linger found = value.value();
    return found.l_onoff != 0 ? std::optional{found.l_linger} : std::nullopt;
}

base::result<void> set_keepalive(const socket& of, std::optional<keepalive> probing) noexcept {
    constexpr place whether{SOL_SOCKET, SO_KEEPALIVE};
    if (!probing) {
        return set(of, whether, 0);
    }
    if (probing->idle_seconds > most_probe_seconds ||
        probing->interval_seconds > most_probe_seconds || probing->count > most_probes) {
        return base::failure{EINVAL};
    }
    auto done = set(of, {IPPROTO_TCP, TCP_KEEPIDLE}, probing->idle_seconds);
    if (done) {
        done = set(of, {IPPROTO_TCP, TCP_KEEPINTVL}, probing->interval_seconds);
    }
    if (done) {
        done = set(of, {IPPROTO_TCP, TCP_KEEPCNT}, probing->count);
    }
    return done ? set(of, whether, 1) : done;
}

base::result<std::optional<keepalive>> get_keepalive(const socket& of) noexcept {
    auto on = get<int>(of, {SOL_SOCKET, SO_KEEPALIVE});
    if (!on) {
        return base::failure{on.error()};
    }
    if (on.value() == 0) {
        return std::optional<keepalive>{};
    }
    auto idle = get<int>(of, {IPPROTO_TCP, TCP_KEEPIDLE});
    auto interval = get<int>(of, {IPPROTO_TCP, TCP_KEEPINTVL});
    auto count = get<int>(of, {IPPROTO_TCP, TCP_KEEPCNT});
    for (const auto* each : {&idle, &interval, &count}) {
        if (!each->has_value()) {
            return base::failure{each->error()};
        }
    }
    return std::optional{keepalive{idle.value(), interval.value(), count.value()}};
}

base::result<int> take_error(const socket& of) noexcept {
    if (of.phase == stream_phase::connecting) {
        return 0;
    }
    return get<int>(of, {SOL_SOCKET, SO_ERROR});
}

} // namespace coring::io
