// Goal: what is in vain is tried ever less often, but never given up, and at once again when it
// was not in vain.
#include "io/back_off.hpp"

#include <gtest/gtest.h>

namespace {

using coring::io::back_off;

// How many chances pass before the next try.
int passing(back_off& of) {
    int count = 0;
    while (of.passes()) {
        ++count;
    }
    return count;
}

TEST(back_off, begins_with_a_try_unless_told_otherwise) {
    back_off first;
    EXPECT_EQ(passing(first), 0);
    back_off second{1};
    EXPECT_EQ(passing(second), 1);
}

TEST(back_off, each_try_in_vain_doubles_the_pause_up_to_the_longest) {
    back_off of;
    for (const int expected : {1, 2, 4, 8, 16, 32, 64, 64, 64}) {
        of.judge(true);
        EXPECT_EQ(passing(of), expected);
    }
}

TEST(back_off, a_try_that_was_not_in_vain_ends_the_pauses) {
    back_off of;
    for (int tries = 0; tries < 5; ++tries) {
        of.judge(true);
        passing(of);
    }
    of.judge(false);
    EXPECT_EQ(passing(of), 0);
    of.judge(true);
    EXPECT_EQ(passing(of), 1);
}

} // namespace
