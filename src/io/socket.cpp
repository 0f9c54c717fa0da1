#include "io/socket.hpp"

#include <algorithm>
#include <cerrno>

#include <sys/socket.h>
#include <unistd.h>

namespace coring::io {

namespace {

int family_of(domain in) noexcept {
    switch (in) {
    case domain::ipv4:
        return AF_INET;
    case domain::ipv6:
        return AF_INET6;
    case domain::local:
    case domain::share:
        return AF_UNIX;
    }
    return AF_UNSPEC;
}

} // namespace

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

base::result<void> open_socket(socket& closed, int type) noexcept {
    CORING_ASSERT(closed.fd < 0);
    const int fd = ::socket(family_of(closed.in), type | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return base::failure{errno};
    }
    closed.fd = fd;
    closed.open = true;
    return {};
}

void close_descriptor(socket& open) noexcept {
    if (open.fd >= 0) {
        open.on->forget(open);
        ::close(open.fd);
        open.fd = -1;
    }
    open.open = false;
}

base::result<void> bind_socket(socket& bound, const ip_address& to) noexcept {
    const int on = 1;
    if (!bound.reuse_chosen &&
        ::setsockopt(bound.fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0) {
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

base::result<void> bind_plainly(socket& bound, const ip_address& to) noexcept {
    if (::bind(bound.fd, to.native(), to.native_size()) != 0) {
        return base::failure{errno};
    }
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
