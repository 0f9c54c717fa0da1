#include "threadpool/supervisor.hpp"

namespace coring::threadpool {

namespace {

void sleep_ns(std::uint64_t ns) noexcept {
    const timespec time{static_cast<time_t>(ns / base::ns_per_s),
                        static_cast<long>(ns % base::ns_per_s)};
    static_cast<void>(::nanosleep(&time, nullptr)); // a shorter period does no harm
}

} // namespace

void supervisor::alert() noexcept {
    const lock guard{mutex_};
    if (alerted_) {
        return;
    }
    // If the thread cannot start, jobs wait for the workers there are; the next alert tries
    // again.
    started_ = started_ || start(thread_, small_stack).has_value();
    if (started_) {
        alerted_ = true;
        alerted_changed_.wake_one();
    }
}

void supervisor::watch(worker& self) noexcept {
    auto& of = *static_cast<supervisor*>(self.owner);
    for (;;) {
        of.wait_for_alert();
        pressure found = of.for_all(&lane::begin_watch);
        while (found == pressure::pressed) {
            sleep_ns(period_ns);
            found = of.for_all(&lane::relieve);
        }
        of.end_alert();
        // An alert that came before that was swallowed, but its job is in the lane by now.
        if (of.for_all(&lane::begin_watch) == pressure::pressed) {
            of.alert();
        }
    }
}

void supervisor::wait_for_alert() noexcept {
    const lock guard{mutex_};
    while (!alerted_) {
        static_cast<void>(alerted_changed_.wait(mutex_, condition::never));
    }
}

void supervisor::end_alert() noexcept {
    const lock guard{mutex_};
    alerted_ = false;
}

pressure supervisor::for_all(pressure (lane::*look)() noexcept) noexcept {
    pressure found = pressure::calm;
    for (lane& each : lanes_) {
        if ((each.*look)() == pressure::pressed) {
            found = pressure::pressed;
        }
    }
    return found;
}

} // namespace coring::threadpool
