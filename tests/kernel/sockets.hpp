// Sockets for asking questions with.
#pragma once

#include "base/unique_fd.hpp"

#include <array>
#include <cerrno>
#include <cstdint>
#include <vector>

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace coring::kernel {

using base::unique_fd;

struct socket_pair {
    unique_fd left;
    unique_fd right;
};

inline unique_fd tcp_socket(int flags = 0) {
    unique_fd made{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | flags, 0)};
    EXPECT_TRUE(made.valid());
    return made;
}

inline sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

inline sockaddr* generic(sockaddr_in& address) {
    return static_cast<sockaddr*>(static_cast<void*>(&address));
}

inline std::uint16_t port_of(const unique_fd& socket) {
    sockaddr_in address{};
    socklen_t size = sizeof address;
    EXPECT_EQ(::getsockname(socket.get(), generic(address), &size), 0);
    return ntohs(address.sin_port);
}

// Zero or errno. Without SO_REUSEADDR: what binds finds the port free indeed.
inline int bind_to(const unique_fd& socket, std::uint16_t port) {
    sockaddr_in address = loopback(port);
    return ::bind(socket.get(), generic(address), sizeof address) == 0 ? 0 : errno;
}

inline int connect_to(const unique_fd& socket, std::uint16_t port) {
    sockaddr_in address = loopback(port);
    return ::connect(socket.get(), generic(address), sizeof address) == 0 ? 0 : errno;
}

inline unique_fd tcp_listener(int flags = 0) {
    unique_fd made = tcp_socket(flags);
    EXPECT_EQ(bind_to(made, 0), 0);
    EXPECT_EQ(::listen(made.get(), 16), 0);
    return made;
}

inline socket_pair tcp_pair() {
    const unique_fd listener = tcp_listener();
    socket_pair made{tcp_socket(), unique_fd{}};
    EXPECT_EQ(connect_to(made.left, port_of(listener)), 0);
    made.right.reset(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
    EXPECT_TRUE(made.right.valid());
    return made;
}

inline socket_pair local_pair(int type = SOCK_STREAM) {
    std::array<int, 2> ends{-1, -1};
    EXPECT_EQ(::socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends.data()), 0);
    return {unique_fd{ends[0]}, unique_fd{ends[1]}};
}

inline short events_of(int fd, short wanted, int timeout_ms) {
    pollfd wait{fd, wanted, 0};
    return ::poll(&wait, 1, timeout_ms) == 1 ? wait.revents : short{0};
}

// How many bytes come until the end of the stream; a failed test if ten seconds bring nothing.
inline std::size_t read_to_end(int fd) {
    std::vector<char> buffer(65536);
    std::size_t total = 0;
    for (;;) {
        EXPECT_NE(events_of(fd, POLLIN, 10'000), 0);
        const ssize_t got = ::recv(fd, buffer.data(), buffer.size(), MSG_DONTWAIT);
        EXPECT_GE(got, 0);
        if (got <= 0) {
            return total;
        }
        total += static_cast<std::size_t>(got);
    }
}

} // namespace coring::kernel
