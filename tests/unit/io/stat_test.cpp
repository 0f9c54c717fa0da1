// Goal: what is in memory is answered without waiting, as a full call would answer it; what may
// not be is left to that. Method: both are asked about the same paths.
#include "io/stat.hpp"

#include <cerrno>
#include <cstring>

#include <gtest/gtest.h>

namespace {

using namespace coring;

io::stat_call about(const char* path) {
    io::stat_call call;
    call.path = path;
    call.wants_status = true;
    return call;
}

TEST(stat_test, an_attempt_tells_what_a_full_call_tells) {
    io::stat_call full = about("/");
    full.wants_system = true;
    ASSERT_EQ(full.run(), 0);
    io::stat_call attempt = about("/");
    attempt.wants_system = true;
    const int answer = attempt.attempt();
    if (answer == -EAGAIN) {
        GTEST_SKIP() << "the root is on a file system that is not known to be local";
    }
    ASSERT_EQ(answer, 0);
    EXPECT_EQ(attempt.status.stx_ino, full.status.stx_ino);
    EXPECT_EQ(attempt.status.stx_mode, full.status.stx_mode);
    EXPECT_EQ(attempt.status.stx_btime.tv_sec, full.status.stx_btime.tv_sec);
    EXPECT_EQ(attempt.system.f_type, full.system.f_type);
    EXPECT_EQ(attempt.system.f_blocks, full.system.f_blocks);
}

TEST(stat_test, there_is_no_attempt_for_texts_nor_for_two_files_at_once) {
    io::stat_call real = about("/");
    ASSERT_EQ(real.run(), 0);
    real.wants_real = true;
    EXPECT_EQ(real.attempt(), -EAGAIN);
    io::stat_call two = about("/proc/self");
    two.wants_system = true;
    two.through = io::links::kept;
    EXPECT_EQ(two.attempt(), -EAGAIN);
    ASSERT_EQ(two.run(), 0);
    EXPECT_TRUE(S_ISLNK(two.status.stx_mode));
}

TEST(stat_test, a_file_system_that_is_not_known_to_be_local_is_not_attempted) {
    io::stat_call call = about("/proc/version");
    ASSERT_EQ(call.run(), 0);
    EXPECT_EQ(call.attempt(), -EAGAIN);
}

TEST(stat_test, answers_come_in_order_and_end_with_the_first_failure) {
    io::stat_call call = about("/proc/self/cwd/none");
    call.wants_link = true;
    ASSERT_TRUE(call.own_texts());
    EXPECT_EQ(call.run(), -ENOENT);
    call.path = "/proc/self";
    call.wants_real = true;
    ASSERT_EQ(call.run(), 0);
    EXPECT_TRUE(call.is_link);
    EXPECT_EQ(std::strncmp(call.texts->real.data(), "/proc/", 6), 0);
    EXPECT_STREQ(call.texts->real.data() + 6, call.texts->link.data());
    call.release();
    EXPECT_EQ(call.texts, nullptr);
}

} // namespace
