#include "io/recv.hpp"

#include "base/errc.hpp"
#include "op/operation_type.hpp"
#include "proactor/submission.hpp"

#include <algorithm>
#include <cerrno>

#include <poll.h>
#include <sys/socket.h>

namespace coring::io {

namespace {

constexpr std::size_t most_at_once = 0x7ffff000; // what one call of the system moves at most

void prepare(op::operation& waiting, proactor::submission& entry) noexcept {
    entry.poll(waiting.target->fd, POLLIN | POLLRDHUP);
}

} // namespace

const op::operation_type recv_type = {
    .name = "read",
    .on_leave = op::departure::drop,
    .delivered_in = op::phase::events,
    .side = op::direction::in,
    .prepare = prepare,
    .attempt = nullptr,
    .finish = finish_readiness,
    .take_over = nullptr,
    .release = release_reader,
};

void recv_start(stream& from, op::operation& idle) noexcept {
    CORING_ASSERT(from.reader == nullptr);
    idle.target = &from;
    from.reader = &idle;
    if (from.phase == stream_phase::connecting) {
        idle.arm(); // asked of the kernel once the connection is there
        return;
    }
    from.on->queue(idle);
}

int recv_now(stream& from, std::span<char> into) noexcept {
    if (from.phase != stream_phase::connected) {
        return -ENOTCONN;
    }
    const std::size_t wanted = std::min(into.size(), most_at_once);
    ssize_t count = -1;
    do {
        count = ::recv(from.fd, into.data(), wanted, MSG_DONTWAIT);
    } while (count < 0 && errno == EINTR);
    if (count > 0) {
        if (static_cast<std::size_t>(count) < wanted) {
            from.drained();
        }
        return static_cast<int>(count);
    }
    if (count == 0) {
        return -base::end_of_file;
    }
    if (errno == EAGAIN) {
        from.drained();
        return -EAGAIN;
    }
    from.phase = stream_phase::dead;
    return -errno;
}

void recv_again(op::operation& delivering) noexcept {
    auto& from = static_cast<stream&>(*delivering.target);
    // Hung up and yet empty cannot be: had the memory been wrong, the next event corrects it.
    from.readable = false;
    delivering.requeue();
    from.on->queue_armed(delivering);
}

} // namespace coring::io
