#include "threadpool/task_pool.hpp"

#include <cerrno>
#include <new>

namespace coring::threadpool {

task_pool* task_pool::make(leave_function leave) noexcept {
    return new (std::nothrow) task_pool{leave};
}

task_pool::~task_pool() {
    const lock guard{mutex_};
    CORING_ASSERT(counts_.actual + leaving_ == 0 && pending_.empty());
}

void task_pool::let_go() noexcept {
    if (users_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
        delete this;
    }
}

int task_pool::start_thread() noexcept {
    auto* const record = new (std::nothrow) worker{work, this, "coring-tasks"};
    if (record == nullptr) {
        return ENOMEM;
    }
    use();
    // The thread's first act is to lock the mutex, so it finds itself counted.
    if (auto started = start(*record, default_stack); !started) {
        delete record;
        users_.fetch_sub(1, std::memory_order_relaxed); // not the last: the caller uses it
        return started.error();
    }
    ++counts_.actual;
    ++idle_; // on its way to its first task
    return 0;
}

// Threads for tasks that wait, as far as there are to be any. Idle ones are on their way to the
// tasks that were there before.
int task_pool::start_needed() noexcept {
    while (counts_.pending > idle_ && counts_.actual < counts_.expected) {
        if (const int failed = start_thread(); failed != 0) {
            return counts_.actual == 0 ? failed : 0;
        }
    }
    return 0;
}

int task_pool::resize(std::size_t size, bool now) noexcept {
    int failed = 0;
    {
        const lock guard{mutex_};
        const std::size_t before = counts_.expected;
        counts_.expected = size;
        while (now && failed == 0 && counts_.actual < size) {
            failed = start_thread();
        }
        if (failed == 0) {
            failed = start_needed();
        }
        if (failed != 0) {
            counts_.expected = before;
        }
    }
    work_came_.wake_all(); // those that are too many
    changed_.wake_all();
    return failed;
}

void task_pool::append(pool_task& pending) noexcept {
    pending_.push_back(pending);
    ++counts_.pending;
}

int task_pool::submit(pool_task& added) noexcept {
    {
        const lock guard{mutex_};
        if (closed_) {
            return ECANCELED;
        }
        append(added);
        if (const int failed = start_needed(); failed != 0) {
            added.unlink();
            --counts_.pending;
            return failed;
        }
    }
    work_came_.wake_one();
    return 0;
}

void task_pool::wake(pool_task& suspended) noexcept {
    use(); // the task's own may end with it, as soon as the mutex is free
    bool dead = false;
    {
        const lock guard{mutex_};
        --counts_.suspended;
        dead = closed_;
        if (!dead) {
            append(suspended);
            if (start_needed() != 0) { // the next occasion tries again
                changed_.wake_all();
            }
        }
    }
    if (dead) {
        suspended.discard(suspended);
    } else {
        work_came_.wake_one();
    }
    let_go();
}

task_counts task_pool::counts() noexcept {
    const lock guard{mutex_};
    return counts_;
}

// Whether there is somebody to wait for, and somebody who could do something.
bool task_pool::has_work() const noexcept {
    const bool tasks = counts_.running + counts_.pending + counts_.suspended > 0;
    return tasks && (counts_.actual > 0 || counts_.expected > 0);
}

void task_pool::close() noexcept {
    base::intrusive_list<pool_task> left;
    {
        const lock guard{mutex_};
        while (has_work()) {
            if (start_needed() != 0) {
                counts_.expected = 0; // nobody is there to do anything
                continue;
            }
            static_cast<void>(changed_.wait(mutex_, condition::never));
        }
        closed_ = true;
        counts_.expected = 0;
        work_came_.wake_all();
        while (counts_.actual + leaving_ > 0) {
            static_cast<void>(changed_.wait(mutex_, condition::never));
        }
        left.splice_back(pending_);
        counts_.pending = 0;
    }
    while (pool_task* const each = left.pop_front()) {
        each->discard(*each);
    }
    let_go();
}

// --- threads --------------------------------------------------------------------------------

void task_pool::work(worker& self) noexcept {
    auto& of = *static_cast<task_pool*>(self.owner);
    delete &self;
    // NOLINTNEXTLINE(clang-analyzer-cplusplus.NewDelete): not freed while this thread uses it
    while (pool_task* const taken = of.take()) {
        of.attend(*taken);
    }
    of.leave_();
    of.retire();
}

// The next task, waiting for it as long as it takes; null if this thread is one too many.
pool_task* task_pool::take() noexcept {
    const lock guard{mutex_};
    for (;;) {
        if (counts_.actual > counts_.expected) {
            --idle_;
            --counts_.actual;
            ++leaving_;
            if (counts_.pending > 0) {
                work_came_.wake_one(); // it may have been this one that was woken for it
            }
            return nullptr;
        }
        if (pool_task* const first = pending_.pop_front(); first != nullptr) {
            --idle_;
            --counts_.pending;
            ++counts_.running;
            return first;
        }
        static_cast<void>(work_came_.wait(mutex_, condition::never));
    }
}

void task_pool::attend(pool_task& taken) noexcept {
    switch (taken.run(taken)) {
    case task_end::over:
        finish(taken);
        return;
    case task_end::again:
        put_off(taken);
        return;
    case task_end::suspended:
        suspend(taken);
        return;
    }
}

// No thread needs to be woken for it: this one comes by next.
void task_pool::put_off(pool_task& running) noexcept {
    const lock guard{mutex_};
    --counts_.running;
    ++idle_;
    append(running);
}

// It counts as suspended before anybody can wake it.
void task_pool::suspend(pool_task& running) noexcept {
    {
        const lock guard{mutex_};
        --counts_.running;
        ++counts_.suspended;
        ++idle_;
    }
    if (running.rest(running)) {
        wake(running);
    }
}

void task_pool::finish(pool_task& running) noexcept {
    running.discard(running);
    const lock guard{mutex_};
    --counts_.running;
    ++idle_;
    if (!has_work()) {
        changed_.wake_all();
    }
}

void task_pool::retire() noexcept {
    {
        const lock guard{mutex_};
        --leaving_;
        changed_.wake_all();
    }
    let_go();
}

} // namespace coring::threadpool
