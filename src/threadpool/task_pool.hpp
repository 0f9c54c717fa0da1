// A set of threads and the tasks that take turns on them. What a task is, only its maker knows.
#pragma once

#include "base/result.hpp"
#include "threadpool/annotations.hpp"
#include "threadpool/worker.hpp"

#include <atomic>
#include <cstddef>

namespace coring::threadpool {

class task_pool;

// What a task wants after a stretch of work.
enum class task_end : std::uint8_t {
    over,      // nothing more
    again,     // its next turn
    suspended, // nothing until somebody wakes it
};

//                   a thread takes it              wants its next turn
//     pending ────────────────────────► running ─────────────────────────► pending
//        ▲                                 │ wants nothing
//        └──────────── wake() ── suspended ◄┘
//
// To be derived from. All calls but wake() come from one thread at a time.
struct pool_task : base::list_link {
    // A stretch of work, on a thread of the pool.
    using run_function = task_end (*)(pool_task&) noexcept;

    // The end of a stretch that ended suspended: from inside on, anybody may wake the task.
    // Nothing of it is touched after that. True: it need not wait at all.
    using rest_function = bool (*)(pool_task&) noexcept;

    // Frees it, in whatever thread: it is over, or will never run any more.
    using discard_function = void (*)(pool_task&) noexcept;

    pool_task(run_function run_it, rest_function rest_it, discard_function discard_it) noexcept
        : run{run_it}, rest{rest_it}, discard{discard_it} {}

    pool_task(const pool_task&) = delete;
    pool_task& operator=(const pool_task&) = delete;
    pool_task(pool_task&&) = delete;
    pool_task& operator=(pool_task&&) = delete;

    run_function run;
    rest_function rest;
    discard_function discard;

protected:
    ~pool_task() = default;
};

// All at one moment.
struct task_counts {
    std::size_t running;
    std::size_t pending;
    std::size_t suspended;
    std::size_t expected; // threads there are to be
    std::size_t actual;   // threads there are
};

// Tasks are taken first in, first out. The list link is its maker's. Any thread may call; it is
// counted by those who use it: its maker, its tasks, its threads. The mutex is never held while
// a task runs, rests or is discarded. After a fork the child has none of the threads, and
// perhaps a locked mutex: it must not call its parent's pools.
class task_pool : public base::list_link {
public:
    // `leave` is the last that each thread does for its owner.
    using leave_function = void (*)() noexcept;

    // Null when memory is short. Without threads, for its maker to close().
    [[nodiscard]] static task_pool* make(leave_function leave) noexcept;

    task_pool(const task_pool&) = delete;
    task_pool& operator=(const task_pool&) = delete;
    task_pool(task_pool&&) = delete;
    task_pool& operator=(task_pool&&) = delete;

    // How many threads there are to be. Idle ones that are too many end soon, busy ones when
    // they have let go of their task. New ones start as they are needed or, if `now`, before
    // this returns. An errno if they do not: then all is as before, soon.
    [[nodiscard]] int resize(std::size_t size, bool now) noexcept CORING_EXCLUDES(mutex_);

    // Adds a task. An errno, and the task is the caller's, if the pool is closed, or has no
    // thread and can start none though it should.
    [[nodiscard]] int submit(pool_task& added) noexcept CORING_EXCLUDES(mutex_);

    // A suspended task goes on, or is discarded if the pool is closed. Once for each time it
    // was suspended.
    void wake(pool_task& suspended) noexcept CORING_EXCLUDES(mutex_);

    [[nodiscard]] task_counts counts() noexcept CORING_EXCLUDES(mutex_);

    // Waits until there are no tasks or no threads, ends the threads, discards the pending
    // tasks, and gives up its maker's use. Tasks that are suspended then are discarded when
    // somebody wakes them.
    void close() noexcept CORING_EXCLUDES(mutex_);

    void use() noexcept { users_.fetch_add(1, std::memory_order_relaxed); }

    // The last one frees it.
    void let_go() noexcept;

private:
    explicit task_pool(leave_function leave) noexcept : leave_{leave} {}

    ~task_pool();

    static void work(worker& self) noexcept;

    [[nodiscard]] pool_task* take() noexcept CORING_EXCLUDES(mutex_);
    void attend(pool_task& taken) noexcept CORING_EXCLUDES(mutex_);
    void put_off(pool_task& running) noexcept CORING_EXCLUDES(mutex_);
    void suspend(pool_task& running) noexcept CORING_EXCLUDES(mutex_);
    void finish(pool_task& running) noexcept CORING_EXCLUDES(mutex_);
    void retire() noexcept CORING_EXCLUDES(mutex_);

    void append(pool_task& pending) noexcept CORING_REQUIRES(mutex_);
    [[nodiscard]] int start_thread() noexcept CORING_REQUIRES(mutex_);
    [[nodiscard]] int start_needed() noexcept CORING_REQUIRES(mutex_);
    [[nodiscard]] bool has_work() const noexcept CORING_REQUIRES(mutex_);

    const leave_function leave_;
    std::atomic<std::uint32_t> users_{1};
    mutex mutex_;
    condition work_came_;
    condition changed_; // for close()
    base::intrusive_list<pool_task> pending_ CORING_GUARDED_BY(mutex_);
    task_counts counts_ CORING_GUARDED_BY(mutex_){};
    std::size_t idle_ CORING_GUARDED_BY(mutex_) = 0;    // threads without a task
    std::size_t leaving_ CORING_GUARDED_BY(mutex_) = 0; // threads that end
    bool closed_ CORING_GUARDED_BY(mutex_) = false;
};

} // namespace coring::threadpool
