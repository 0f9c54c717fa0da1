#include "io/flow_now.hpp"

#include "io/pipe_signal.hpp"

#include <algorithm>
#include <climits>

#include <poll.h>
#include <sys/uio.h>
#include <unistd.h>

namespace coring::io {

namespace {

bool is_ready(int fd, short events) noexcept {
    pollfd asked{fd, events, 0};
    return ::poll(&asked, 1, 0) > 0;
}

// Terminals have no writes that do not wait. Once one is ready it takes a piece of this size,
// or does so before long.
ssize_t write_ready(int fd, std::string_view bytes) noexcept {
    if (!is_ready(fd, POLLOUT)) {
        errno = EAGAIN;
        return -1;
    }
    return ::write(fd, bytes.data(), std::min(bytes.size(), std::size_t{PIPE_BUF}));
}

ssize_t write_piece(int fd, bool& quick, std::string_view bytes) noexcept {
    if (quick) {
        const iovec place{const_cast<char*>(bytes.data()), bytes.size()};
        const ssize_t count = ::pwritev2(fd, &place, 1, -1, RWF_NOWAIT);
        if (count >= 0 || errno != EOPNOTSUPP) {
            return count;
        }
        quick = false;
    }
    return write_ready(fd, bytes);
}

} // namespace

int read_flowing(int fd, bool& quick, std::span<char> into) noexcept {
    const iovec place{into.data(), std::min(into.size(), most_at_once)};
    ssize_t count = -1;
    do {
        if (quick) {
            count = ::preadv2(fd, &place, 1, -1, RWF_NOWAIT);
            quick = count >= 0 || errno != EOPNOTSUPP;
        }
        if (!quick) {
            // A terminal: whoever else reads it may be faster even now, which is rare.
            errno = EAGAIN;
            count = is_ready(fd, POLLIN) ? ::preadv2(fd, &place, 1, -1, 0) : -1;
        }
    } while (count < 0 && errno == EINTR);
    return count < 0 ? -errno : static_cast<int>(count);
}

file_attempt write_flowing(int fd, bool& quick, std::string_view bytes) noexcept {
    const no_pipe_signal quiet;
    file_attempt made;
    while (made.count < bytes.size()) {
        const ssize_t count = write_piece(fd, quick, bytes.substr(made.count));
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count <= 0) {
            made.failed = count < 0 ? errno : EAGAIN;
            break;
        }
        made.count += static_cast<std::size_t>(count);
    }
    return made;
}

} // namespace coring::io
