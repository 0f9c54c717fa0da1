#include "io/make_temp.hpp"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace coring::io {

int make_temp_call::run() noexcept {
    constexpr std::array<char, 7> pattern{"XXXXXX"};
    const std::size_t size = std::strlen(path);
    std::memcpy(name.data(), path, size);
    std::memcpy(name.data() + size, pattern.data(), pattern.size());

    struct stat status {};

    if (kind == temporary_kind::directory) {
        if (::mkdtemp(name.data()) == nullptr) {
            return -errno;
        }
        made_ = ::lstat(name.data(), &status) == 0;
    } else {
        const int opened = ::mkostemp(name.data(), O_CLOEXEC);
        if (opened < 0) {
            return -errno;
        }
        made_ = ::fstat(opened, &status) == 0;
        if (kind == temporary_kind::open_file) {
            fd = opened;
            traits = look_closely(fd);
        } else {
            ::close(opened);
        }
    }
    device_ = status.st_dev;
    inode_ = status.st_ino;
    return 0;
}

int make_temp_call::take() noexcept {
    made_ = false;
    return std::exchange(fd, -1);
}

// The current directory, or the name, may mean something else by now.
bool make_temp_call::still_there() const noexcept {
    struct stat status {};

    return ::lstat(name.data(), &status) == 0 && status.st_dev == device_ &&
           status.st_ino == inode_;
}

void make_temp_call::release() noexcept {
    if (made_ && still_there()) {
        static_cast<void>(kind == temporary_kind::directory ? ::rmdir(name.data())
                                                            : ::unlink(name.data()));
    }
    made_ = false;
    if (fd >= 0) {
        ::close(fd);
        fd = -1;
    }
}

} // namespace coring::io
