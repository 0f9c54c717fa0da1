#include "io/arrival.hpp"

#include <sys/socket.h>

namespace coring::io {

namespace {

// The value of an option of SOL_SOCKET, or -1 for what is no socket.
int socket_option(int fd, int name) noexcept {
    int value = -1;
    socklen_t size = sizeof value;
    return ::getsockopt(fd, SOL_SOCKET, name, &value, &size) == 0 ? value : -1;
}

std::optional<domain> domain_of(int fd) noexcept {
    switch (socket_option(fd, SO_DOMAIN)) {
    case AF_INET:
        return domain::ipv4;
    case AF_INET6:
        return domain::ipv6;
    case AF_UNIX:
        return domain::local;
    default:
        return std::nullopt;
    }
}

std::optional<arrival> recognize_type(int fd, int type) noexcept {
    const auto in = domain_of(fd);
    if (!in || socket_option(fd, SO_TYPE) != type) {
        return std::nullopt;
    }
    sockaddr_storage peer{};
    socklen_t size = sizeof peer;
    const bool connected = ::getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &size) == 0;
    return arrival{*in, socket_option(fd, SO_ACCEPTCONN) == 1, connected};
}

} // namespace

std::optional<arrival> recognize(int fd) noexcept {
    return recognize_type(fd, SOCK_STREAM);
}

std::optional<arrival> recognize_datagram(int fd) noexcept {
    return recognize_type(fd, SOCK_DGRAM);
}

void adopt_arrival(stream& closed, int fd, const arrival& recognized) noexcept {
    adopt_descriptor(closed, fd);
    closed.in = recognized.in;
    closed.listening = recognized.listening;
    closed.foreign = true;
    if (!recognized.connected) {
        closed.phase = stream_phase::unconnected;
    }
}

} // namespace coring::io
