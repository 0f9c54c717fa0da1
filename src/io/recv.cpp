#include "io/recv.hpp"

#include "base/errc.hpp"
#include "io/flow_now.hpp"
#include "op/operation_type.hpp"
#include "proactor/submission.hpp"

#include <algorithm>
#include <cerrno>

#include <poll.h>
#include <sys/socket.h>

namespace coring::io {

namespace {

// A short receive means that nothing is left, but on a Unix socket before bytes with which
// descriptors came; those are dropped here, and the kernel says so. Only who remembers
// readiness needs to know: the ring, which looks anew each time, gets along with the cheaper
// call.
struct taken {
    ssize_t count;
    bool stopped_short;
};

taken take(const stream& from, std::span<char> into) noexcept {
    ssize_t count = -1;
    if (!from.is_local() || !from.registered) {
        do {
            count = ::recv(from.fd, into.data(), into.size(), MSG_DONTWAIT);
        } while (count < 0 && errno == EINTR);
        return {count, false};
    }
    iovec part{into.data(), into.size()};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    do {
        count = ::recvmsg(from.fd, &message, MSG_DONTWAIT);
    } while (count < 0 && errno == EINTR);
    return {count, (message.msg_flags & MSG_CTRUNC) != 0};
}

void prepare(op::operation& waiting, proactor::submission& entry) noexcept {
    entry.poll(waiting.target->fd, POLLIN | POLLRDHUP);
}

// A short read tells nothing: of a terminal it is a line, and there may be more of them.
int recv_plain(stream& from, std::span<char> into) noexcept {
    bool quick = from.quick_reads;
    const int answer = read_flowing(from.fd, quick, into);
    from.quick_reads = quick;
    if (answer > 0) {
        return answer;
    }
    return answer == 0 ? -base::end_of_file : refused_receive(from, -answer);
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
    if (from.plain) {
        return recv_plain(from, into);
    }
    const std::size_t wanted = std::min(into.size(), most_received_at_once);
    const auto [count, stopped_short] = take(from, into.first(wanted));
    if (count > 0) {
        if (static_cast<std::size_t>(count) < wanted && !stopped_short) {
            from.drained();
        }
        return static_cast<int>(count);
    }
    return count == 0 ? -base::end_of_file : refused_receive(from, errno);
}

int refused_receive(stream& from, int code) noexcept {
    if (code == EAGAIN) {
        from.drained();
    } else {
        from.phase = stream_phase::dead;
    }
    return -code;
}

void recv_again(op::operation& delivering) noexcept {
    auto& from = static_cast<stream&>(*delivering.target);
    // Hung up and yet empty cannot be: had the memory been wrong, the next event corrects it.
    from.readable = false;
    delivering.requeue();
    from.on->queue_armed(delivering);
}

} // namespace coring::io
