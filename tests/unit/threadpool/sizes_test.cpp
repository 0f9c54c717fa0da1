// Goal: the environment sizes the lanes, within limits.
// Method: texts for the parser; for the variables, this process's own environment.
#include "threadpool/sizes.hpp"

#include <cstdlib>

#include <gtest/gtest.h>

namespace {

using coring::threadpool::parse_size;
using coring::threadpool::pool_sizes;
using coring::threadpool::read_sizes;

TEST(sizes, a_number_is_taken_as_it_is) {
    EXPECT_EQ(parse_size("1", 4), 1u);
    EXPECT_EQ(parse_size("17", 4), 17u);
    EXPECT_EQ(parse_size("1024", 4), 1024u);
}

TEST(sizes, a_number_out_of_range_is_clamped) {
    EXPECT_EQ(parse_size("0", 4), 1u);
    EXPECT_EQ(parse_size("-3", 4), 1u);
    EXPECT_EQ(parse_size("1025", 4), 1024u);
    EXPECT_EQ(parse_size("99999999999999999999999", 4), 1024u);
    EXPECT_EQ(parse_size("-99999999999999999999999", 4), 1u);
}

TEST(sizes, what_follows_the_number_is_ignored) {
    EXPECT_EQ(parse_size(" 12 threads", 4), 12u);
}

TEST(sizes, what_is_no_number_counts_as_absent) {
    EXPECT_EQ(parse_size(nullptr, 4), 4u);
    EXPECT_EQ(parse_size("", 4), 4u);
    EXPECT_EQ(parse_size("many", 8), 8u);
}

TEST(sizes, each_lane_has_its_variable) {
    ::setenv("UV_THREADPOOL_SIZE", "2", 1);
    ::setenv("COUTIL_NAME_THREADS", "3", 1);
    ::unsetenv("COUTIL_FILE_THREADS");
    const pool_sizes sizes = read_sizes();
    EXPECT_EQ(sizes.states, 2u);
    EXPECT_EQ(sizes.names, 3u);
    EXPECT_EQ(sizes.files, 4u);
    ::unsetenv("UV_THREADPOOL_SIZE");
    ::unsetenv("COUTIL_NAME_THREADS");
}

} // namespace
