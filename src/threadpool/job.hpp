// A piece of blocking work, from the loop that wants it done to the worker and back.
#pragma once

#include "base/intrusive_list.hpp"
#include "base/mailbox.hpp"

#include <cstdint>

namespace coring::threadpool {

class lane;

//            submit           a worker takes it          run() returned
//     idle ─────────► waiting ─────────────────► running ──────────────► finished, posted home
//      ▲  unqueue, drain │                          │ abandon, drain
//      └─────────────────┘                          └─► abandoned ─────► finished, discarded
enum class job_state : std::uint8_t { idle, waiting, running, abandoned, finished };

// To be derived from. A job owns all that run() touches (arguments, results): nothing else
// keeps it alive while a worker is inside. It stays in place from submit() until its mail was
// collected from `home`, until unqueue() said that it will never run, or until `discard` was
// called; it may then be submitted again. Only the thread that owns `home` submits, unqueues
// and abandons.
struct job : base::mail, base::list_link {
    using function = void (*)(job&) noexcept;

    job(function run_it, function discard_it, base::mailbox& home_of_it) noexcept
        : run{run_it}, discard{discard_it}, home{&home_of_it} {}

    job(const job&) = delete;
    job& operator=(const job&) = delete;
    job(job&&) = delete;
    job& operator=(job&&) = delete;

    // Does the work and keeps the result in the job. On a worker, all signals blocked. May
    // block for good.
    function run;

    // Frees the job with all it owns, in place of the mail. Called once, without any lock: by
    // the worker after run() when the job was abandoned, or by drain() or abandon() on their
    // caller's thread when no worker had taken it. `state` tells which: finished or idle.
    function discard;

    // Where the finished job is posted. Null once abandoned: the mailbox may be gone.
    base::mailbox* home;

    // The two below belong to the pool: guarded by the lane's mutex between submit() and the
    // end.
    lane* place = nullptr;
    job_state state = job_state::idle;

protected:
    ~job() = default;
};

} // namespace coring::threadpool
