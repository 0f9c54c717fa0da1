#include "io/call.hpp"

#include "op/operation_type.hpp"

#include <cerrno>

namespace coring::io {

namespace {

call_job* job_of(op::operation& waiting) noexcept {
    return static_cast<call_job*>(waiting.data);
}

void run_call(threadpool::job& job) noexcept {
    auto& call = static_cast<call_job&>(job);
    call.answer = call.body(call);
}

void discard_call(threadpool::job& job) noexcept {
    auto& call = static_cast<call_job&>(job);
    call.destroy(call);
}

void arrive(base::mail& mail, void* recipient) noexcept {
    auto& call = static_cast<call_job&>(mail);
    static_cast<loop::loop*>(recipient)->complete(*call.waiting, call.answer);
}

// The waiter leaves: a call that no worker took yet never runs.
void take_over(op::operation& waiting) noexcept {
    if (threadpool::pool::unqueue(*job_of(waiting))) {
        waiting.complete(-ECANCELED);
    }
}

void release(op::operation& done) noexcept {
    if (call_job* job = job_of(done); job != nullptr) {
        done.data = nullptr;
        job->destroy(*job);
    }
}

} // namespace

const op::operation_type call_type = {
    .name = "call",
    .on_leave = op::departure::unqueue,
    .delivered_in = op::phase::events,
    .side = op::direction::none,
    .prepare = nullptr,
    .attempt = nullptr,
    .finish = nullptr,
    .take_over = take_over,
    .release = release,
};

call_job::call_job(loop::loop& on,
                   body_function body_of_it,
                   destroy_function destroy_it) noexcept
    : job{run_call, discard_call, on.mailbox()}, body{body_of_it}, destroy{destroy_it} {
    open = arrive;
}

int call_start(op::operation& idle, threadpool::lane_kind lane, call_job& job) noexcept {
    job.waiting = &idle;
    if (const auto submitted = threadpool::pool::process().submit(lane, job); !submitted) {
        return submitted.error();
    }
    idle.data = &job;
    idle.arm();
    idle.submit();
    return 0;
}

int call_again(op::operation& delivering, threadpool::lane_kind lane, call_job& job) noexcept {
    if (const auto submitted = threadpool::pool::process().submit(lane, job); !submitted) {
        return submitted.error();
    }
    delivering.requeue();
    delivering.submit();
    return 0;
}

void call_settle(loop::loop& on, op::operation& idle, call_job& job) noexcept {
    idle.data = &job;
    call_settle(on, idle, job.answer);
}

void call_settle(loop::loop& on, op::operation& idle, int answer) noexcept {
    idle.arm();
    on.settle(idle, answer);
}

} // namespace coring::io
