// Goal: time never runs backwards and both clocks tell what the system's own calls tell.
// Method: read between two readings of the system, which must enclose ours.
#include "base/clock.hpp"

#include <chrono>

#include <gtest/gtest.h>

namespace {

using namespace coring::base;

std::uint64_t steady_ns() {
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    return static_cast<std::uint64_t>(std::chrono::nanoseconds{now}.count());
}

TEST(clock, monotonic_time_is_that_of_the_system) {
    const std::uint64_t before = steady_ns();
    const std::uint64_t read = monotonic_ns();
    EXPECT_LE(before, read);
    EXPECT_LE(read, steady_ns());
}

TEST(clock, monotonic_time_never_decreases) {
    std::uint64_t last = monotonic_ns();
    for (int at = 0; at < 10'000; ++at) {
        const std::uint64_t now = monotonic_ns();
        ASSERT_LE(last, now);
        last = now;
    }
}

TEST(clock, epoch_time_is_that_of_the_system) {
    const auto seconds = [] {
        const auto now = std::chrono::system_clock::now().time_since_epoch();
        return std::chrono::duration_cast<std::chrono::seconds>(now).count();
    };
    const auto before = seconds();
    const auto read = static_cast<std::int64_t>(epoch_us() / 1'000'000);
    EXPECT_LE(before, read);
    EXPECT_LE(read, seconds());
}

TEST(clock, the_clock_of_the_system_reads_monotonic_time) {
    system_clock clock;
    clock_source& source = clock;
    const std::uint64_t before = monotonic_ns();
    const std::uint64_t read = source.now_ns();
    EXPECT_LE(before, read);
    EXPECT_LE(read, monotonic_ns());
}

} // namespace
