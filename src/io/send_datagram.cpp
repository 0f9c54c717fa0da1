#include "io/send_datagram.hpp"

#include "op/operation_type.hpp"
#include "proactor/submission.hpp"

#include <cerrno>
#include <climits>
#include <cstring>
#include <new>

#include <poll.h>
#include <sys/socket.h>

namespace coring::io {

namespace {

// What the length field of a UDP header can say.
constexpr std::size_t longest_datagram = 65535;

// A datagram that waits for room. The bytes stand behind this structure, in one block.
struct waiting_datagram {
    std::size_t size;
    bool addressed; // else it goes to the peer
    ip_address to;

    [[nodiscard]] char* bytes() noexcept {
        return reinterpret_cast<char*>(this) + sizeof(waiting_datagram);
    }
};

waiting_datagram& datagram_of(op::operation& write) noexcept {
    CORING_ASSERT(write.data != nullptr); // it has not been released
    return *static_cast<waiting_datagram*>(write.data);
}

stream& stream_of(op::operation& write) noexcept {
    return static_cast<stream&>(*write.target);
}

// Zero, or a negative errno.
int send_now(int fd, std::span<const iovec> parts, const ip_address* to) noexcept {
    constexpr int flags = MSG_DONTWAIT | MSG_NOSIGNAL;
    const sockaddr* name = to != nullptr ? to->native() : nullptr;
    const socklen_t name_size = to != nullptr ? to->native_size() : 0;
    ssize_t sent = -1;
    do {
        if (parts.size() == 1) { // a good deal cheaper than a message header
            sent = ::sendto(fd, parts[0].iov_base, parts[0].iov_len, flags, name, name_size);
        } else {
            msghdr message{};
            message.msg_name = const_cast<sockaddr*>(name); // NOLINT: not written to
            message.msg_namelen = name_size;
            message.msg_iov = const_cast<iovec*>(parts.data()); // NOLINT: not written to
            message.msg_iovlen = parts.size();
            sent = ::sendmsg(fd, &message, flags);
        }
    } while (sent < 0 && errno == EINTR);
    return sent < 0 ? -errno : 0;
}

int attempt(op::operation& write) noexcept {
    waiting_datagram& data = datagram_of(write);
    const iovec bytes{data.bytes(), data.size};
    return send_now(write.target->fd, {&bytes, 1}, data.addressed ? &data.to : nullptr);
}

void prepare(op::operation& write, proactor::submission& entry) noexcept {
    entry.poll(write.target->fd, POLLOUT);
}

// Ends the claims on the socket, which may go before the record does.
void release(op::operation& done) noexcept {
    if (done.data != nullptr) {
        const std::size_t size = sizeof(waiting_datagram) + datagram_of(done).size;
        stream_of(done).on->blocks().give_back(static_cast<char*>(done.data), size);
        done.data = nullptr;
    }
    done.target = nullptr;
}

// There is room again, for more than one perhaps: those behind need not ask one by one.
void send_those_behind(stream& from) noexcept {
    while (!from.behind.empty()) {
        op::operation& next = from.behind.head();
        const int answer = attempt(next);
        if (answer == -EAGAIN) {
            return;
        }
        next.unlink();
        release(next);
        from.on->settle_behind(next, answer);
    }
}

// The ring only tells that there is room, by a mask greater than zero; an attempt answers zero
// when the datagram is on its way.
bool finish(op::operation& write, int answer) noexcept {
    stream& from = stream_of(write);
    if (answer > 0) {
        answer = attempt(write);
    }
    if (answer == -EAGAIN && !from.closing) {
        return false;
    }
    write.result = answer == -EAGAIN ? -ECANCELED : answer;
    if (!from.closing) {
        send_those_behind(from);
    }
    release(write);
    leave_line(from, write);
    return true;
}

waiting_datagram* keep(base::block_pool& blocks,
                       std::span<const iovec> parts,
                       std::size_t size,
                       const ip_address* to,
                       ip_version version) noexcept {
    char* block = blocks.take(sizeof(waiting_datagram) + size);
    if (block == nullptr) {
        return nullptr;
    }
    auto* data = new (block)
        waiting_datagram{size, to != nullptr, to != nullptr ? *to : ip_address{version}};
    char* place = data->bytes();
    for (const iovec& part : parts) {
        if (part.iov_len > 0) {
            std::memcpy(place, part.iov_base, part.iov_len);
            place += part.iov_len;
        }
    }
    return data;
}

} // namespace

const op::operation_type send_datagram_type = {
    .name = "write",
    .on_leave = op::departure::go_on,
    .delivered_in = op::phase::transfers,
    .side = op::direction::out,
    .prepare = prepare,
    .attempt = attempt,
    .finish = finish,
    .take_over = nullptr, // it has been copied
    .release = release,
};

int send_datagram_start(stream& from,
                        op::operation& idle,
                        std::span<const iovec> parts,
                        std::size_t size,
                        const ip_address* to) noexcept {
    int answer = size > longest_datagram ? -EMSGSIZE : -EAGAIN;
    const bool first = from.writer == nullptr;
    if (first && answer == -EAGAIN && parts.size() <= IOV_MAX) {
        answer = send_now(from.fd, parts, to);
    }
    if (answer != -EAGAIN) {
        idle.arm();
        from.on->settle(idle, answer);
        return 0;
    }
    waiting_datagram* data = keep(from.on->blocks(), parts, size, to, version_of(from.in));
    if (data == nullptr) {
        return ENOMEM;
    }
    idle.data = data;
    idle.target = &from;
    idle.arm();
    // More parts than one call takes are one in the copy.
    answer = first && parts.size() > IOV_MAX ? attempt(idle) : -EAGAIN;
    if (answer != -EAGAIN) {
        from.on->settle(idle, answer);
    } else if (enter_line(from, idle)) {
        from.on->queue_armed(idle);
    }
    return 0;
}

void address_waiting_datagrams(stream& from, const ip_address& peer) noexcept {
    const auto direct = [&](op::operation& waiting) {
        waiting_datagram& data = datagram_of(waiting);
        if (!data.addressed) {
            data.to = peer;
            data.addressed = true;
        }
    };
    if (from.writer != nullptr) {
        direct(*from.writer);
    }
    from.behind.for_each(direct);
}

} // namespace coring::io
