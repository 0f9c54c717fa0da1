#include "io/stat.hpp"

#include "base/unique_fd.hpp"
#include "io/file_kind.hpp"
#include "io/kernel_call.hpp"

#include <cstdlib>
#include <new>

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace coring::io {

namespace {

constexpr unsigned status_fields = STATX_BASIC_STATS | STATX_BTIME;

int path_flags(links through) noexcept {
    return O_PATH | O_CLOEXEC | (through == links::kept ? O_NOFOLLOW : 0);
}

// What a lookup among cached names may say that a full one would say too.
bool is_final(int code) noexcept {
    switch (code) {
    case ENOENT:
    case ENOTDIR:
    case EACCES:
    case ELOOP:
    case ENAMETOOLONG:
        return true;
    default:
        return false;
    }
}

// The path as a descriptor, if every name of it is cached; -EAGAIN if not, or if this kernel,
// a sandbox or the limit of descriptors is against it.
int open_cached(const char* path, links through) noexcept {
    open_how how{};
    how.flags = static_cast<unsigned>(path_flags(through));
    how.resolve = RESOLVE_CACHED;
    const long opened =
        kernel_call([&] { return ::syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof how); });
    if (opened >= 0 || is_final(static_cast<int>(-opened))) {
        return static_cast<int>(opened);
    }
    return -EAGAIN;
}

} // namespace

bool stat_call::own_texts() noexcept {
    texts = new (std::nothrow) stat_texts;
    owns_texts = texts != nullptr;
    return owns_texts;
}

void stat_call::release() noexcept {
    if (owns_texts) {
        delete texts;
        texts = nullptr;
        owns_texts = false;
    }
}

// --- asking, however long it takes ----------------------------------------------------------

int stat_call::run_status() noexcept {
    const int failed = kernel_call([this] {
        return fd >= 0
                   ? ::statx(fd, "", AT_EMPTY_PATH, status_fields, &status)
                   : ::statx(AT_FDCWD, path, through == links::kept ? AT_SYMLINK_NOFOLLOW : 0,
                             status_fields, &status);
    });
    if (failed == 0 && !known_device(status.stx_dev_major, status.stx_dev_minor).known) {
        learn();
    }
    return failed;
}

// Looks the path up again, and learns about what it finds: another file now, perhaps.
void stat_call::learn() const noexcept {
    if (fd >= 0) {
        learn_device_of(fd);
        return;
    }
    const int opened = kernel_call([this] { return ::open(path, path_flags(through)); });
    if (opened >= 0) {
        learn_device_of(base::unique_fd{opened}.get());
    }
}

int stat_call::run_system() noexcept {
    return kernel_call(
        [this] { return fd >= 0 ? ::fstatfs(fd, &system) : ::statfs(path, &system); });
}

int stat_call::run_real() noexcept {
    return ::realpath(path, texts->real.data()) == nullptr ? -errno : 0;
}

int stat_call::run_link() noexcept {
    const ssize_t size =
        kernel_call([this] { return ::readlink(path, texts->link.data(), PATH_MAX); });
    if (size == -EINVAL) {
        return 0; // not a link, which is an answer
    }
    if (size < 0) {
        return static_cast<int>(size);
    }
    texts->link[static_cast<std::size_t>(size)] = '\0';
    is_link = true;
    return 0;
}

int stat_call::run() noexcept {
    int failed = wants_status ? run_status() : 0;
    if (failed == 0 && wants_system) {
        failed = run_system();
    }
    if (failed == 0 && wants_real) {
        failed = run_real();
    }
    if (failed == 0 && wants_link) {
        failed = run_link();
    }
    return failed;
}

// --- asking what is in memory ---------------------------------------------------------------

// If nothing is known, the first question is put to nobody but the kernel. On local file
// systems the answer is the one that everybody gets; but the number of a device that is none
// (0) may have gone from one of them to a file system with a server, so these are asked
// properly.
int stat_call::attempt_on(int at) noexcept {
    constexpr int from_memory = AT_EMPTY_PATH | AT_STATX_DONT_SYNC;
    if (!is_local && (::statx(at, "", from_memory, status_fields, &status) != 0 ||
                      !known_device(status.stx_dev_major, status.stx_dev_minor).local)) {
        return -EAGAIN;
    }
    if ((is_local || status.stx_dev_major == 0) &&
        ::statx(at, "", AT_EMPTY_PATH, status_fields, &status) != 0) {
        return -EAGAIN;
    }
    return wants_system && ::fstatfs(at, &system) != 0 ? -EAGAIN : 0;
}

int stat_call::attempt() noexcept {
    if (wants_texts()) {
        return -EAGAIN;
    }
    if (fd >= 0) {
        return attempt_on(fd);
    }
    if (wants_system && through == links::kept) {
        return -EAGAIN; // these may be two files
    }
    const int opened = open_cached(path, through);
    if (opened < 0) {
        return opened;
    }
    const base::unique_fd at{opened};
    return attempt_on(at.get());
}

} // namespace coring::io
