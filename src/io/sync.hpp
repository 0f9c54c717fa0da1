// The verbs behind file:flush and file:resize. (Manual: file:flush, file:resize. Kernel:
// IORING_OP_FSYNC, or fsync(2), fdatasync(2) on a worker; ftruncate(2) on a worker.)
#pragma once

#include "io/file_work.hpp"

#include <cstdint>

namespace coring::io {

// Zero, or a negative errno.
[[nodiscard]] int flush_blocking(const file& of, bool data_only) noexcept;
[[nodiscard]] int resize_blocking(const file& of, std::int64_t size) noexcept;

// Begins after what was written by position before, and delays nothing that comes after it.
// Null when memory is short.
[[nodiscard]] file_work* make_flush(file& of, bool data_only) noexcept;

// Takes its turn among what goes by position. Null when memory is short.
[[nodiscard]] file_work* make_resize(file& of, std::int64_t size) noexcept;

} // namespace coring::io
