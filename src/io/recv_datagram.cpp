#include "io/recv_datagram.hpp"

#include "io/recv.hpp"

#include <algorithm>
#include <cerrno>

#include <sys/socket.h>

namespace coring::io {

void recv_datagram_start(stream& from, op::operation& idle) noexcept {
    // Where a peer waits for each answer, all guesses would be wrong.
    from.guessing = !from.guesses.passes();
    if (!from.guessing) {
        recv_start(from, idle);
        return;
    }
    CORING_ASSERT(from.reader == nullptr);
    idle.target = &from;
    from.reader = &idle;
    idle.arm();
    from.on->settle(idle, 0);
}

received_datagram
recv_datagram_now(stream& from, std::span<char> into, ip_address* sender) noexcept {
    const std::size_t room = std::min(into.size(), most_received_at_once);
    ssize_t size = -1;
    do {
        // With MSG_TRUNC the answer is the size the datagram had, whatever the room.
        socklen_t name_room = ip_address::native_room;
        size = sender == nullptr
                   ? ::recv(from.fd, into.data(), room, MSG_DONTWAIT | MSG_TRUNC)
                   : ::recvfrom(from.fd, into.data(), room, MSG_DONTWAIT | MSG_TRUNC,
                                sender->native(), &name_room);
    } while (size < 0 && errno == EINTR);
    const int code = size < 0 ? errno : 0;
    if (from.guessing) {
        from.guessing = false;
        from.guesses.judge(code == EAGAIN);
    }
    if (code != 0) {
        // An error that the system has told is over, unlike the end of a stream.
        from.hung_up = false;
        if (code == EAGAIN) {
            from.drained();
        }
        return {-code, false};
    }
    const auto whole = static_cast<std::size_t>(size);
    return {static_cast<int>(std::min(whole, room)), whole > room};
}

} // namespace coring::io
