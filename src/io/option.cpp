#include "io/option.hpp"

#include <cerrno>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

namespace coring::io {

namespace {

constexpr int probe_interval_seconds = 1;
constexpr int probe_count = 10;

base::result<void> set_integer(int fd, int level, int name, int value) noexcept {
    if (::setsockopt(fd, level, name, &value, sizeof value) != 0) {
        return base::failure{errno};
    }
    return {};
}

} // namespace

base::result<void> set_nodelay(socket& of, bool on) noexcept {
    return set_integer(of.fd, IPPROTO_TCP, TCP_NODELAY, on ? 1 : 0);
}

base::result<void> set_keepalive(socket& of, int idle_seconds) noexcept {
    auto done = set_integer(of.fd, SOL_SOCKET, SO_KEEPALIVE, idle_seconds > 0 ? 1 : 0);
    if (!done || idle_seconds == 0) {
        return done;
    }
    done = set_integer(of.fd, IPPROTO_TCP, TCP_KEEPIDLE, idle_seconds);
    if (!done) {
        return done;
    }
    done = set_integer(of.fd, IPPROTO_TCP, TCP_KEEPINTVL, probe_interval_seconds);
    if (!done) {
        return done;
    }
    return set_integer(of.fd, IPPROTO_TCP, TCP_KEEPCNT, probe_count);
}

} // namespace coring::io
