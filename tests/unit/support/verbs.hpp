// Verbs of the tests: the least that makes an engine work.
#pragma once

#include "op/descriptor.hpp"
#include "op/operation.hpp"
#include "op/operation_type.hpp"
#include "proactor/submission.hpp"

#include <cerrno>
#include <cstddef>

#include <poll.h>
#include <sys/socket.h>

namespace coring::support {

struct sent_bytes {
    const char* bytes;
    std::size_t size;
};

namespace verbs {

inline void prepare_poll(op::operation& waiting, proactor::submission& entry) noexcept {
    entry.poll(waiting.target->fd, POLLIN);
}

inline void prepare_send(op::operation& write, proactor::submission& entry) noexcept {
    const auto& data = *static_cast<const sent_bytes*>(write.data);
    entry.send(write.target->fd, data.bytes, data.size, MSG_NOSIGNAL | MSG_WAITALL);
}

inline int attempt_send(op::operation& write) noexcept {
    const auto& data = *static_cast<const sent_bytes*>(write.data);
    const ssize_t count =
        ::send(write.target->fd, data.bytes, data.size, MSG_NOSIGNAL | MSG_DONTWAIT);
    return count < 0 ? -errno : static_cast<int>(count);
}

// As recv and accept do: which events a poll saw is of no interest.
inline bool forget_mask(op::operation& done, int answer) noexcept {
    done.result = answer < 0 ? answer : 0;
    return true;
}

inline void let_go(op::operation& done) noexcept {
    if (done.target != nullptr && done.target->reader == &done) {
        done.target->reader = nullptr;
    }
    if (done.target != nullptr && done.target->writer == &done) {
        done.target->writer = nullptr;
    }
    done.target = nullptr;
}

} // namespace verbs

// Waits until `target` is readable; ends when its waiter leaves.
inline constexpr op::operation_type readable_type = {
    .name = "readable",
    .on_leave = op::departure::drop,
    .delivered_in = op::phase::events,
    .side = op::direction::in,
    .prepare = verbs::prepare_poll,
    .attempt = nullptr,
    .finish = verbs::forget_mask,
    .take_over = nullptr,
    .release = verbs::let_go,
};

// The same, but goes on when its waiter leaves.
inline constexpr op::operation_type lasting_type = {
    .name = "lasting",
    .on_leave = op::departure::go_on,
    .delivered_in = op::phase::events,
    .side = op::direction::in,
    .prepare = verbs::prepare_poll,
    .attempt = nullptr,
    .finish = verbs::forget_mask,
    .take_over = nullptr,
    .release = verbs::let_go,
};

// One send; the result is the count the kernel answered.
inline constexpr op::operation_type one_send_type = {
    .name = "one send",
    .on_leave = op::departure::go_on,
    .delivered_in = op::phase::transfers,
    .side = op::direction::out,
    .prepare = verbs::prepare_send,
    .attempt = verbs::attempt_send,
    .finish = nullptr,
    .take_over = nullptr,
    .release = verbs::let_go,
};

// Waits for its time only.
inline constexpr op::operation_type timer_type = {
    .name = "timer",
    .on_leave = op::departure::drop,
    .delivered_in = op::phase::events,
    .side = op::direction::none,
    .prepare = nullptr,
    .attempt = nullptr,
    .finish = nullptr,
    .take_over = nullptr,
    .release = nullptr,
};

inline void aim_read(op::operation& idle, op::descriptor& at) noexcept {
    idle.target = &at;
    at.reader = &idle;
}

// Requires that `what` and its bytes stay until the operation is over.
inline void aim_send(op::operation& idle, op::descriptor& at, sent_bytes& what) noexcept {
    idle.target = &at;
    at.writer = &idle;
    idle.data = &what;
}

} // namespace coring::support
