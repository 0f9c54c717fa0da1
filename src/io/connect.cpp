#include "io/connect.hpp"

#include "io/connect_now.hpp"
#include "op/operation_type.hpp"
#include "proactor/submission.hpp"

#include <cerrno>

#include <poll.h>
#include <sys/socket.h>

namespace coring::io {

namespace {

stream& stream_of(op::operation& attempt) noexcept {
    return static_cast<stream&>(*attempt.target);
}

void prepare(op::operation& connecting, proactor::submission& entry) noexcept {
    entry.poll(connecting.target->fd, POLLOUT);
}

// Zero once connected, EINPROGRESS while the system still tries, else why it failed.
int outcome(int fd) noexcept {
    int failed = 0;
    socklen_t size = sizeof failed;
    if (::getsockopt(fd, SOL_SOCKET, SO_ERROR, &failed, &size) != 0) {
        return errno;
    }
    if (failed != 0) {
        return failed;
    }
    // No error yet may mean no answer yet: only a connected socket has a peer.
    sockaddr_storage peer{};
    size = sizeof peer;
    if (::getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &size) == 0) {
        return 0;
    }
    return errno == ENOTCONN ? EINPROGRESS : errno;
}

// What waited for the connection goes on, or learns that there is none.
void conclude(stream& from, op::operation& connecting, int failed) noexcept {
    from.phase = failed == 0 ? stream_phase::connected : stream_phase::unconnected;
    if (failed != 0) {
        from.shut = false;
        cancel_line(from);
    }
    if (op::operation* reader = from.reader; reader != nullptr && failed == 0) {
        from.on->queue_armed(*reader);
    } else if (reader != nullptr) {
        from.on->settle(*reader, -ENOTCONN);
    }
    connecting.result = -failed;
    leave_line(from, connecting);
}

bool finish(op::operation& connecting, int answer) noexcept {
    stream& from = stream_of(connecting);
    if (from.closing) {
        connecting.result = -ECANCELED;
        leave_line(from, connecting);
        return true;
    }
    const int failed = answer < 0 ? -answer : outcome(from.fd);
    if (failed == EINPROGRESS) {
        from.writable = false;
        return false;
    }
    conclude(from, connecting, failed);
    return true;
}

} // namespace

const op::operation_type connect_type = {
    .name = "connect",
    .on_leave = op::departure::go_on,
    .delivered_in = op::phase::events,
    .side = op::direction::out,
    .prepare = prepare,
    .attempt = nullptr,
    .finish = finish,
    .take_over = nullptr,
    .release = nullptr,
};

void connect_start(stream& from, op::operation& idle, const ip_address& to) noexcept {
    idle.target = &from;
    idle.arm();
    from.on->forget(from); // what an earlier attempt told about the descriptor is stale
    const int failed = from.bind_failed
                           ? EADDRINUSE
                           : connect_without_waiting(from.fd, to.native(), to.native_size());
    from.bind_failed = false;
    if (failed == EINPROGRESS) {
        from.phase = stream_phase::connecting;
        from.writer = &idle;
        from.on->queue_armed(idle);
        return;
    }
    if (failed == 0) {
        from.phase = stream_phase::connected;
    }
    from.on->settle(idle, -failed, op::phase::transfers);
}

} // namespace coring::io
