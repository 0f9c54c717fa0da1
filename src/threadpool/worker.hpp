// A thread of the engine's own. This is the one place that starts threads.
#pragma once

#include "base/intrusive_list.hpp"
#include "base/mailbox.hpp"
#include "base/result.hpp"

#include <cstddef>

namespace coring::threadpool {

struct job;

// A detached thread: nobody joins it, and the process may exit while it blocks. Its record
// lives until `body` frees it or, if that never returns, for good; `owner` and `name` must live
// as long.
struct worker : base::list_link {
    using function = void (*)(worker&) noexcept;

    worker(function body_of_it, void* owner_of_it, const char* name_of_it) noexcept
        : body{body_of_it}, owner{owner_of_it}, name{name_of_it} {}

    function body;    // what the thread does; it ends when this returns
    void* owner;      // for the body
    const char* name; // of the thread, at most 15 bytes

    // What the thread is busy with; guarded by the lane's mutex. First `current` is what it
    // runs, then `posting` is where it posts: by then the job may be gone.
    job* current = nullptr;
    base::mailbox* posting = nullptr;
};

// The stack of threads that only do calls of the C library. Enough for the resolver.
inline constexpr std::size_t small_stack = std::size_t{256} * 1024;

// The stack the process gives to any thread; for what runs programs.
inline constexpr std::size_t default_stack = 0;

// Starts the thread. It is born with all signals blocked but the synchronous faults, which no
// thread may block (they would then kill the process past the handlers of the host). Fails with
// EAGAIN or ENOMEM; the record is the caller's again then.
[[nodiscard]] base::result<void> start(worker& record, std::size_t stack_bytes) noexcept;

// How many threads started here exist, never more than there are: a thread is counted a moment
// after it began, and no longer counted a moment before it ends, when it has done all its work.
// Any thread.
[[nodiscard]] long live_threads() noexcept;

} // namespace coring::threadpool
