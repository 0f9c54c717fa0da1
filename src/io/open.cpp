#include "io/open.hpp"

#include "op/operation_type.hpp"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace coring::io {

namespace {

// RESOLVE_CACHED and openat2 are missing in older kernels and may be refused: then a worker
// opens everything.
int open_if_cached(const char* path, int flags) noexcept {
    open_how how{};
    how.flags = static_cast<unsigned>(flags);
    how.resolve = RESOLVE_CACHED;
    const long fd = ::syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof how);
    if (fd >= 0) {
        return static_cast<int>(fd);
    }
    const bool unknown = errno == ENOSYS || errno == EINVAL || errno == EPERM || errno == E2BIG;
    return unknown ? -EAGAIN : -errno;
}

bool is_plain(mode_t mode) noexcept {
    return S_ISREG(mode) || S_ISDIR(mode);
}

// Looks at the file without opening it: opening a FIFO or a device means something to others
// even if it does not block. What is not plain, or not on a file system known to be local, is
// for a worker. Zero, or a negative errno.
int look_at(const char* path, file_traits& found) noexcept {
    const base::unique_fd place{open_if_cached(path, O_PATH | O_CLOEXEC)};
    if (!place.valid()) {
        return place.get();
    }

    struct statx status {};

    if (::statx(place.get(), "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_TYPE, &status) !=
        0) {
        return -EAGAIN;
    }
    const known_file_system system = known_device(status.stx_dev_major, status.stx_dev_minor);
    if (!system.local || !is_plain(status.stx_mode)) {
        return -EAGAIN;
    }
    found.local = true;
    found.in_memory = system.in_memory && S_ISREG(status.stx_mode);
    return 0;
}

void set_modes(file_traits& traits, int flags) noexcept {
    traits.writable = (flags & O_ACCMODE) != O_RDONLY;
    traits.appends = (flags & O_APPEND) != 0;
    traits.synced = (flags & O_DSYNC) != 0;
}

void release_settled(op::operation& done) noexcept {
    if (done.data != nullptr) {
        ::close(take_opened(done));
    }
}

char settled_mark; // its address says that the result is a descriptor nobody has taken

int run_open(call_job& job) noexcept {
    auto& self = static_cast<open_job&>(job);
    self.opened = open_blocking(self.asked);
    return self.opened.fd;
}

void destroy_open(call_job& job) noexcept {
    auto& self = static_cast<open_job&>(job);
    if (self.opened.fd >= 0) {
        ::close(self.opened.fd);
    }
    std::free(&self); // plain data, with the path behind it
}

} // namespace

const op::operation_type open_type = {
    .name = "openfile",
    .on_leave = op::departure::drop,
    .delivered_in = op::phase::events,
    .side = op::direction::none,
    .prepare = nullptr,
    .attempt = nullptr,
    .finish = nullptr,
    .take_over = nullptr,
    .release = release_settled,
};

opened_file open_blocking(const open_request& asked) noexcept {
    int fd = -1;
    do {
        fd = ::open(asked.path, asked.flags, asked.mode);
    } while (fd < 0 && errno == EINTR);
    if (fd < 0) {
        return {-errno, {}};
    }
    opened_file opened{fd, look_closely(fd)};
    set_modes(opened.traits, asked.flags);
    return opened;
}

opened_file open_cached(const open_request& asked) noexcept {
    constexpr int changes = O_CREAT | O_TRUNC;
    opened_file opened{-EAGAIN, {}};
    if ((asked.flags & changes) != 0) {
        return opened;
    }
    if (const int failed = look_at(asked.path, opened.traits); failed != 0) {
        opened.fd = failed;
        return opened;
    }
    base::unique_fd made{open_if_cached(asked.path, asked.flags | O_NONBLOCK)};

    struct stat status {};

    if (!made.valid()) {
        opened.fd = made.get();
        return opened;
    }
    // Somebody may have put a FIFO in its place meanwhile. The flag only kept the open from
    // waiting, and would be seen by whoever inherits the file.
    if (::fstat(made.get(), &status) != 0 || !is_plain(status.st_mode) ||
        ::fcntl(made.get(), F_SETFL, asked.flags) != 0) {
        return opened;
    }
    set_modes(opened.traits, asked.flags);
    opened.fd = made.release();
    return opened;
}

void open_settle(loop::loop& on, op::operation& idle, const opened_file& opened) noexcept {
    idle.data = opened.fd >= 0 ? &settled_mark : nullptr;
    idle.arm();
    on.settle(idle, opened.fd);
}

int take_opened(op::operation& delivered) noexcept {
    delivered.data = nullptr;
    return delivered.result;
}

open_job::open_job(loop::loop& on, const open_request& of) noexcept
    : call_job{on, run_open, destroy_open}, asked{of} {}

open_job* open_job::make(loop::loop& on, const open_request& asked) noexcept {
    const std::size_t size = std::strlen(asked.path) + 1;
    void* block = std::malloc(sizeof(open_job) + size);
    if (block == nullptr) {
        return nullptr;
    }
    char* path = static_cast<char*>(block) + sizeof(open_job);
    std::memcpy(path, asked.path, size);
    return new (block) open_job{on, {path, asked.flags, asked.mode}};
}

int open_job::take() noexcept {
    return std::exchange(opened.fd, -1);
}

} // namespace coring::io
