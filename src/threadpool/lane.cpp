#include "threadpool/lane.hpp"

#include "base/assert.hpp"

#include <new>

namespace coring::threadpool {

lane::~lane() {
    const lock guard{mutex_};
    CORING_ASSERT(worker_count_ == 0 && queue_.empty());
}

base::result<pressure> lane::submit(job& entry) noexcept {
    CORING_ASSERT(entry.run != nullptr && entry.discard != nullptr && entry.home != nullptr);
    auto queued = enqueue(entry);
    if (queued) {
        // Not under the mutex: whoever wakes would at once sleep again, on that.
        job_came_.wake_one();
    }
    return queued;
}

base::result<pressure> lane::enqueue(job& entry) noexcept {
    const lock guard{mutex_};
    if (!queue_.push(entry)) {
        return base::failure{EAGAIN};
    }
    if (queue_.count() > idle_ && worker_count_ < options_.size) {
        const auto started = add_worker();
        if (!started && worker_count_ == 0) {
            queue_.remove(entry);
            return base::failure{started.error()};
        }
    }
    entry.place = this;
    return present_pressure();
}

bool lane::unqueue(job& entry) noexcept {
    const lock guard{mutex_};
    CORING_ASSERT(entry.place == this);
    if (entry.state != job_state::waiting) {
        return false;
    }
    queue_.remove(entry);
    return true;
}

bool lane::abandon(job& entry) noexcept {
    {
        const lock guard{mutex_};
        CORING_ASSERT(entry.place == this);
        CORING_ASSERT(entry.state != job_state::idle && entry.state != job_state::abandoned);
        if (entry.state == job_state::running) {
            entry.state = job_state::abandoned;
            entry.home = nullptr;
            return true; // from here on the job is its worker's
        }
        if (entry.state == job_state::finished) {
            return false;
        }
        queue_.remove(entry);
    }
    entry.discard(entry);
    return true;
}

void lane::drop(const base::mailbox& home) noexcept {
    base::intrusive_list<job> dropped;
    {
        const lock guard{mutex_};
        queue_.remove_of(home, dropped);
    }
    while (job* const entry = dropped.pop_front()) {
        entry->discard(*entry);
    }
}

bool lane::settle(const base::mailbox& home, std::uint64_t deadline_ns) noexcept {
    const lock guard{mutex_};
    ++settling_;
    bool timely = true;
    while (timely && busy_for(home)) {
        timely = settled_.wait(mutex_, deadline_ns);
    }
    // A worker that has passed its decision to post is done in moments; the deadline is for
    // jobs.
    const bool abandoned = abandon_running(home);
    while (busy_for(home)) {
        static_cast<void>(settled_.wait(mutex_, condition::never));
    }
    --settling_;
    return !abandoned;
}

pressure lane::begin_watch() noexcept {
    const lock guard{mutex_};
    noted_ = taken_;
    return present_pressure();
}

pressure lane::relieve() noexcept {
    const lock guard{mutex_};
    const bool stuck = taken_ == noted_;
    noted_ = taken_;
    const pressure found = present_pressure();
    if (found == pressure::pressed && stuck && worker_count_ < options_.limit) {
        // If it fails, the jobs wait on and the next period tries again.
        static_cast<void>(add_worker());
    }
    return found;
}

// Idle workers count as on their way: each was woken for one of the jobs.
pressure lane::present_pressure() const noexcept {
    const bool helpless = options_.limit <= options_.size;
    return helpless || queue_.count() <= idle_ ? pressure::calm : pressure::pressed;
}

lane_counts lane::counts() noexcept {
    const lock guard{mutex_};
    return {worker_count_, idle_, queue_.count()};
}

// The life of a worker's thread.
void lane::work(worker& self) noexcept {
    auto& of = *static_cast<lane*>(self.owner);
    while (job* const taken = of.take(self)) {
        taken->run(*taken);
        of.deliver(self, *taken);
    }
    delete &self;
}

// The next job, waiting for it as long as it takes; null if this worker is one too many, and
// then the lane has forgotten it.
job* lane::take(worker& self) noexcept {
    const lock guard{mutex_};
    self.posting = nullptr;
    if (settling_ > 0) {
        settled_.wake_all();
    }
    while (queue_.empty()) {
        if (!wait_for_job()) {
            self.unlink();
            --worker_count_;
            return nullptr;
        }
    }
    self.current = queue_.pop();
    ++taken_;
    return self.current;
}

// False if the worker should end: it is beyond the lane's size and was idle for long.
bool lane::wait_for_job() noexcept {
    const bool spare = worker_count_ > options_.size;
    const std::uint64_t deadline_ns =
        spare ? base::monotonic_ns() + options_.idle_ns : condition::never;
    ++idle_;
    const bool woken = job_came_.wait(mutex_, deadline_ns);
    --idle_;
    return woken || !queue_.empty() || worker_count_ <= options_.size;
}

// After run(). Whether to post is settled under the mutex, so that abandoning either comes
// first or finds the job finished. From then on `posting` stands for the job, which the owner
// of the mailbox may free as soon as it is posted.
void lane::deliver(worker& self, job& done) noexcept {
    base::mailbox* home = nullptr;
    {
        const lock guard{mutex_};
        home = done.home; // null if abandoned
        CORING_ASSERT((home == nullptr) == (done.state == job_state::abandoned));
        done.state = job_state::finished;
        self.current = nullptr;
        self.posting = home;
    }
    if (home == nullptr) {
        done.discard(done);
    } else {
        home->post(done);
    }
}

base::result<void> lane::add_worker() noexcept {
    auto* const record = new (std::nothrow) worker{work, this, options_.name};
    if (record == nullptr) {
        return base::failure{ENOMEM};
    }
    // The thread's first act is to lock the mutex, so it finds itself counted and listed.
    auto started = start(*record, options_.stack_bytes);
    if (!started) {
        delete record;
        return started;
    }
    workers_.push_back(*record);
    ++worker_count_;
    return {};
}

bool lane::busy_for(const base::mailbox& home) noexcept {
    for (worker* at = workers_.front(); at != nullptr; at = workers_.after(*at)) {
        if (at->posting == &home || (at->current != nullptr && at->current->home == &home)) {
            return true;
        }
    }
    return false;
}

// True if there was one.
bool lane::abandon_running(const base::mailbox& home) noexcept {
    bool found = false;
    for (worker* at = workers_.front(); at != nullptr; at = workers_.after(*at)) {
        if (at->current != nullptr && at->current->home == &home) {
            at->current->state = job_state::abandoned;
            at->current->home = nullptr;
            found = true;
        }
    }
    return found;
}

} // namespace coring::threadpool
