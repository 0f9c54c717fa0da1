// Goal: the addresses of this machine, and what is computed from them.
// Method: masks of every length; the loopback interface, which is the one that is everywhere.
#include "io/interfaces.hpp"

#include <algorithm>
#include <cerrno>
#include <string>

#include <gtest/gtest.h>

namespace {

using namespace coring::io;

TEST(interfaces, the_length_of_a_mask_is_that_of_its_leading_ones) {
    for (const ip_version version : {ip_version::v4, ip_version::v6}) {
        ip_address mask{version};
        const std::size_t size = mask.bytes().size();
        for (std::size_t length = 0; length <= 8 * size; ++length) {
            std::string bytes(size, '\0');
            for (std::size_t bit = 0; bit < length; ++bit) {
                bytes[bit / 8] = static_cast<char>(static_cast<unsigned char>(bytes[bit / 8]) |
                                                   (0x80U >> bit % 8));
            }
            mask.set_bytes(bytes);
            EXPECT_EQ(prefix_length(mask), static_cast<int>(length));
        }
    }
    ip_address holes{ip_version::v4};
    ASSERT_TRUE(holes.set_literal("255.0.255.0"));
    EXPECT_EQ(prefix_length(holes), 8);
}

TEST(interfaces, loopback_is_among_them_if_it_is_up) {
    auto listed = list_interfaces();
    ASSERT_TRUE(listed);
    const auto* found =
        std::find_if(listed.value().begin(), listed.value().end(), [](const auto& each) {
            return each.internal && each.address.version() == ip_version::v4;
        });
    if (found == listed.value().end()) {
        GTEST_SKIP() << "no loopback interface is up here";
    }
    EXPECT_EQ(found->address.bytes().front(), 127);
    EXPECT_EQ(prefix_length(found->mask), 8);
    EXPECT_EQ(std::string(found->hardware.data(), found->hardware.size()),
              std::string(6, '\0'));
    interface_name name{};
    EXPECT_EQ(name_interface(::if_nametoindex(found->name.data()), name), 0);
    EXPECT_EQ(name, found->name);
}

TEST(interfaces, an_index_without_an_interface_is_refused) {
    interface_name name{};
    EXPECT_EQ(name_interface(0x7FFFFFFF, name), ENXIO);
}

} // namespace
