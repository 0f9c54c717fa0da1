#include "io/recv_share.hpp"

#include "base/errc.hpp"
#include "io/arrival.hpp"
#include "io/descriptor_inbox.hpp"
#include "io/recv.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include <sys/socket.h>
#include <unistd.h>

namespace coring::io {

namespace {

constexpr std::size_t most_descriptors = 253; // the kernel's SCM_MAX_FD: all that one call gets

// What came with one call, in order. Not cleared first: most calls bring none.
// NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init)
struct arrivals {
    std::array<int, most_descriptors> fds;
    std::size_t count = 0;

    // Takes those of one control message that are stream sockets, and closes the others.
    void add(const cmsghdr& header) noexcept {
        const std::size_t size = header.cmsg_len - CMSG_LEN(0);
        for (std::size_t at = 0; at + sizeof(int) <= size; at += sizeof(int)) {
            int fd = -1;
            std::memcpy(&fd, CMSG_DATA(&header) + at, sizeof fd);
            if (count < fds.size() && recognize(fd)) {
                fds[count++] = fd;
            } else {
                ::close(fd);
            }
        }
    }

    void add_all(msghdr& message) noexcept {
        for (cmsghdr* each = CMSG_FIRSTHDR(&message); each != nullptr;
             each = CMSG_NXTHDR(&message, each)) {
            if (each->cmsg_level == SOL_SOCKET && each->cmsg_type == SCM_RIGHTS) {
                add(*each);
            }
        }
    }
};

} // namespace

received recv_share_now(local_socket& from, std::span<char> into) noexcept {
    if (from.phase != stream_phase::connected) {
        return {-ENOTCONN, -1};
    }
    iovec part{into.data(), std::min(into.size(), most_received_at_once)};
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init): the kernel fills it
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int) * most_descriptors)> room;
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = room.data();
    message.msg_controllen = room.size();
    ssize_t count = -1;
    do {
        count = ::recvmsg(from.fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    } while (count < 0 && errno == EINTR);
    if (count < 0) {
        return {refused_receive(from, errno), -1};
    }
    arrivals came;
    came.add_all(message);
    // The kernel stops after descriptors, so with them there may be more; also when there was
    // no number left for any of them, and they are gone.
    const bool stopped_short =
        message.msg_controllen > 0 || (message.msg_flags & MSG_CTRUNC) != 0;
    if (!stopped_short && static_cast<std::size_t>(count) < part.iov_len) {
        from.drained();
    }
    if (came.count > 1) {
        keep_descriptors(from, std::span{came.fds}.subspan(1, came.count - 1));
    }
    const int fd = came.count > 0 ? came.fds[0] : -1;
    return {count == 0 ? -base::end_of_file : static_cast<int>(count), fd};
}

} // namespace coring::io
