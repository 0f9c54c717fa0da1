#include "reactor/readiness_engine.hpp"

#include "op/descriptor.hpp"
#include "op/operation_type.hpp"

#include <cerrno>

namespace coring::reactor {

namespace {

constexpr std::uint32_t both_directions = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
constexpr std::uint32_t ended = EPOLLRDHUP | EPOLLHUP | EPOLLERR;

// The descriptor's present operation may be queued, ready or being delivered; only one that was
// handed over is ours.
bool is_waiting(const op::operation* present) noexcept {
    return present != nullptr && present->in_kernel();
}

} // namespace

int readiness_engine::enroll(op::descriptor& target) noexcept {
    const int failed = poller_.add(target.fd, both_directions, &target);
    target.registered = failed == 0;
    return failed;
}

void readiness_engine::start(op::operation& next, op::completion_sink& sink) noexcept {
    op::descriptor& target = *next.target;
    next.submit();
    ++waiting_;
    if (!target.registered) {
        // The set reports the present state at once, so nothing is assumed here.
        if (const int failed = enroll(target); failed != 0) {
            --waiting_;
            ++completions_;
            sink.completed(next, -failed);
            return;
        }
    }
    const bool may_go = next.type->side == op::direction::in
                            ? target.readable
                            : target.writable || next.type->attempt != nullptr;
    if (may_go) {
        attempt(next, sink);
    }
}

void readiness_engine::attempt(op::operation& waiting, op::completion_sink& sink) noexcept {
    const int answer = waiting.type->attempt != nullptr ? waiting.type->attempt(waiting) : 0;
    if (answer == -EAGAIN) {
        waiting.type->side == op::direction::in ? waiting.target->drained()
                                                : waiting.target->filled();
        return;
    }
    --waiting_;
    ++completions_;
    sink.completed(waiting, answer);
}

op::entry readiness_engine::enter(op::operation_list& queued,
                                  op::completion_sink& sink,
                                  std::int64_t timeout_ns) noexcept {
    const std::uint64_t before = completions_;
    // An operation with more to do comes back to the list and is tried again, until it waits.
    while (op::operation* next = queued.pop_front()) {
        start(*next, sink);
    }
    if (completions_ != before) {
        timeout_ns = 0;
    }
    if (poller_.size() == 0 && timeout_ns == 0) {
        return op::entry::done;
    }
    const int count = poller_.wait(events_, timeout_ns);
    for (int at = 0; at < count; ++at) {
        notify(events_[static_cast<std::size_t>(at)], sink);
    }
    return count == -EINTR ? op::entry::interrupted : op::entry::done;
}

void readiness_engine::notify(const epoll_event& event, op::completion_sink& sink) noexcept {
    for (unsigned index = 0; index < watch_count; ++index) {
        if (event.data.ptr == &watches_[index]) {
            sink.watched(index);
            return;
        }
    }
    auto& target = *static_cast<op::descriptor*>(event.data.ptr);
    target.hung_up = target.hung_up || (event.events & ended) != 0;
    target.readable = target.readable || (event.events & (EPOLLIN | ended)) != 0;
    target.writable = target.writable || (event.events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0;
    if (target.readable && is_waiting(target.reader)) {
        attempt(*target.reader, sink);
    }
    if (target.writable && is_waiting(target.writer)) {
        attempt(*target.writer, sink);
    }
}

void readiness_engine::withdraw(op::operation& target, op::completion_sink&) noexcept {
    CORING_ASSERT(target.in_kernel() && waiting_ > 0);
    --waiting_;
}

void readiness_engine::forget(op::descriptor& closing) noexcept {
    CORING_ASSERT(!is_waiting(closing.reader) && !is_waiting(closing.writer));
    if (closing.registered) {
        poller_.remove(closing.fd);
        closing.registered = false;
    }
    closing.readable = false;
    closing.writable = false;
    closing.hung_up = false;
}

void readiness_engine::moved(op::descriptor& place) noexcept {
    if (place.registered) {
        static_cast<void>(poller_.modify(place.fd, both_directions, &place));
    }
}

int readiness_engine::watch(int fd, unsigned watch) noexcept {
    CORING_ASSERT(watch < watch_count && watches_[watch] < 0);
    const int failed = poller_.add(fd, EPOLLIN, &watches_[watch]);
    if (failed == 0) {
        watches_[watch] = fd;
    }
    return failed;
}

bool readiness_engine::withdraw_all(op::completion_sink&) noexcept {
    // Nothing is lent to the kernel: what still waits is simply not asked again.
    waiting_ = 0;
    return true;
}

} // namespace coring::reactor
