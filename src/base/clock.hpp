// The monotonic clock, behind one call so that a test can drive the whole loop with virtual
// time.
#pragma once

#include <cstdint>

namespace coring::base {

constexpr std::uint64_t ns_per_ms = 1'000'000;
constexpr std::uint64_t ns_per_s = 1'000'000'000;

// Nanoseconds of CLOCK_MONOTONIC, always current (clock_gettime(2)).
[[nodiscard]] std::uint64_t monotonic_ns() noexcept;

// Microseconds since the Epoch, of CLOCK_REALTIME.
[[nodiscard]] std::uint64_t epoch_us() noexcept;

// Where a loop reads the time. Requires that readings never decrease.
class clock_source {
public:
    clock_source() noexcept = default;
    clock_source(const clock_source&) = delete;
    clock_source& operator=(const clock_source&) = delete;
    clock_source(clock_source&&) = delete;
    clock_source& operator=(clock_source&&) = delete;
    virtual ~clock_source() = default;
    [[nodiscard]] virtual std::uint64_t now_ns() noexcept = 0;
};

// The clock of the system.
class system_clock final : public clock_source {
public:
    [[nodiscard]] std::uint64_t now_ns() noexcept override { return monotonic_ns(); }
};

} // namespace coring::base
