// The ring engine of a loop that wanders from thread to thread: in a run it has the ring of the
// thread it is on, and between runs none (docs/decisions/0034).
#pragma once

#include "proactor/ring_cache.hpp"

#include <array>

namespace coring::proactor {

// Between runs it remembers what the loop watches and holds nothing else: no operation is in
// the kernel then, and any thread may have the next run.
class lent_ring final : public op::engine {
public:
    explicit lent_ring(op::operation_slab& operations) noexcept : operations_{operations} {}

    // Fails where no ring can be had.
    [[nodiscard]] base::result<void> open(unsigned entries) noexcept;

    [[nodiscard]] const char* name() const noexcept override { return "uring"; }

    [[nodiscard]] bool takes_entries() const noexcept override { return true; }

    [[nodiscard]] int arrive() noexcept override;
    void park(op::completion_sink& sink) noexcept override;

    op::entry enter(op::operation_list& queued,
                    op::completion_sink& sink,
                    std::int64_t timeout_ns) noexcept override;
    void withdraw(op::operation& target, op::completion_sink& sink) noexcept override;

    void forget(op::descriptor&) noexcept override {}

    void moved(op::descriptor&) noexcept override {}

    [[nodiscard]] int watch(int fd, unsigned watch) noexcept override;

    [[nodiscard]] std::uint32_t in_kernel() const noexcept override {
        return ring_ != nullptr ? ring_->in_kernel() : 0;
    }

    [[nodiscard]] bool withdraw_all(op::completion_sink& sink) noexcept override;

    [[nodiscard]] bool belongs_here() const noexcept override {
        return ring_ == nullptr || ring_->belongs_here();
    }

private:
    static constexpr unsigned watch_count = 4;

    op::operation_slab& operations_;
    unsigned entries_ = 0;
    std::unique_ptr<ring_engine> ring_; // in a run, and when it closes in one
    std::array<int, watch_count> watches_{-1, -1, -1, -1};
};

} // namespace coring::proactor
