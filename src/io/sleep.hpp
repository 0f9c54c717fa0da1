// The verb behind system.suspend: a deadline, or the next turn.
// (Manual: system.suspend.)
#pragma once

#include "loop/loop.hpp"

namespace coring::io {

extern const op::operation_type sleep_type;

// Sleeps until the loop's clock reaches `deadline_ns`; a deadline that has passed is due in the
// next turn. Requires loop.reserve_timer().
void sleep_start(loop::loop& on, op::operation& idle, std::uint64_t deadline_ns) noexcept;

// Lets one turn pass (a zero suspension).
void pause_start(loop::loop& on, op::operation& idle) noexcept;

// Blocks the calling thread, whatever signals come.
void sleep_blocking(std::uint64_t duration_ns) noexcept;

} // namespace coring::io
