// Goal: options reach the system as the manual says, come back as they were set, and a refused
// one changes nothing. Method: the system is asked by getsockopt, past the code under test.
#include "io/multicast.hpp"
#include "io/option.hpp"
#include "unit/support/network.hpp"

#include <netinet/tcp.h>

namespace {

using namespace coring;
using namespace coring::support;

class option_test : public networked {
protected:
    static int option(const io::socket& of, int level, int name) {
        int value = -1;
        socklen_t size = sizeof value;
        EXPECT_EQ(::getsockopt(of.fd, level, name, &value, &size), 0);
        return value;
    }

    endpoint& datagram(io::domain in = io::domain::ipv4) {
        endpoint& made = closed_stream(in);
        EXPECT_TRUE(io::open_socket(made, SOCK_DGRAM));
        return made;
    }

    static bool is_on(const io::socket& of, io::flag which) {
        auto found = io::get_flag(of, which);
        EXPECT_TRUE(found);
        return found && found.value();
    }
};

INSTANTIATE_TEST_SUITE_P(each, option_test, ::testing::Values(readiness), name_of_setup);

TEST_P(option_test, each_flag_is_the_option_of_its_name) {
    struct expected {
        io::flag which;
        int level;
        int name;
        bool of_datagrams;
    };

    const expected all[] = {
        {io::flag::nodelay, IPPROTO_TCP, TCP_NODELAY, false},
        {io::flag::cork, IPPROTO_TCP, TCP_CORK, false},
        {io::flag::reuse_address, SOL_SOCKET, SO_REUSEADDR, false},
        {io::flag::reuse_port, SOL_SOCKET, SO_REUSEPORT, false},
        {io::flag::broadcast, SOL_SOCKET, SO_BROADCAST, true},
        {io::flag::multicast_loop, IPPROTO_IP, IP_MULTICAST_LOOP, true},
    };
    for (const expected& each : all) {
        endpoint& made = each.of_datagrams ? datagram() : open_stream();
        for (const bool wanted : {true, false, true}) {
            ASSERT_TRUE(io::set_flag(made, each.which, wanted));
            EXPECT_EQ(option(made, each.level, each.name) != 0, wanted);
            EXPECT_EQ(is_on(made, each.which), wanted);
        }
    }
}

TEST_P(option_test, options_of_ipv6_datagrams_are_those_of_ipv6) {
    endpoint& made = datagram(io::domain::ipv6);
    ASSERT_TRUE(io::set_flag(made, io::flag::multicast_loop, false));
    EXPECT_EQ(option(made, IPPROTO_IPV6, IPV6_MULTICAST_LOOP), 0);
    ASSERT_TRUE(io::set_amount(made, io::amount::multicast_hops, 7));
    EXPECT_EQ(option(made, IPPROTO_IPV6, IPV6_MULTICAST_HOPS), 7);
}

TEST_P(option_test, reuse_comes_too_late_for_a_socket_with_a_port) {
    for (const io::flag which : {io::flag::reuse_address, io::flag::reuse_port}) {
        endpoint& made = datagram();
        ASSERT_TRUE(io::bind_plainly(made, loopback(0)));
        const auto set = io::set_flag(made, which, true);
        ASSERT_FALSE(set);
        EXPECT_EQ(set.error(), EINVAL);
        EXPECT_FALSE(is_on(made, which));
    }
}

TEST_P(option_test, bind_leaves_reuse_as_the_program_chose_it) {
    endpoint& chosen = open_stream();
    ASSERT_TRUE(io::set_flag(chosen, io::flag::reuse_address, false));
    ASSERT_TRUE(io::bind_socket(chosen, loopback(0)));
    EXPECT_FALSE(is_on(chosen, io::flag::reuse_address));
    endpoint& left = open_stream();
    ASSERT_TRUE(io::bind_socket(left, loopback(0)));
    EXPECT_TRUE(is_on(left, io::flag::reuse_address));
}

TEST_P(option_test, keepalive_is_three_times_a_number) {
    endpoint& made = open_stream();
    ASSERT_TRUE(io::set_keepalive(made, io::keepalive{42, 5, 3}));
    EXPECT_EQ(option(made, SOL_SOCKET, SO_KEEPALIVE), 1);
    EXPECT_EQ(option(made, IPPROTO_TCP, TCP_KEEPIDLE), 42);
    EXPECT_EQ(option(made, IPPROTO_TCP, TCP_KEEPINTVL), 5);
    EXPECT_EQ(option(made, IPPROTO_TCP, TCP_KEEPCNT), 3);
    auto found = io::get_keepalive(made);
    ASSERT_TRUE(found && found.value());
    EXPECT_EQ(found.value()->idle_seconds, 42);
    EXPECT_EQ(found.value()->interval_seconds, 5);
    EXPECT_EQ(found.value()->count, 3);
    ASSERT_TRUE(io::set_keepalive(made, std::nullopt));
    EXPECT_EQ(option(made, SOL_SOCKET, SO_KEEPALIVE), 0);
    found = io::get_keepalive(made);
    ASSERT_TRUE(found);
    EXPECT_FALSE(found.value());
}

TEST_P(option_test, a_keepalive_the_system_does_not_take_changes_nothing) {
    for (const io::keepalive refused :
         {io::keepalive{40'000, 1, 10}, io::keepalive{9, 40'000, 10},
          io::keepalive{9, 1, 128}}) {
        endpoint& made = open_stream();
        const int before = option(made, IPPROTO_TCP, TCP_KEEPIDLE);
        const auto set = io::set_keepalive(made, refused);
        ASSERT_FALSE(set);
        EXPECT_EQ(set.error(), EINVAL);
        EXPECT_EQ(option(made, IPPROTO_TCP, TCP_KEEPIDLE), before);
        EXPECT_EQ(option(made, SOL_SOCKET, SO_KEEPALIVE), 0);
    }
}

TEST_P(option_test, linger_is_a_number_of_seconds_or_off) {
    endpoint& made = open_stream();
    auto found = io::get_linger(made);
    ASSERT_TRUE(found);
    EXPECT_FALSE(found.value());
    for (const int seconds : {0, 17}) {
        ASSERT_TRUE(io::set_linger(made, seconds));
        found = io::get_linger(made);
        ASSERT_TRUE(found);
        EXPECT_EQ(found.value(), seconds);
    }
    ASSERT_TRUE(io::set_linger(made, std::nullopt));
    found = io::get_linger(made);
    ASSERT_TRUE(found);
    EXPECT_FALSE(found.value());
}

TEST_P(option_test, the_error_of_a_connection_being_made_is_left_to_connect) {
    std::uint16_t port = 0;
    {
        const base::unique_fd closed = kernel::tcp_socket();
        ASSERT_EQ(kernel::bind_to(closed, 0), 0);
        port = kernel::port_of(closed);
    }
    endpoint& made = open_stream();
    task& connecting = connect(made, port);
    auto pending = io::take_error(made);
    ASSERT_TRUE(pending);
    EXPECT_EQ(pending.value(), 0);
    finish(connecting);
    EXPECT_EQ(connecting.result, -ECONNREFUSED);
}

TEST_P(option_test, a_closed_descriptor_is_a_failure_of_each) {
    endpoint& made = closed_stream();
    EXPECT_EQ(io::get_flag(made, io::flag::nodelay).error(), EBADF);
    EXPECT_EQ(io::get_amount(made, io::amount::send_buffer).error(), EBADF);
    EXPECT_EQ(io::get_linger(made).error(), EBADF);
    EXPECT_EQ(io::get_keepalive(made).error(), EBADF);
    EXPECT_EQ(io::take_error(made).error(), EBADF);
    EXPECT_EQ(io::set_flag(made, io::flag::nodelay, true).error(), EBADF);
    EXPECT_EQ(io::set_linger(made, 1).error(), EBADF);
    io::interface_room room;
    EXPECT_EQ(io::multicast_interface(made, room).error(), EBADF);
}

TEST_P(option_test, literals_of_interfaces_are_checked_before_the_system_is_asked) {
    endpoint& made = closed_stream(io::domain::ipv6); // the system would say EBADF
    for (const char* wrong : {"", "x", "1.2.3", "::1%", "::1%no-such-device", "::1%0x1",
                              "1.2.3.4%lo", "::1%a-name-that-is-much-too-long"}) {
        EXPECT_EQ(io::set_multicast_interface(made, wrong).error(), EINVAL) << wrong;
        const io::multicast_group v6{"ff02::1", wrong, std::nullopt};
        EXPECT_EQ(io::change_membership(made, io::membership::join, v6).error(), EINVAL);
    }
    for (const char* right : {"1.2.3.4", "::1", "::1%1", "::1%lo"}) {
        EXPECT_EQ(io::set_multicast_interface(made, right).error(), EBADF) << right;
    }
}

TEST_P(option_test, the_literals_of_a_group_are_all_of_its_version) {
    endpoint& made = closed_stream();
    const io::multicast_group wrong[] = {
        {"", std::nullopt, std::nullopt},       {"host", std::nullopt, std::nullopt},
        {"224.0.0.1", "::1", std::nullopt},     {"224.0.0.1", "", std::nullopt},
        {"224.0.0.1", std::nullopt, "::1"},     {"224.0.0.1", std::nullopt, ""},
        {"ff02::1", "127.0.0.1", std::nullopt}, {"ff02::1", std::nullopt, "127.0.0.1"},
    };
    for (const io::multicast_group& each : wrong) {
        EXPECT_EQ(io::change_membership(made, io::membership::join, each).error(), EINVAL);
        EXPECT_EQ(io::change_membership(made, io::membership::leave, each).error(), EINVAL);
    }
    const io::multicast_group right{"224.0.0.1", "127.0.0.1", "127.0.0.1"};
    EXPECT_EQ(io::change_membership(made, io::membership::join, right).error(), EBADF);
}

} // namespace
