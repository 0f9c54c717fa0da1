// The one who notices that all workers of a lane are stuck.
#pragma once

#include "threadpool/lane.hpp"

#include <span>

namespace coring::threadpool {

// Workers that hang cannot notice it, and the loops should not have to: a thread of its own
// looks at the lanes every 10 ms while jobs wait, and sleeps otherwise. It starts with the
// first alert. Any thread may call. Once alerted it must never be destroyed, nor the lanes.
class supervisor {
public:
    static constexpr std::uint64_t period_ns = 10 * base::ns_per_ms;

    explicit supervisor(std::span<lane> lanes) noexcept : lanes_{lanes} {}

    // Says that jobs wait in some lane. Requires that the caller has left the lane's mutex.
    void alert() noexcept CORING_EXCLUDES(mutex_);

private:
    static void watch(worker& self) noexcept;

    void wait_for_alert() noexcept CORING_EXCLUDES(mutex_);
    void end_alert() noexcept CORING_EXCLUDES(mutex_);
    [[nodiscard]] pressure for_all(pressure (lane::*look)() noexcept) noexcept;

    std::span<lane> lanes_;
    mutex mutex_;
    condition alerted_changed_;
    bool alerted_ CORING_GUARDED_BY(mutex_) = false;
    bool started_ CORING_GUARDED_BY(mutex_) = false;
    worker thread_{watch, this, "coring-relief"};
};

} // namespace coring::threadpool
