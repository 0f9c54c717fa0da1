// The narrow interface between the loop and whatever completes its operations: the ring, the
// readiness engine, or one that a test drives.
#pragma once

#include "op/operation.hpp"

#include <cstdint>

namespace coring::op {

// Takes what an engine finds out. Called only inside calls of the engine, never by itself; must
// not call the engine.
class completion_sink {
public:
    completion_sink() noexcept = default;
    completion_sink(const completion_sink&) = delete;
    completion_sink& operator=(const completion_sink&) = delete;
    completion_sink(completion_sink&&) = delete;
    completion_sink& operator=(completion_sink&&) = delete;
    virtual ~completion_sink() = default;

    // The kernel's answer to an operation in flight: a count or a negative errno.
    virtual void completed(operation& done, int answer) noexcept = 0;

    // A watched descriptor is readable.
    virtual void watched(unsigned watch) noexcept = 0;
};

constexpr std::int64_t no_deadline = INT64_MAX;

// How an entry into the kernel ended.
enum class entry : std::uint8_t { done, interrupted };

// Runs operations. All calls come from one thread at a time; a ring also insists on the thread.
class engine {
public:
    engine() noexcept = default;
    engine(const engine&) = delete;
    engine& operator=(const engine&) = delete;
    engine(engine&&) = delete;
    engine& operator=(engine&&) = delete;
    virtual ~engine() = default;

    // "uring" or "epoll".
    [[nodiscard]] virtual const char* name() const noexcept = 0;

    // Whether a queued operation may ask for anything its `prepare` can, and not only for a
    // descriptor to become ready.
    [[nodiscard]] virtual bool takes_entries() const noexcept { return false; }

    // Hands over the queued operations, sleeps up to `timeout_ns` (0: not at all) until
    // something completes, and reports what completed. Operations for which a queue has no room
    // stay in `queued`; then it does not sleep.
    virtual entry
    enter(operation_list& queued, completion_sink& sink, std::int64_t timeout_ns) noexcept = 0;

    // Takes an operation back that is in the kernel. Ensures that the kernel has nothing to do
    // with it any more: either it was reported to the sink, or it never will be.
    virtual void withdraw(operation& target, completion_sink& sink) noexcept = 0;

    // The descriptor is about to be closed. Requires that nothing waits on it.
    virtual void forget(descriptor& closing) noexcept = 0;

    // The descriptor object moved in memory to `place`.
    virtual void moved(descriptor& place) noexcept = 0;

    // Reports readability of `fd` to the sink as `watch` (a small number), again and again.
    // Zero, or an errno.
    [[nodiscard]] virtual int watch(int fd, unsigned watch) noexcept = 0;

    // Operations in the kernel; watches do not count.
    [[nodiscard]] virtual std::uint32_t in_kernel() const noexcept = 0;

    // Takes back everything, watches too, reporting operations to the sink. False if the kernel
    // did not give all of it back within a bound: then the engine's memory must not be freed.
    [[nodiscard]] virtual bool withdraw_all(completion_sink& sink) noexcept = 0;

    // A run begins on the calling thread: what of the engine belongs to a thread is fetched
    // now. Zero, or an errno. Engines that stay where they are have nothing to do.
    [[nodiscard]] virtual int arrive() noexcept { return 0; }

    // The run ends, and the next may be on another thread: nothing stays in what belongs to
    // this one. An operation that is cut short for that is reported as -ECANCELED; one that
    // must not be is waited for.
    virtual void park(completion_sink&) noexcept {}

    // Whether the calling thread may drive this engine.
    [[nodiscard]] virtual bool belongs_here() const noexcept = 0;
};

} // namespace coring::op
