// Where the loops of a process have blocking work done.
#pragma once

#include "threadpool/sizes.hpp"
#include "threadpool/supervisor.hpp"

#include <array>

namespace coring::threadpool {

// Kinds of work that must not wait for each other.
enum class lane_kind : std::uint8_t {
    states, // state coroutines: run programs, on full stacks; their number is fixed
    names,  // the resolver
    files,  // file calls that may block
};

// How long a closing loop waits for calls that run.
inline constexpr std::uint64_t drain_limit_ns = 100 * base::ns_per_ms;

// Lanes for all kinds and the supervisor that lets those of calls grow, up to 64 workers, when
// all are stuck. Any thread may call; all calls about one job or one mailbox come from the
// owner of the mailbox. A pool whose workers started is never destroyed: some may be blocked
// for good. After a fork the child has no workers and perhaps a locked mutex: it must not call
// its parent's pool.
class pool {
public:
    explicit pool(const pool_sizes& sizes) noexcept;

    // The pool of the process, of the sizes the environment asked for at the first call. It is
    // never destroyed; the process may exit while workers are blocked.
    [[nodiscard]] static pool& process() noexcept;

    // Has a worker run the job and post it home. Fails with EAGAIN when too many jobs wait,
    // with EAGAIN or ENOMEM when there is no worker and none can be started; the job is then
    // untouched.
    [[nodiscard]] base::result<void> submit(lane_kind kind, job& entry) noexcept;

    // True if no worker had taken the job: it never runs and is the caller's, idle. If false,
    // it is running, or its mail is in its home or on its way. Requires that it was submitted
    // and that its mail was not collected.
    [[nodiscard]] static bool unqueue(job& entry) noexcept;

    // Gives the job away: true if nothing will be posted; `discard` is called by the job's
    // worker when it is done or, if none had taken it, here and now. False if the job is
    // finished and in its home or on its way there. Requires as unqueue().
    [[nodiscard]] static bool abandon(job& entry) noexcept;

    // For a loop that goes away. Waiting jobs of that home are discarded. State coroutines that
    // run are waited for, however long; calls that run are waited for until `limit_ns` from
    // now, then abandoned. True if none was. Ensures that no worker touches the mailbox any
    // more; the jobs that finished are in it and must still be collected. Requires that nobody
    // submits for that home from now on.
    [[nodiscard]] bool drain(const base::mailbox& home,
                             std::uint64_t limit_ns = drain_limit_ns) noexcept;

    [[nodiscard]] lane_counts counts(lane_kind kind) noexcept { return of(kind).counts(); }

private:
    [[nodiscard]] lane& of(lane_kind kind) noexcept {
        return lanes_[static_cast<std::size_t>(kind)];
    }

    std::array<lane, 3> lanes_; // in the order of lane_kind
    supervisor supervisor_{lanes_};
};

} // namespace coring::threadpool
