#include "io/socket.hpp"

#include <algorithm>
#include <cerrno>

#include <sys/socket.h>

namespace coring::io {

bool finish_readiness(op::operation& waiting, int answer) noexcept {
    waiting.result = std::min(answer, 0);
    return true;
}

void release_reader(op::operation& done) noexcept {
    if (done.target != nullptr && done.target->reader == &done) {
        done.target->reader = nullptr;
    }
    done.target = nullptr; // the object may go before the record does
}

base::result<void> open_socket(socket& closed) noexcept {
    CORING_ASSERT(!closed.is_open());
    const int family = closed.in == domain::ipv6 ? AF_INET6 : AF_INET;
    const int fd = ::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return base::failure{errno};
    }
    closed.fd = fd;
    return {};
}

base::result<void> bind_socket(socket& bound, const ip_address& to) noexcept {
    const int on = 1;
    if (::setsockopt(bound.fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0) {
        return base::failure{errno};
    }
    if (bound.in == domain::ipv6) {
        const int off = 0;
        // Fails on a socket that is bound already; then bind says so below.
        static_cast<void>(::setsockopt(bound.fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off));
    }
    if (::bind(bound.fd, to.native(), to.native_size()) != 0) {
        if (errno != EADDRINUSE || bound.was_bound) {
            return base::failure{errno};
        }
        bound.bind_failed = true;
        return {};
    }
    bound.bind_failed = false;
    bound.was_bound = true;
    return {};
}

base::result<void> socket_address(socket& of, site which, ip_address& into) noexcept {
    if (of.bind_failed) {
        return base::failure{EADDRINUSE};
    }
    socklen_t size = ip_address::native_room;
    const int failed = which == site::self ? ::getsockname(of.fd, into.native(), &size)
                                           : ::getpeername(of.fd, into.native(), &size);
    if (failed != 0) {
        return base::failure{errno};
    }
    return {};
}

} // namespace coring::io
