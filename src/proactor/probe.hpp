// Asks this kernel, once per ring, whether it has what we use, and locks the ring down to that.
// Features and operation codes decide, never a version number.
#pragma once

#include "base/result.hpp"

#include <linux/io_uring.h>

namespace coring::proactor {

// Requires a disabled ring that was just set up. Fails with ENOSYS where something is missing.
[[nodiscard]] base::result<void> probe(int ring_fd, const io_uring_params& params) noexcept;

// Restricts the ring to the operations of this engine and enables it for the calling thread.
// A ring bypasses seccomp filters on the plain calls; this bounds what a stray entry could do.
[[nodiscard]] base::result<void> enable(int ring_fd) noexcept;

} // namespace coring::proactor
