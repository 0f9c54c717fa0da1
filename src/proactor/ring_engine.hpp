// Runs operations on a ring: one kernel entry submits the batch, sleeps, and fetches
// completions.
#pragma once

#include "op/engine.hpp"
#include "proactor/ring.hpp"

#include <array>

#include <poll.h>

namespace coring::proactor {

// Belongs to the thread that opened it. Operations are named to the kernel by slot and
// generation, so that a late completion meets a mismatch and not another operation. It serves
// one loop, whose records it must be told, or one loop after the other.
class ring_engine final : public op::engine {
public:
    ring_engine() noexcept = default;

    explicit ring_engine(op::operation_slab& operations) noexcept : operations_{&operations} {}

    [[nodiscard]] base::result<void> open(unsigned entries) noexcept;

    [[nodiscard]] unsigned asked_entries() const noexcept { return entries_; }

    // Whose operations come next. Requires that there are none of anybody else.
    void attach(op::operation_slab& operations) noexcept;

    // Takes all operations back, as engine::park() says of what wanders; watches are forgotten
    // too. Nobody's from now on.
    void detach(op::completion_sink& sink) noexcept;

    [[nodiscard]] const char* name() const noexcept override { return "uring"; }

    [[nodiscard]] bool takes_entries() const noexcept override { return true; }

    op::entry enter(op::operation_list& queued,
                    op::completion_sink& sink,
                    std::int64_t timeout_ns) noexcept override;
    void withdraw(op::operation& target, op::completion_sink& sink) noexcept override;
    void forget(op::descriptor& closing) noexcept override;
    void moved(op::descriptor& place) noexcept override;
    [[nodiscard]] int watch(int fd, unsigned watch) noexcept override;

    [[nodiscard]] std::uint32_t in_kernel() const noexcept override {
        return in_kernel_ - armed_watches_;
    }

    [[nodiscard]] bool withdraw_all(op::completion_sink& sink) noexcept override;

    [[nodiscard]] bool belongs_here() const noexcept override;

private:
    struct watch_place {
        int fd = -1;
        bool armed = false;
    };

    static constexpr unsigned watch_count = 4;

    void submit(op::operation_list& queued) noexcept;
    [[nodiscard]] op::entry enter_kernel(bool sleep, std::int64_t timeout_ns) noexcept;
    void arm_watches() noexcept;
    // The record of the completion that is taken after `skipped` others; null if it is not
    // there.
    [[nodiscard]] const op::operation* coming(unsigned skipped) const noexcept;
    void fetch_ahead() const noexcept;
    // Reports all that completed; true if there was anything.
    bool drain(op::completion_sink& sink) noexcept;
    void take_watch(unsigned index, op::completion_sink& sink) noexcept;
    void forget_watches() noexcept;
    void cut_short() noexcept;

    op::operation_slab* operations_ = nullptr;
    ring ring_;
    const void* thread_ = nullptr;
    unsigned entries_ = 0;        // as it was asked for
    std::uint32_t in_kernel_ = 0; // entries the kernel has to answer
    std::uint32_t uncut_ = 0;     // those of them that are never cut short
    std::uint32_t armed_watches_ = 0;
    std::array<watch_place, watch_count> watches_{};
    unsigned unarmed_watches_ = 0;
    bool closing_ = false; // watches are not armed again
};

} // namespace coring::proactor
