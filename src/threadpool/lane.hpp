// One kind of blocking work: its queue and its workers, apart from those of other kinds.
#pragma once

#include "base/clock.hpp"
#include "threadpool/annotations.hpp"
#include "threadpool/job_queue.hpp"
#include "threadpool/worker.hpp"

namespace coring::threadpool {

struct lane_options {
    const char* name;        // of the threads
    std::size_t size;        // workers started as jobs come
    std::size_t limit;       // workers at most, when all are stuck; `size` never grows
    std::size_t stack_bytes; // small_stack or default_stack
    std::size_t queue_limit = 65536;
    std::uint64_t idle_ns = 10 * base::ns_per_s; // how long a worker beyond `size` stays idle
};

// For diagnostics and tests.
struct lane_counts {
    std::size_t workers;
    std::size_t idle;
    std::size_t waiting; // jobs
};

// Whether a lane can use help from the supervisor.
enum class pressure : std::uint8_t { calm, pressed };

// A queue and its workers, which start when there is something to do. Any thread may call. The
// lane must outlive its workers, which never end but for idleness: in practice it is never
// destroyed once a job was submitted. The mutex is never held while a job runs, is discarded or
// is posted.
class lane {
public:
    explicit lane(const lane_options& options) noexcept : options_{options} {}

    lane(const lane&) = delete;
    lane& operator=(const lane&) = delete;
    lane(lane&&) = delete;
    lane& operator=(lane&&) = delete;
    ~lane();

    // Queues the job. Fails with EAGAIN when the queue is full; with EAGAIN or ENOMEM when
    // there is no worker and none can be started. The job is then untouched. On success the
    // answer is `pressed` if jobs have to wait and a supervisor could help.
    [[nodiscard]] base::result<pressure> submit(job& entry) noexcept CORING_EXCLUDES(mutex_);

    // True if no worker had taken the job: it is idle now and never runs. Requires that it was
    // submitted here and that its mail was not collected.
    [[nodiscard]] bool unqueue(job& entry) noexcept CORING_EXCLUDES(mutex_);

    // Gives the job away: true if it will not be posted but discarded, here and now when no
    // worker had taken it, otherwise by its worker; false if it is finished and in its home's
    // mailbox, or on the way there. Requires as above.
    [[nodiscard]] bool abandon(job& entry) noexcept CORING_EXCLUDES(mutex_);

    // Discards the waiting jobs of one home. Requires that its owner submits nothing meanwhile.
    void drop(const base::mailbox& home) noexcept CORING_EXCLUDES(mutex_);

    // Waits until no worker runs or posts a job of that home, or until the deadline (or
    // `never`), and abandons those that run then. True if there were none. Either way no worker
    // of this lane touches the mailbox afterwards. Requires as drop().
    [[nodiscard]] bool settle(const base::mailbox& home, std::uint64_t deadline_ns) noexcept
        CORING_EXCLUDES(mutex_);

    // For the supervisor. begin_watch() starts a period; relieve() ends it, adds a worker if in
    // that time no worker took a job though one waits now, and starts the next. Both answer
    // `pressed` if jobs wait and more workers might help.
    [[nodiscard]] pressure begin_watch() noexcept CORING_EXCLUDES(mutex_);
    [[nodiscard]] pressure relieve() noexcept CORING_EXCLUDES(mutex_);

    [[nodiscard]] lane_counts counts() noexcept CORING_EXCLUDES(mutex_);

private:
    static void work(worker& self) noexcept;

    [[nodiscard]] base::result<pressure> enqueue(job& entry) noexcept CORING_EXCLUDES(mutex_);
    [[nodiscard]] job* take(worker& self) noexcept CORING_EXCLUDES(mutex_);
    void deliver(worker& self, job& done) noexcept CORING_EXCLUDES(mutex_);

    [[nodiscard]] bool wait_for_job() noexcept CORING_REQUIRES(mutex_);
    [[nodiscard]] base::result<void> add_worker() noexcept CORING_REQUIRES(mutex_);
    [[nodiscard]] bool busy_for(const base::mailbox& home) noexcept CORING_REQUIRES(mutex_);
    [[nodiscard]] bool abandon_running(const base::mailbox& home) noexcept
        CORING_REQUIRES(mutex_);

    [[nodiscard]] pressure present_pressure() const noexcept CORING_REQUIRES(mutex_);

    const lane_options options_;
    mutex mutex_;
    condition job_came_;
    condition settled_;
    job_queue queue_ CORING_GUARDED_BY(mutex_){options_.queue_limit};
    base::intrusive_list<worker> workers_ CORING_GUARDED_BY(mutex_);
    std::size_t worker_count_ CORING_GUARDED_BY(mutex_) = 0;
    std::size_t idle_ CORING_GUARDED_BY(mutex_) = 0;     // workers that wait for a job
    std::size_t settling_ CORING_GUARDED_BY(mutex_) = 0; // threads inside settle()
    std::uint64_t taken_ CORING_GUARDED_BY(mutex_) = 0;  // jobs taken by workers, ever
    std::uint64_t noted_ CORING_GUARDED_BY(mutex_) = 0;  // the same, when the period began
};

} // namespace coring::threadpool
