#include "io/file_work.hpp"

#include "op/operation_type.hpp"
#include "proactor/submission.hpp"

#include <cerrno>
#include <cstdlib>

namespace coring::io {

namespace {

file_work& work_in(const op::operation& of) noexcept {
    return work_of<file_work>(of);
}

void prepare(op::operation& waiting, proactor::submission& entry) noexcept {
    file_work& work = work_in(waiting);
    work.prepare(work, entry);
}

bool finish(op::operation& waiting, int answer) noexcept {
    file_work& work = work_in(waiting);
    if (work.on_worker) {
        return true;
    }
    if (answer == -EINTR) {
        return false;
    }
    return work.finish == nullptr || work.finish(work, answer, waiting.result);
}

// The waiter leaves. What has not begun never does; what has goes on to its end.
void take_over(op::operation& waiting) noexcept {
    file_work& work = work_in(waiting);
    if (waiting.at == op::state::queued && !work.has_effect) {
        work.of->on->pull(waiting, -ECANCELED);
    } else if (work.on_worker && !work.has_effect && threadpool::pool::unqueue(work)) {
        waiting.complete(-ECANCELED);
    } else if (work.keep != nullptr) {
        work.keep(work);
    }
}

void release(op::operation& done) noexcept {
    if (done.data == nullptr) {
        return;
    }
    file_work& work = work_in(done);
    done.data = nullptr;
    done.target = nullptr;
    if (work.order == file_order::in_line) {
        leave_line(*work.of, work.of->position, done);
    }
    work.destroy(work);
}

} // namespace

const op::operation_type file_work_type = {
    .name = "file",
    .on_leave = op::departure::unqueue,
    .delivered_in = op::phase::events,
    .side = op::direction::none,
    .prepare = prepare,
    .attempt = nullptr,
    .finish = finish,
    .take_over = take_over,
    .release = release,
};

const op::operation_type file_result_type = {
    .name = "file",
    .on_leave = op::departure::drop,
    .delivered_in = op::phase::events,
    .side = op::direction::none,
    .prepare = nullptr,
    .attempt = nullptr,
    .finish = nullptr,
    .take_over = nullptr,
    .release = nullptr,
};

file_work::file_work(file& on_it,
                     file_order place_of_it,
                     body_function body_of_it,
                     destroy_function destroy_it,
                     void (*begin_it)(op::operation&) noexcept) noexcept
    : in_line{begin_it}, call_job{*on_it.on, body_of_it, destroy_it}, of{&on_it},
      order{place_of_it} {
    hold(on_it);
}

void file_work_start(op::operation& idle, file_work& work) noexcept {
    idle.data = static_cast<in_line*>(&work);
    idle.target = work.of;
    work.waiting = &idle;
    idle.arm();
    if (work.order == file_order::free || enter_line(work.of->position, idle)) {
        work.begin(idle);
    }
}

void run_on_worker(op::operation& queued) noexcept {
    file_work& work = work_in(queued);
    work.on_worker = true;
    const auto submitted =
        threadpool::pool::process().submit(threadpool::lane_kind::files, work);
    if (submitted) {
        queued.submit();
    } else {
        work.of->on->settle(queued, -submitted.error());
    }
}

void run_in_ring_or_on_worker(op::operation& queued) noexcept {
    file_work& work = work_in(queued);
    loop::loop& on = *work.of->on;
    if (may_use_ring(on) && !work.by_position) {
        work.on_worker = false;
        on.queue_armed(queued);
    } else {
        run_on_worker(queued);
    }
}

void* allocate_work(std::size_t size, std::size_t extra) noexcept {
    const std::size_t whole = (size + extra + work_alignment - 1) & ~(work_alignment - 1);
    return whole < size ? nullptr : std::aligned_alloc(work_alignment, whole);
}

void destroy_work(file_work& done) noexcept {
    let_go(*done.of, done.is_abandoned());
    std::free(&done); // works are plain data
}

} // namespace coring::io
