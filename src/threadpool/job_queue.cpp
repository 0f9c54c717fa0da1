#include "threadpool/job_queue.hpp"

namespace coring::threadpool {

bool job_queue::push(job& entry) noexcept {
    CORING_ASSERT(entry.state == job_state::idle || entry.state == job_state::finished);
    if (count_ == limit_) {
        return false;
    }
    jobs_.push_back(entry);
    entry.state = job_state::waiting;
    ++count_;
    return true;
}

job* job_queue::pop() noexcept {
    job* const first = jobs_.pop_front();
    if (first != nullptr) {
        CORING_ASSERT(first->state == job_state::waiting);
        first->state = job_state::running;
        --count_;
    }
    return first;
}

void job_queue::remove(job& entry) noexcept {
    CORING_ASSERT(entry.state == job_state::waiting && count_ > 0);
    entry.unlink();
    entry.state = job_state::idle;
    --count_;
}

void job_queue::remove_of(const base::mailbox& home,
                          base::intrusive_list<job>& removed) noexcept {
    for (job* at = jobs_.front(); at != nullptr;) {
        job* const following = jobs_.after(*at);
        if (at->home == &home) {
            remove(*at);
            removed.push_back(*at);
        }
        at = following;
    }
}

} // namespace coring::threadpool
