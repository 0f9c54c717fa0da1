// Goal: sockets are made, bound and asked for their addresses as the manual says; what
// listening needs is set then. Method: the system is asked back (getsockopt, fcntl); ports on
// the loopback device.
#include "io/socket.hpp"
#include "unit/support/network.hpp"

#include <fcntl.h>

namespace {

using namespace coring;
using namespace coring::support;

class socket_test : public networked {
protected:
    static int option(const io::socket& of, int level, int name) {
        int value = -1;
        socklen_t size = sizeof value;
        EXPECT_EQ(::getsockopt(of.fd, level, name, &value, &size), 0);
        return value;
    }
};

INSTANTIATE_TEST_SUITE_P(each, socket_test, ::testing::Values(readiness), name_of_setup);

TEST_P(socket_test, a_socket_is_close_on_exec_and_blocking) {
    endpoint& made = open_stream();
    EXPECT_TRUE(made.is_open());
    EXPECT_NE(::fcntl(made.fd, F_GETFD) & FD_CLOEXEC, 0);
    EXPECT_EQ(::fcntl(made.fd, F_GETFL) & O_NONBLOCK, 0);
}

TEST_P(socket_test, a_bound_socket_tells_its_address_and_an_unconnected_one_no_peer) {
    endpoint& made = open_stream();
    ASSERT_TRUE(io::bind_socket(made, loopback(0)));
    EXPECT_NE(port_of(made), 0);
    io::ip_address found{io::ip_version::v4};
    const auto peer = io::socket_address(made, io::site::peer, found);
    ASSERT_FALSE(peer);
    EXPECT_EQ(peer.error(), ENOTCONN);
}

TEST_P(socket_test, both_sides_of_a_connection_tell_the_same_addresses) {
    kernel::socket_pair sockets = kernel::tcp_pair();
    endpoint& left = adopt(sockets.left);
    endpoint& right = adopt(sockets.right);
    io::ip_address self{io::ip_version::v4};
    io::ip_address peer{io::ip_version::v4};
    ASSERT_TRUE(io::socket_address(left, io::site::self, self));
    ASSERT_TRUE(io::socket_address(right, io::site::peer, peer));
    EXPECT_TRUE(self.equals(peer));
}

TEST_P(socket_test, a_port_that_is_taken_is_told_by_the_next_call_not_by_bind) {
    io::listener& taken = listening();
    endpoint& made = open_stream();
    EXPECT_TRUE(io::bind_socket(made, loopback(port_of(taken))));
    io::ip_address found{io::ip_version::v4};
    const auto address = io::socket_address(made, io::site::self, found);
    ASSERT_FALSE(address);
    EXPECT_EQ(address.error(), EADDRINUSE);
    const auto listens = io::listen_on(made, 1);
    ASSERT_FALSE(listens);
    EXPECT_EQ(listens.error(), EADDRINUSE);
    EXPECT_FALSE(made.listening);
}

TEST_P(socket_test, binding_to_an_address_that_is_not_ours_fails) {
    endpoint& made = open_stream();
    io::ip_address foreign{io::ip_version::v4};
    ASSERT_TRUE(foreign.set_literal("192.0.2.1"));
    const auto bound = io::bind_socket(made, foreign);
    ASSERT_FALSE(bound);
    EXPECT_EQ(bound.error(), EADDRNOTAVAIL);
}

TEST_P(socket_test, a_six_socket_serves_both_versions) {
    endpoint& made = closed_stream(io::domain::ipv6);
    if (!io::open_socket(made)) {
        GTEST_SKIP() << "no IPv6 here";
    }
    const auto bound = io::bind_socket(made, io::ip_address{io::ip_version::v6});
    if (!bound) {
        GTEST_SKIP() << "no IPv6 here: " << std::strerror(bound.error());
    }
    EXPECT_EQ(option(made, IPPROTO_IPV6, IPV6_V6ONLY), 0);
    ASSERT_TRUE(io::listen_on(made, 1));
    io::ip_address found{io::ip_version::v6};
    ASSERT_TRUE(io::socket_address(made, io::site::self, found));
    const base::unique_fd client = kernel::tcp_socket();
    EXPECT_EQ(kernel::connect_to(client, found.port()), 0);
}

TEST_P(socket_test, listening_makes_the_descriptor_non_blocking) {
    io::listener& made = listening();
    EXPECT_TRUE(made.listening);
    EXPECT_NE(::fcntl(made.fd, F_GETFL) & O_NONBLOCK, 0);
    EXPECT_EQ(option(made, SOL_SOCKET, SO_ACCEPTCONN), 1);
    EXPECT_EQ(option(made, SOL_SOCKET, SO_REUSEADDR), 1);
}

} // namespace
