// The epoll set: registering descriptors and fetching what became ready (epoll(7)).
#pragma once

#include "base/result.hpp"
#include "base/unique_fd.hpp"

#include <cstdint>
#include <span>

#include <sys/epoll.h>

namespace coring::reactor {

// Whoever is told about a descriptor's readiness is named by a pointer. Not thread-safe.
class poller {
public:
    [[nodiscard]] base::result<void> open() noexcept;

    // The set's own descriptor: readable when something in the set is ready.
    [[nodiscard]] int fd() const noexcept { return fd_.get(); }

    // Adds `fd` with `events` for `listener`. Zero or an errno (EPERM: cannot be polled).
    [[nodiscard]] int add(int fd, std::uint32_t events, void* listener) noexcept;

    // Adds `fd` for as long as it is readable. Zero or an errno.
    [[nodiscard]] int add_readable(int fd, void* listener) noexcept {
        return add(fd, EPOLLIN, listener);
    }

    // Adds `fd`: `listener` is told once for each event that makes it readable.
    [[nodiscard]] int add_edges(int fd, void* listener) noexcept {
        return add(fd, EPOLLIN | EPOLLET, listener);
    }

    // Somebody whose descriptor is ready, without waiting; null if there is nobody. Those that
    // stay ready take turns.
    [[nodiscard]] void* next_ready() noexcept;

    [[nodiscard]] int modify(int fd, std::uint32_t events, void* listener) noexcept;

    // Before the descriptor is closed: a duplicate elsewhere would keep it in the set.
    void remove(int fd) noexcept;

    // Waits up to `timeout_ns` (0: not at all; op::no_deadline: without limit). The count of
    // events, or a negative errno.
    [[nodiscard]] int wait(std::span<epoll_event> events, std::int64_t timeout_ns) noexcept;

    // Descriptors in the set.
    [[nodiscard]] std::uint32_t size() const noexcept { return size_; }

private:
    base::unique_fd fd_;
    std::uint32_t size_ = 0;
    bool precise_ = true; // epoll_pwait2 is there (since 5.11; a sandbox may refuse it)
};

} // namespace coring::reactor
