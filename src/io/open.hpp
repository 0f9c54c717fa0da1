// The verb behind openfile. (Manual: system.openfile. Kernel: openat2(2) of what the caches
// know, else open(2) on a worker.)
#pragma once

#include "io/call.hpp"
#include "io/file.hpp"

namespace coring::io {

struct open_request {
    const char* path;
    int flags;   // of open(2)
    mode_t mode; // of a file that is made
};

// A descriptor nobody has taken yet, and what it is. A negative number is an errno.
struct opened_file {
    int fd;
    file_traits traits;
};

// open(2), however long it takes.
[[nodiscard]] opened_file open_blocking(const open_request& asked) noexcept;

// Opens a file whose path is in the caches of the kernel, on a file system whose open does not
// wait. -EAGAIN: only a worker can tell.
[[nodiscard]] opened_file open_cached(const open_request& asked) noexcept;

// The answer of open_cached() is delivered by a later turn. Until the waiter takes it, a
// descriptor is the operation's.
void open_settle(loop::loop& on, op::operation& idle, const opened_file& opened) noexcept;

// The descriptor of a settled open; the caller closes it.
[[nodiscard]] int take_opened(op::operation& delivered) noexcept;

extern const op::operation_type open_type;

// For a worker.
struct open_job : call_job {
    open_request asked;
    opened_file opened{-1, {}};

    // Owns a copy of the path. Null when memory is short.
    [[nodiscard]] static open_job* make(loop::loop& on, const open_request& asked) noexcept;

    // The descriptor; the caller closes it.
    [[nodiscard]] int take() noexcept;

private:
    open_job(loop::loop& on, const open_request& of) noexcept;
};

} // namespace coring::io
