#include "io/connect_now.hpp"

#include <cerrno>

#include <fcntl.h>

namespace coring::io {

int connect_without_waiting(int fd, const sockaddr* to, socklen_t size) noexcept {
    const int flags = ::fcntl(fd, F_GETFL);
    if (flags < 0 || ::fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0) {
        return errno;
    }
    int failed = ::connect(fd, to, size) == 0 ? 0 : errno;
    if (failed == ECONNABORTED) {
        // The end of an earlier attempt, told once more: only now is the socket free for
        // another.
        failed = ::connect(fd, to, size) == 0 ? 0 : errno;
    }
    static_cast<void>(::fcntl(fd, F_SETFL, flags));
    return failed == EINTR ? EINPROGRESS : failed;
}

} // namespace coring::io
