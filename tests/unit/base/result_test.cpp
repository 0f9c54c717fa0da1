// Goal: a result is a value or a code, never both, and asking for the wrong one is a bug.
// Method: one of each kind, moves, and death tests.
#include "base/result.hpp"
#include "base/unique_fd.hpp"

#include <cerrno>

#include <gtest/gtest.h>
#include <unistd.h>

namespace {

using coring::base::failure;
using coring::base::result;
using coring::base::unique_fd;

TEST(result, a_value_is_no_failure) {
    result<int> seven = 7;
    ASSERT_TRUE(seven);
    EXPECT_TRUE(seven.has_value());
    EXPECT_EQ(seven.value(), 7);
}

TEST(result, a_failure_carries_its_code) {
    const result<int> full = failure{ENOSPC};
    ASSERT_FALSE(full);
    EXPECT_EQ(full.error(), ENOSPC);
}

TEST(result, nothing_can_be_a_value_too) {
    EXPECT_TRUE(result<void>{});
    const result<void> refused = failure{EPERM};
    EXPECT_FALSE(refused);
    EXPECT_EQ(refused.error(), EPERM);
}

TEST(result, a_value_that_only_moves_can_be_moved_out) {
    const int number = ::dup(STDERR_FILENO);
    ASSERT_GE(number, 0);
    result<unique_fd> got = unique_fd{number};
    ASSERT_TRUE(got);
    const unique_fd taken = std::move(got.value());
    EXPECT_EQ(taken.get(), number);
    EXPECT_FALSE(got.value().valid());
}

TEST(result_death, asking_for_what_is_not_there_aborts) {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    result<int> failed = failure{EIO};
    result<int> good = 1;
    EXPECT_DEATH(static_cast<void>(failed.value()), "assertion failed");
    EXPECT_DEATH(static_cast<void>(good.error()), "assertion failed");
    EXPECT_DEATH(static_cast<void>(result<int>{failure{0}}), "assertion failed");
}

} // namespace
