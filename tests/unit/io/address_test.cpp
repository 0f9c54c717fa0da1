// Goal: literals that the system knows are taken and come back in its canonical form;
// everything else is refused and changes nothing. Method: tables; every port; a deterministic
// fuzz of mutated literals beside inet_pton itself.
#include "io/address.hpp"

#include <array>
#include <cerrno>
#include <random>
#include <string>

#include <arpa/inet.h>
#include <gtest/gtest.h>

namespace {

using namespace coring::io;

std::string literal_of(const ip_address& address) {
    std::array<char, ip_address::longest_text> room{};
    return std::string{address.literal(room)};
}

std::string canonical(ip_version version, std::string_view text) {
    ip_address address{version};
    return address.set_literal(text) ? literal_of(address) : "refused";
}

TEST(address, a_fresh_one_is_the_wildcard_with_port_zero) {
    const ip_address four{ip_version::v4};
    const ip_address six{ip_version::v6};
    EXPECT_EQ(literal_of(four), "0.0.0.0");
    EXPECT_EQ(literal_of(six), "::");
    EXPECT_EQ(four.port(), 0);
    EXPECT_EQ(six.port(), 0);
    EXPECT_EQ(four.version(), ip_version::v4);
    EXPECT_EQ(six.version(), ip_version::v6);
    EXPECT_EQ(four.bytes().size(), 4U);
    EXPECT_EQ(six.bytes().size(), 16U);
}

TEST(address, literals_come_back_in_canonical_form) {
    const ip_version four = ip_version::v4;
    const ip_version six = ip_version::v6;
    EXPECT_EQ(canonical(four, "192.0.2.1"), "192.0.2.1");
    EXPECT_EQ(canonical(four, "255.255.255.255"), "255.255.255.255");
    EXPECT_EQ(canonical(six, "2001:DB8:0:0:0:0:0:1"), "2001:db8::1");
    EXPECT_EQ(canonical(six, "::ffff:192.0.2.1"), "::ffff:192.0.2.1");
    EXPECT_EQ(canonical(six, "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255"),
              "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
    EXPECT_EQ(canonical(six, "fe80::1%eth0"), "fe80::1") << "the zone is dropped";
    EXPECT_EQ(canonical(six, "fe80::1%" + std::string(200, 'z')), "fe80::1");
}

TEST(address, what_is_no_literal_is_refused_and_changes_nothing) {
    for (const char* text : {"", " ", "1", "1.2.3", "1.2.3.4.5", "1.2.3.256", "1.2.3.4 ",
                             " 1.2.3.4", "::1", "localhost", "1.2.3.4%lo", "0x1.2.3.4"}) {
        ip_address address{ip_version::v4};
        ASSERT_TRUE(address.set_literal("192.0.2.9"));
        address.set_port(7);
        const auto set = address.set_literal(text);
        ASSERT_FALSE(set) << text;
        EXPECT_EQ(set.error(), EINVAL);
        EXPECT_EQ(literal_of(address), "192.0.2.9");
        EXPECT_EQ(address.port(), 7);
    }
    for (const char* text : {"", "%", "%lo", ":", ":::", "1.2.3.4", "::1::", "12345::",
                             "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "[::1]"}) {
        EXPECT_EQ(canonical(ip_version::v6, text), "refused") << text;
    }
    EXPECT_EQ(canonical(ip_version::v4, std::string(64, '1')), "refused");
    EXPECT_EQ(canonical(ip_version::v6, std::string(10'000, ':')), "refused");
}

TEST(address, every_port_comes_back) {
    for (const ip_version version : {ip_version::v4, ip_version::v6}) {
        ip_address address{version};
        for (unsigned port = 0; port <= UINT16_MAX; ++port) {
            address.set_port(static_cast<std::uint16_t>(port));
            ASSERT_EQ(address.port(), port);
        }
    }
}

TEST(address, bytes_are_in_network_order) {
    ip_address address{ip_version::v4};
    address.set_bytes(std::string_view("\x7f\0\0\1", 4));
    EXPECT_EQ(literal_of(address), "127.0.0.1");
    EXPECT_EQ(std::string_view(address.bytes().data(), 4), std::string_view("\x7f\0\0\1", 4));
    const auto* native = reinterpret_cast<const sockaddr_in*>(address.native());
    EXPECT_EQ(ntohl(native->sin_addr.s_addr), INADDR_LOOPBACK);
    EXPECT_EQ(native->sin_family, AF_INET);
    EXPECT_EQ(address.native_size(), sizeof(sockaddr_in));
    EXPECT_EQ(ip_address{ip_version::v6}.native_size(), sizeof(sockaddr_in6));
}

TEST(address, equality_looks_at_version_port_and_host_and_not_at_the_scope) {
    ip_address left{ip_version::v6};
    ip_address right{ip_version::v6};
    ASSERT_TRUE(left.set_literal("fe80::1"));
    ASSERT_TRUE(right.set_literal("fe80::1"));
    reinterpret_cast<sockaddr_in6*>(right.native())->sin6_scope_id = 3;
    EXPECT_TRUE(left.equals(right));
    right.set_port(1);
    EXPECT_FALSE(left.equals(right));
    right.set_port(0);
    ASSERT_TRUE(right.set_literal("fe80::2"));
    EXPECT_FALSE(left.equals(right));
    EXPECT_FALSE(ip_address{ip_version::v4}.equals(ip_address{ip_version::v6}));
}

TEST(address, a_new_host_has_no_scope) {
    ip_address address{ip_version::v6};
    reinterpret_cast<sockaddr_in6*>(address.native())->sin6_scope_id = 3;
    ASSERT_TRUE(address.set_literal("::1"));
    EXPECT_EQ(reinterpret_cast<sockaddr_in6*>(address.native())->sin6_scope_id, 0U);
}

TEST(address_death_test, bytes_of_another_size_are_a_bug) {
    ip_address address{ip_version::v4};
    EXPECT_DEATH(address.set_bytes("123"), "bytes.size");
}

// Mutations of literals: ours must say what the system's own parser says, and never more.
TEST(address, a_fuzz_of_literals_agrees_with_the_system) {
    constexpr std::array seeds = {"192.0.2.1", "2001:db8::1",     "::ffff:1.2.3.4",
                                  "::",        "1:2:3:4:5:6:7:8", "fe80::1%eth0"};
    constexpr std::string_view alphabet = "0123456789abcdefABCDEF:.%xg -";
    std::mt19937 dice{2};
    int taken = 0;
    for (int round = 0; round < 100'000; ++round) {
        std::string text = seeds[dice() % seeds.size()];
        for (auto changes = dice() % 4; changes > 0; --changes) {
            const std::size_t at = dice() % (text.size() + 1);
            const char with = alphabet[dice() % alphabet.size()];
            switch (dice() % 3) {
            case 0:
                text.insert(at, 1, with);
                break;
            case 1:
                text.erase(at, 1);
                break;
            default:
                text.replace(at, 1, 1, with);
                break;
            }
        }
        const bool six = dice() % 2 == 0;
        const std::string host = six ? text.substr(0, text.find('%')) : text;
        std::array<char, 16> expected{};
        const bool known =
            ::inet_pton(six ? AF_INET6 : AF_INET, host.c_str(), expected.data()) == 1;
        ip_address address{six ? ip_version::v6 : ip_version::v4};
        ASSERT_EQ(address.set_literal(text).has_value(), known) << text;
        if (known) {
            ++taken;
            ASSERT_EQ(std::string_view(address.bytes().data(), address.bytes().size()),
                      std::string_view(expected.data(), six ? 16U : 4U));
            ip_address again{address.version()};
            ASSERT_TRUE(again.set_literal(literal_of(address))) << "its own text is a literal";
            ASSERT_TRUE(again.equals(address));
        }
    }
    EXPECT_GT(taken, 1000) << "the fuzz has become toothless";
}

} // namespace
