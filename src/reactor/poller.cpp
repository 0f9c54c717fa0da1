#include "reactor/poller.hpp"

#include "op/engine.hpp"

#include <cerrno>
#include <climits>

#include <time.h>

namespace coring::reactor {

namespace {

constexpr std::int64_t ns_per_s = 1'000'000'000;
constexpr std::int64_t ns_per_ms = 1'000'000;

// Rounded up: waking before a deadline would only mean to sleep again.
int whole_ms(std::int64_t timeout_ns) noexcept {
    if (timeout_ns == op::no_deadline) {
        return -1;
    }
    const std::int64_t ms = timeout_ns / ns_per_ms + (timeout_ns % ns_per_ms != 0 ? 1 : 0);
    return ms > INT_MAX ? INT_MAX : static_cast<int>(ms);
}

} // namespace

base::result<void> poller::open() noexcept {
    const int fd = ::epoll_create1(EPOLL_CLOEXEC);
    if (fd < 0) {
        return base::failure{errno};
    }
    fd_.reset(fd);
    return {};
}

int poller::add(int fd, std::uint32_t events, void* listener) noexcept {
    epoll_event event{};
    event.events = events;
    event.data.ptr = listener;
    if (::epoll_ctl(fd_.get(), EPOLL_CTL_ADD, fd, &event) != 0) {
        return errno;
    }
    ++size_;
    return 0;
}

int poller::modify(int fd, std::uint32_t events, void* listener) noexcept {
    epoll_event event{};
    event.events = events;
    event.data.ptr = listener;
    return ::epoll_ctl(fd_.get(), EPOLL_CTL_MOD, fd, &event) == 0 ? 0 : errno;
}

void* poller::next_ready() noexcept {
    epoll_event event{};
    return wait({&event, 1}, 0) == 1 ? event.data.ptr : nullptr;
}

void poller::remove(int fd) noexcept {
    if (::epoll_ctl(fd_.get(), EPOLL_CTL_DEL, fd, nullptr) == 0) {
        --size_;
    }
}

int poller::wait(std::span<epoll_event> events, std::int64_t timeout_ns) noexcept {
    const int room = static_cast<int>(events.size());
    if (precise_ && timeout_ns > 0 && timeout_ns != op::no_deadline) {
        timespec timeout{};
        timeout.tv_sec = timeout_ns / ns_per_s;
        timeout.tv_nsec = timeout_ns % ns_per_s;
        const int count = ::epoll_pwait2(fd_.get(), events.data(), room, &timeout, nullptr);
        if (count >= 0 || (errno != ENOSYS && errno != EPERM)) {
            return count >= 0 ? count : -errno;
        }
        precise_ = false;
    }
    const int count = ::epoll_wait(fd_.get(), events.data(), room, whole_ms(timeout_ns));
    return count >= 0 ? count : -errno;
}

} // namespace coring::reactor
