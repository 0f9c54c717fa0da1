// What waits for a worker.
#pragma once

#include "threadpool/job.hpp"

#include <cstddef>

namespace coring::threadpool {

// A bounded queue, first in, first out, that any element can leave early. Allocates nothing.
// Not thread-safe: the lane's mutex guards it. Jobs in it are `waiting`, and only those.
class job_queue {
public:
    explicit job_queue(std::size_t limit) noexcept : limit_{limit} {}

    [[nodiscard]] bool empty() const noexcept { return count_ == 0; }

    [[nodiscard]] std::size_t count() const noexcept { return count_; }

    // False, and nothing happens, when the queue is full. Requires that nobody waits for the
    // job.
    [[nodiscard]] bool push(job& entry) noexcept;

    // The one that waits longest, now running; null if none waits.
    [[nodiscard]] job* pop() noexcept;

    // Requires that the job is in this queue; it ends idle.
    void remove(job& entry) noexcept;

    // Moves the jobs of one home, in order, behind what is in `removed`; they end idle.
    void remove_of(const base::mailbox& home, base::intrusive_list<job>& removed) noexcept;

private:
    base::intrusive_list<job> jobs_;
    std::size_t count_ = 0;
    std::size_t limit_;
};

} // namespace coring::threadpool
