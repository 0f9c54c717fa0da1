// A blocking call made by a worker: for what neither engine can wait for. The verbs that need
// one (names, files) derive their job from this.
#pragma once

#include "loop/loop.hpp"
#include "threadpool/pool.hpp"

namespace coring::io {

extern const op::operation_type call_type;

// Owns everything the call touches. Made with new by the verb; freed by `destroy` once nobody
// needs it: after its operation ended, or by the worker when the loop went away meanwhile.
struct call_job : threadpool::job {
    using body_function = int (*)(call_job&) noexcept;
    using destroy_function = void (*)(call_job&) noexcept;

    // `body` runs on the worker; its answer becomes the operation's result.
    call_job(loop::loop& on, body_function body, destroy_function destroy) noexcept;

    // For `destroy`: whether a worker calls it because the loop did not wait any longer. Then
    // nothing of the loop may be touched.
    [[nodiscard]] bool is_abandoned() const noexcept { return home == nullptr; }

    body_function body;
    destroy_function destroy;
    op::operation* waiting = nullptr;
    int answer = 0;
};

// Hands the job to a lane; the operation owns it from then on. Zero; or an errno, when nothing
// was started and the job is still the caller's. Requires loop.open_mailbox() succeeded.
[[nodiscard]] int
call_start(op::operation& idle, threadpool::lane_kind lane, call_job& job) noexcept;

// The call has more to do: hands its job to a lane once more, and the operation waits on.
// Requires the state delivering. Zero; or an errno, when nothing was started.
[[nodiscard]] int
call_again(op::operation& delivering, threadpool::lane_kind lane, call_job& job) noexcept;

// The job ran already, on this thread: its answer is delivered like that of a worker. The
// operation owns the job from then on.
void call_settle(loop::loop& on, op::operation& idle, call_job& job) noexcept;

// The same for an answer that needed no job.
void call_settle(loop::loop& on, op::operation& idle, int answer) noexcept;

} // namespace coring::io
