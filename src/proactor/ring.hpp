// The two queues that are shared with the kernel: mapping, memory order, and the one system
// call. Nothing else in the engine touches this memory (io_uring(7)).
#pragma once

#include "base/result.hpp"
#include "base/unique_fd.hpp"

#include <cstddef>
#include <cstdint>

#include <linux/io_uring.h>

namespace coring::proactor {

// One ring, single issuer with deferred task work: it belongs to the thread that called open(),
// and nothing completes unless that thread enters. Its memory is not inherited by fork.
class ring {
public:
    ring() noexcept = default;
    ring(const ring&) = delete;
    ring& operator=(const ring&) = delete;
    ring(ring&&) = delete;
    ring& operator=(ring&&) = delete;
    ~ring();

    // Sets a ring up with room for `entries` submissions and four times as many completions,
    // and checks that the kernel has all we use. The failure tells why there is no ring here.
    [[nodiscard]] base::result<void> open(unsigned entries) noexcept;

    // The next free submission entry, zeroed, or null when the queue is full.
    [[nodiscard]] io_uring_sqe* next_entry() noexcept;

    // Entries written and not yet taken by the kernel.
    [[nodiscard]] unsigned unsubmitted() const noexcept;

    // Whether completions can be fetched: waiting in the queue, or held back by the kernel.
    [[nodiscard]] bool has_completions() const noexcept;

    // Whether the kernel holds work or completions back until we enter.
    [[nodiscard]] bool must_enter() const noexcept;

    // io_uring_enter(2): submits all that was written, runs deferred work, and waits until
    // there are `wanted` completions or `timeout_ns` passed (op::no_deadline: no limit). Zero
    // or a negative errno; -ETIME and -EINTR are normal ends of a wait.
    [[nodiscard]] int enter(unsigned wanted, std::int64_t timeout_ns) noexcept;

    // Takes one completion off the queue; false when there is none.
    [[nodiscard]] bool take(io_uring_cqe& completion) noexcept;

    // The user data of the completion that take() will take after `skipped` others; false when
    // it is not there yet.
    [[nodiscard]] bool peek(unsigned skipped, std::uint64_t& user_data) const noexcept;

    // Synchronous cancel, by user data or (ANY) of everything. The answer is for diagnostics:
    // only the completion tells what happened.
    int cancel(std::uint64_t user_data) noexcept;
    int cancel_any() noexcept;

    // Forgets the mappings without unmapping: for a ring the kernel may still write to.
    void leak() noexcept;

private:
    [[nodiscard]] base::result<void> map(const io_uring_params& params) noexcept;
    [[nodiscard]] int sync_cancel(std::uint64_t user_data, std::uint32_t flags) noexcept;

    base::unique_fd fd_;
    unsigned* sq_head_ = nullptr;
    unsigned* sq_tail_ = nullptr;
    unsigned* sq_flags_ = nullptr;
    unsigned sq_mask_ = 0;
    unsigned sq_entries_ = 0;
    unsigned local_tail_ = 0; // written by us, published at enter
    io_uring_sqe* entries_ = nullptr;
    unsigned* cq_head_ = nullptr;
    unsigned* cq_tail_ = nullptr;
    unsigned cq_mask_ = 0;
    const io_uring_cqe* completions_ = nullptr;
    void* queues_ = nullptr; // both queues share one mapping (IORING_FEAT_SINGLE_MMAP)
    std::size_t queues_size_ = 0;
    std::size_t entries_size_ = 0;
};

} // namespace coring::proactor
