#include "io/sleep.hpp"

#include "op/operation_type.hpp"

#include <cerrno>

#include <time.h>

namespace coring::io {

const op::operation_type sleep_type = {
    .name = "suspend",
    .on_leave = op::departure::drop,
    .delivered_in = op::phase::events,
    .side = op::direction::none,
    .prepare = nullptr,
    .attempt = nullptr,
    .finish = nullptr,
    .take_over = nullptr,
    .release = nullptr,
};

void sleep_start(loop::loop& on, op::operation& idle, std::uint64_t deadline_ns) noexcept {
    on.start_timer(idle, deadline_ns);
}

void pause_start(loop::loop& on, op::operation& idle) noexcept {
    on.start_zero(idle);
}

void sleep_blocking(std::uint64_t duration_ns) noexcept {
    timespec rest{};
    rest.tv_sec = static_cast<time_t>(duration_ns / base::ns_per_s);
    rest.tv_nsec = static_cast<long>(duration_ns % base::ns_per_s);
    while (::clock_nanosleep(CLOCK_MONOTONIC, 0, &rest, &rest) == EINTR) {
    }
}

} // namespace coring::io
