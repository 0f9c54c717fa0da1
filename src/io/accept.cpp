#include "io/accept.hpp"

#include "op/operation_type.hpp"
#include "proactor/submission.hpp"

#include <algorithm>
#include <cerrno>
#include <mutex>

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace coring::io {

namespace {

constexpr std::uint8_t most_in_a_row = 16;
constexpr int longest_pause_ms = 100;
constexpr int most_tries = 64;

void prepare(op::operation& waiting, proactor::submission& entry) noexcept {
    entry.poll(waiting.target->fd, POLLIN);
}

// One descriptor of the process that is held back for when there are no others.
class reserve {
public:
    void fill() noexcept {
        const std::lock_guard<std::mutex> hold{mutex_};
        fill_locked();
    }

    // Takes one connection and ends it. The descriptor may be lost to another thread meanwhile;
    // then nothing is dropped this time.
    void drop_one(int listener_fd) noexcept {
        const std::lock_guard<std::mutex> hold{mutex_};
        if (fd_ >= 0) {
            ::close(fd_);
            fd_ = -1;
        }
        const int dropped = ::accept4(listener_fd, nullptr, nullptr, SOCK_CLOEXEC);
        if (dropped >= 0) {
            ::close(dropped);
        }
        fill_locked();
    }

private:
    void fill_locked() noexcept {
        if (fd_ < 0) {
            fd_ = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
        }
    }

    std::mutex mutex_;
    int fd_ = -1;
};

reserve& spare() noexcept {
    static reserve one;
    return one;
}

// The connection was gone before we came, or the network had a hiccup: the next one, please.
bool means_next(int code) noexcept {
    switch (code) {
    case ECONNABORTED:
    case EINTR:
    case EPROTO:
    case ENETDOWN:
    case ENOPROTOOPT:
    case EHOSTDOWN:
    case ENONET:
    case EHOSTUNREACH:
    case ENETUNREACH:
    case EPERM:
        return true;
    default:
        return false;
    }
}

// Whether accept4(2) would have to wait. Our listeners are non-blocking, but whether one that
// came from elsewhere is, is up to whoever made it: there, what is ready is asked first, each
// time. Should another process take the connection in between, we wait for the next one.
bool would_wait(const listener& on) noexcept {
    pollfd asked{on.fd, POLLIN, 0};
    return on.foreign && ::poll(&asked, 1, 0) == 0;
}

bool is_shortage(int code) noexcept {
    return code == EMFILE || code == ENFILE || code == ENOBUFS || code == ENOMEM;
}

} // namespace

const op::operation_type accept_type = {
    .name = "accept",
    .on_leave = op::departure::drop,
    .delivered_in = op::phase::events,
    .side = op::direction::in,
    .prepare = prepare,
    .attempt = nullptr,
    .finish = finish_readiness,
    .take_over = nullptr,
    .release = release_reader,
};

void accept_start(listener& on, op::operation& idle) noexcept {
    CORING_ASSERT(on.listening && on.reader == nullptr);
    spare().fill();
    idle.target = &on;
    on.reader = &idle;
    idle.arm();
    if (on.served > 0 && on.served < most_in_a_row && on.on->settle_in_this_turn(idle)) {
        return;
    }
    on.served = 0;
    on.on->queue_armed(idle);
}

int accept_now(listener& from) noexcept {
    for (int tries = 0; tries < most_tries; ++tries) {
        const bool empty = would_wait(from);
        const int fd = empty ? -1 : ::accept4(from.fd, nullptr, nullptr, SOCK_CLOEXEC);
        if (fd >= 0) {
            ++from.served;
            from.pause_ms = 0;
            return fd;
        }
        if (empty || errno == EAGAIN) {
            from.readable = false;
            from.pause_ms = 0;
            return -EAGAIN;
        }
        if (is_shortage(errno)) {
            from.pause_ms =
                static_cast<std::uint8_t>(std::clamp(from.pause_ms * 2, 1, longest_pause_ms));
            spare().drop_one(from.fd);
            return -EAGAIN;
        }
        if (!means_next(errno)) {
            return -errno;
        }
    }
    return -EAGAIN;
}

void accept_again(op::operation& delivering) noexcept {
    auto& from = static_cast<listener&>(*delivering.target);
    from.served = 0;
    delivering.requeue();
    if (from.pause_ms > 0 && from.on->reserve_timer()) {
        from.on->delay(delivering, from.on->now_ns() + from.pause_ms * base::ns_per_ms);
        return;
    }
    from.on->queue_armed(delivering);
}

} // namespace coring::io
