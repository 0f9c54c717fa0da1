#include "io/file_attributes.hpp"

#include "io/kernel_call.hpp"

#include <array>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace coring::io {

namespace {

int flags_of(links through) noexcept {
    return through == links::kept ? AT_SYMLINK_NOFOLLOW : 0;
}

} // namespace

int touch_call::run() const noexcept {
    const std::array<timespec, 2> times{access, modification};
    return kernel_call([this, &times] {
        return fd >= 0 ? ::futimens(fd, times.data())
                       : ::utimensat(AT_FDCWD, path, times.data(), flags_of(through));
    });
}

int own_call::run() const noexcept {
    return kernel_call([this] {
        return fd >= 0 ? ::fchown(fd, user, group)
                       : ::fchownat(AT_FDCWD, path, user, group, flags_of(through));
    });
}

int grant_call::run() const noexcept {
    return kernel_call(
        [this] { return fd >= 0 ? ::fchmod(fd, permissions) : ::chmod(path, permissions); });
}

} // namespace coring::io
