// The message that carries values between states: what was added is what is read, in one block.
#include "base/message.hpp"

#include <cstdint>
#include <limits>
#include <string>
#include <utility>

#include <gtest/gtest.h>

namespace coring::base {
namespace {

TEST(message, is_empty_at_first) {
    const message none;
    EXPECT_TRUE(none.values().empty());
}

TEST(message, keeps_values_in_order_and_by_kind) {
    int anything = 0;
    const std::string binary{"a\0b", 3};
    message sent;
    ASSERT_TRUE(sent.reserve(7, binary.size()));
    sent.add_nil();
    sent.add(true);
    sent.add(std::int64_t{-1});
    sent.add(1.5);
    sent.add(binary);
    sent.add(std::string_view{});
    sent.add_pointer(&anything);
    const auto values = sent.values();
    ASSERT_EQ(values.size(), 7U);
    EXPECT_EQ(values[0].kind, value_kind::nil);
    EXPECT_EQ(values[1].kind, value_kind::boolean);
    EXPECT_TRUE(values[1].boolean);
    EXPECT_EQ(values[2].kind, value_kind::integer);
    EXPECT_EQ(values[2].integer, -1);
    EXPECT_EQ(values[3].kind, value_kind::number);
    EXPECT_EQ(values[3].number, 1.5);
    EXPECT_EQ(values[4].kind, value_kind::string);
    EXPECT_EQ(std::string(values[4].bytes, values[4].size), binary);
    EXPECT_EQ(values[5].kind, value_kind::string);
    EXPECT_EQ(values[5].size, 0U);
    EXPECT_EQ(values[6].kind, value_kind::pointer);
    EXPECT_EQ(values[6].pointer, &anything);
}

TEST(message, copies_the_bytes_of_strings) {
    std::string text = "before";
    message sent;
    ASSERT_TRUE(sent.reserve(1, text.size()));
    sent.add(text);
    text = "after!";
    EXPECT_EQ(std::string(sent.values()[0].bytes, sent.values()[0].size), "before");
}

TEST(message, moves_with_its_values_and_leaves_nothing) {
    message from;
    ASSERT_TRUE(from.reserve(1, 0));
    from.add(std::int64_t{7});
    message to{std::move(from)};
    // NOLINTNEXTLINE(bugprone-use-after-move): that is what this is about
    EXPECT_TRUE(from.values().empty());
    message last;
    ASSERT_TRUE(last.reserve(2, 0));
    last = std::move(to);
    ASSERT_EQ(last.values().size(), 1U);
    EXPECT_EQ(last.values()[0].integer, 7);
}

TEST(message, that_cannot_be_made_is_empty) {
    message sent;
    ASSERT_TRUE(sent.reserve(1, 0));
    sent.add_nil();
    EXPECT_FALSE(sent.reserve(std::numeric_limits<std::size_t>::max() / 2, 0));
    EXPECT_TRUE(sent.values().empty());
    EXPECT_FALSE(sent.reserve(1, std::numeric_limits<std::size_t>::max() - 8));
    EXPECT_TRUE(sent.values().empty());
}

} // namespace
} // namespace coring::base
