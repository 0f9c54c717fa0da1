#include "io/recv_datagram.hpp"

#include "io/recv.hpp"

#include <algorithm>
#include <cerrno>

#include <sys/socket.h>

namespace coring::io {

namespace {

constexpr std::uint8_t most_asked = 64;

// Each wrong guess in a row doubles the number of reads until the next guess: where a peer
// waits for each answer, all of them would be wrong.
void judge(stream& from, bool was_there) noexcept {
    if (was_there) {
        from.misjudged = 1;
        return;
    }
    from.asked = from.misjudged;
    from.misjudged = static_cast<std::uint8_t>(std::min(2 * from.misjudged, int{most_asked}));
}

} // namespace

void recv_datagram_start(stream& from, op::operation& idle) noexcept {
    from.guessing = from.asked == 0;
    if (!from.guessing) {
        --from.asked;
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
        judge(from, code != EAGAIN);
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
