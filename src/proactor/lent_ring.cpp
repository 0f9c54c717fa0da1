#include "proactor/lent_ring.hpp"

#include <utility>

namespace coring::proactor {

base::result<void> lent_ring::open(unsigned entries) noexcept {
    entries_ = entries;
    auto found = borrow_ring(entries);
    if (!found) {
        return base::failure{found.error()};
    }
    give_ring_back(std::move(found.value()));
    return {};
}

int lent_ring::arrive() noexcept {
    CORING_ASSERT(ring_ == nullptr);
    auto borrowed = borrow_ring(entries_);
    if (!borrowed) {
        return borrowed.error();
    }
    ring_ = std::move(borrowed.value());
    ring_->attach(operations_);
    for (unsigned index = 0; index < watch_count; ++index) {
        if (watches_[index] >= 0) {
            static_cast<void>(ring_->watch(watches_[index], index)); // only notes it
        }
    }
    return 0;
}

void lent_ring::park(op::completion_sink& sink) noexcept {
    CORING_ASSERT(ring_ != nullptr);
    ring_->detach(sink);
    give_ring_back(std::move(ring_));
}

op::entry lent_ring::enter(op::operation_list& queued,
                           op::completion_sink& sink,
                           std::int64_t timeout_ns) noexcept {
    CORING_ASSERT(ring_ != nullptr);
    return ring_->enter(queued, sink, timeout_ns);
}

void lent_ring::withdraw(op::operation& target, op::completion_sink& sink) noexcept {
    CORING_ASSERT(ring_ != nullptr);
    ring_->withdraw(target, sink);
}

int lent_ring::watch(int fd, unsigned watch) noexcept {
    CORING_ASSERT(watch < watch_count && watches_[watch] < 0);
    watches_[watch] = fd;
    return ring_ != nullptr ? ring_->watch(fd, watch) : 0;
}

// The loop closes, in a run or between two.
bool lent_ring::withdraw_all(op::completion_sink& sink) noexcept {
    return ring_ == nullptr || ring_->withdraw_all(sink);
}

} // namespace coring::proactor
