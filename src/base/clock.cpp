#include "base/clock.hpp"

#include <time.h>

namespace coring::base {

namespace {

std::uint64_t read_ns(clockid_t clock) noexcept {
    timespec now{};
    ::clock_gettime(clock, &now); // fails only for clocks that do not exist
    return static_cast<std::uint64_t>(now.tv_sec) * ns_per_s +
           static_cast<std::uint64_t>(now.tv_nsec);
}

} // namespace

std::uint64_t monotonic_ns() noexcept {
    return read_ns(CLOCK_MONOTONIC);
}

std::uint64_t epoch_us() noexcept {
    return read_ns(CLOCK_REALTIME) / 1000;
}

} // namespace coring::base
