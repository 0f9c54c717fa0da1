#include "io/datagram.hpp"

#include "io/send_datagram.hpp"

#include <algorithm>
#include <cerrno>
#include <optional>

#include <sys/socket.h>

namespace coring::io {

namespace {

bool has_any_address(const ip_address& own) noexcept {
    return std::ranges::all_of(own.bytes(), [](char byte) { return byte == 0; });
}

// What it is bound to, whatever connecting made of that; nothing if it was not bound by bind.
std::optional<ip_address> bound_address(stream& connected) noexcept {
    ip_address own{version_of(connected.in)};
    if (!connected.was_bound || !socket_address(connected, site::self, own)) {
        return std::nullopt;
    }
    if (connected.any_address) {
        const std::uint16_t port = own.port();
        own = ip_address{own.version()};
        own.set_port(port);
    }
    return own;
}

// Losing the peer, the system also forgets a port that it had chosen itself; and with it where
// the program told others to send to.
base::result<void> keep_address(stream& of, const ip_address& own) noexcept {
    ip_address now{own.version()};
    const auto found = socket_address(of, site::self, now);
    if (!found || now.port() != 0) {
        return found;
    }
    return bind_plainly(of, own);
}

} // namespace

base::result<void> connect_datagram(stream& unconnected, const ip_address& to) noexcept {
    if (unconnected.phase == stream_phase::connected) {
        return base::failure{EISCONN};
    }
    ip_address own{version_of(unconnected.in)};
    unconnected.any_address =
        socket_address(unconnected, site::self, own) && has_any_address(own);
    if (::connect(unconnected.fd, to.native(), to.native_size()) != 0) {
        return base::failure{errno};
    }
    unconnected.phase = stream_phase::connected;
    return {};
}

base::result<void> disconnect_datagram(stream& connected) noexcept {
    if (connected.phase != stream_phase::connected) {
        return base::failure{ENOTCONN};
    }
    if (connected.writer != nullptr) {
        ip_address peer{version_of(connected.in)};
        if (const auto known = socket_address(connected, site::peer, peer); known) {
            address_waiting_datagrams(connected, peer);
        }
    }
    const std::optional<ip_address> own = bound_address(connected);
    sockaddr nobody{};
    nobody.sa_family = AF_UNSPEC;
    if (::connect(connected.fd, &nobody, sizeof nobody) != 0) {
        return base::failure{errno};
    }
    connected.phase = stream_phase::unconnected;
    return own ? keep_address(connected, *own) : base::result<void>{};
}

} // namespace coring::io
