// Runs operations without a ring: non-blocking calls, and epoll for what has to wait.
#pragma once

#include "op/engine.hpp"
#include "reactor/poller.hpp"

#include <array>

namespace coring::reactor {

// Each descriptor enters the epoll set once, edge-triggered for both directions, and remembers
// what it was last told (op::descriptor): an echo then costs no epoll_ctl. Whoever finds a
// descriptor empty or full clears the memory; a new event sets it.
class readiness_engine final : public op::engine {
public:
    [[nodiscard]] base::result<void> open() noexcept { return poller_.open(); }

    [[nodiscard]] const char* name() const noexcept override { return "epoll"; }

    op::entry enter(op::operation_list& queued,
                    op::completion_sink& sink,
                    std::int64_t timeout_ns) noexcept override;
    void withdraw(op::operation& target, op::completion_sink& sink) noexcept override;
    void forget(op::descriptor& closing) noexcept override;
    void moved(op::descriptor& place) noexcept override;
    [[nodiscard]] int watch(int fd, unsigned watch) noexcept override;

    [[nodiscard]] std::uint32_t in_kernel() const noexcept override { return waiting_; }

    [[nodiscard]] bool withdraw_all(op::completion_sink& sink) noexcept override;

    [[nodiscard]] bool belongs_here() const noexcept override { return true; }

private:
    static constexpr unsigned watch_count = 4;
    static constexpr std::size_t batch = 256;

    void start(op::operation& next, op::completion_sink& sink) noexcept;
    [[nodiscard]] int enroll(op::descriptor& target) noexcept;
    void attempt(op::operation& waiting, op::completion_sink& sink) noexcept;
    void notify(const epoll_event& event, op::completion_sink& sink) noexcept;

    poller poller_;
    std::uint32_t waiting_ = 0;
    std::uint64_t completions_ = 0;
    std::array<int, watch_count> watches_{-1, -1, -1, -1};
    std::array<epoll_event, batch> events_{};
};

} // namespace coring::reactor
