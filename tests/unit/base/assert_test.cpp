// Goal: a broken invariant ends the process, in every build, and says what and where.
// Method: death tests.
#include "base/assert.hpp"

#include <gtest/gtest.h>

namespace {

TEST(assert_death_test, a_condition_that_does_not_hold_ends_the_process_with_its_text) {
    const int one = 1;
    EXPECT_DEATH(CORING_ASSERT(one == 2), "assert_test.cpp:[0-9]+: assertion failed: one == 2");
}

TEST(assert_test, a_condition_that_holds_is_evaluated_once) {
    int calls = 0;
    CORING_ASSERT(++calls == 1);
    EXPECT_EQ(calls, 1);
}

TEST(assert_test, it_is_an_expression) {
    const bool ready = true;
    const int value = (CORING_ASSERT(ready), 7);
    EXPECT_EQ(value, 7);
}

} // namespace
