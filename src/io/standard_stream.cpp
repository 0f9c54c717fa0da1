#include "io/standard_stream.hpp"

#include "io/arrival.hpp"

#include <array>
#include <cstdio>
#include <utility>

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace coring::io {

namespace {

constexpr int standard_count = 3;

standard_kind kind_of_socket(int fd) noexcept {
    if (const auto found = recognize(fd); found) {
        return found->in == domain::local ? standard_kind::local_stream
                                          : standard_kind::ip_stream;
    }
    const auto found = recognize_datagram(fd);
    return found && found->in != domain::local ? standard_kind::datagram : standard_kind::none;
}

// Opening the master of a pseudo terminal makes another one.
bool is_master(int fd) noexcept {
    int number = 0;
    return ::ioctl(fd, TIOCGPTN, &number) == 0;
}

} // namespace

standard_kind kind_of_standard(int fd) noexcept {
    const int flags = ::fcntl(fd, F_GETFL);

    struct stat status {};

    if (flags < 0 || (flags & O_PATH) != 0 || ::fstat(fd, &status) != 0) {
        return standard_kind::none;
    }
    switch (status.st_mode & S_IFMT) {
    case S_IFCHR:
        return ::isatty(fd) == 1 ? standard_kind::terminal : standard_kind::file;
    case S_IFREG:
        return standard_kind::file;
    case S_IFIFO:
        return standard_kind::pipe;
    case S_IFSOCK:
        return kind_of_socket(fd);
    default:
        return standard_kind::none;
    }
}

base::result<base::unique_fd> duplicate_standard(int fd) noexcept {
    base::unique_fd made{::fcntl(fd, F_DUPFD_CLOEXEC, standard_count)};
    if (!made.valid()) {
        return base::failure{errno};
    }
    return made;
}

base::result<base::unique_fd> duplicate_terminal(int fd) noexcept {
    if (is_master(fd)) {
        return duplicate_standard(fd);
    }
    std::array<char, 32> path{};
    static_cast<void>(std::snprintf(path.data(), path.size(), "/proc/self/fd/%d", fd));
    const int mode = ::fcntl(fd, F_GETFL) & O_ACCMODE;
    base::unique_fd own{::open(path.data(), mode | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)};
    return own.get() >= standard_count ? base::result<base::unique_fd>{std::move(own)}
                                       : duplicate_standard(fd);
}

void adopt_plain(stream& closed, base::unique_fd fd) noexcept {
    const int mode = ::fcntl(fd.get(), F_GETFL) & O_ACCMODE;
    const bool is_pipe = kind_of_standard(fd.get()) == standard_kind::pipe;
    adopt_descriptor(closed, fd.release());
    closed.plain = true;
    closed.foreign = true;
    closed.unreadable = mode == O_WRONLY;
    closed.unwritable = mode == O_RDONLY;
    closed.quick_reads = is_pipe;
    closed.quick_writes = is_pipe;
}

void adopt_socket(stream& closed, base::unique_fd fd) noexcept {
    const bool share = closed.in == domain::share; // which only the object knows
    auto found = recognize(fd.get());
    if (!found) {
        found = recognize_datagram(fd.get());
    }
    if (!found) {
        return; // cannot be: it was one of these a moment ago
    }
    adopt_arrival(closed, fd.release(), *found);
    if (share) {
        closed.in = domain::share;
    }
}

void adopt_standard_file(file& closed, base::unique_fd fd) noexcept {
    const int flags = ::fcntl(fd.get(), F_GETFL);
    file_traits traits = look_closely(fd.get());
    traits.writable = (flags & O_ACCMODE) != O_RDONLY;
    traits.appends = (flags & O_APPEND) != 0;
    traits.synced = (flags & O_DSYNC) != 0;
    closed.foreign = true;
    adopt(closed, fd.release(), traits);
}

void hold_standard_places() noexcept {
    for (int place = 0; place < standard_count; ++place) {
        if (::fcntl(place, F_GETFD) >= 0) {
            continue;
        }
        // Neither reading nor writing such a one is possible.
        const int fd = ::open("/", O_PATH | O_CLOEXEC);
        if (fd >= 0 && fd != place) {
            static_cast<void>(::dup3(fd, place, O_CLOEXEC));
            ::close(fd);
        }
    }
}

} // namespace coring::io
