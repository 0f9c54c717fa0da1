// Reading and writing files that flow: FIFOs, terminals, devices that can be polled. Nothing is
// taken from them, and nobody is kept by them, before they are ready.
// (Manual: file:read, file:write. Kernel: preadv2(2) and pwritev2(2) with RWF_NOWAIT, and
// poll.)
#pragma once

#include "io/file.hpp"
#include "io/file_attempt.hpp"

#include <cstdint>
#include <span>
#include <string_view>

namespace coring::io {

extern const op::operation_type flow_read_type;
extern const op::operation_type flow_write_type;

// Waits until there is something to read; the continuation then calls flow_read_now(), and
// flow_read_again() if somebody else was faster.
void flow_read_start(file& from, op::operation& idle) noexcept;
void flow_read_again(op::operation& delivering) noexcept;

// A count, 0 at the end, or a negative errno.
[[nodiscard]] int flow_read_now(file& from, std::span<char> into) noexcept;

// Starts a write of all the bytes, which are copied if they have to wait. The result is the
// count, at most most_at_once. Zero; or ENOMEM, when nothing was started and the record is
// still idle.
[[nodiscard]] int
flow_write_start(file& to, op::operation& idle, std::string_view bytes) noexcept;

} // namespace coring::io
