// What makes a verb: a static table of what an operation of this kind does at each point of its
// life. A new verb is one table and the functions it names; nothing else has to be edited.
#pragma once

#include <cstdint>

namespace coring::proactor {
class submission;
}

namespace coring::op {

struct operation;

// What happens to the operation when its coroutine leaves early (behaviour 1.4).
enum class departure : std::uint8_t {
    drop,    // the wait ends; nothing is pending any more
    go_on,   // what was asked is done to its end, unseen
    unqueue, // never runs if no worker took it; goes on otherwise
};

// In which part of a turn a completed operation is delivered (behaviour 2.5).
enum class phase : std::uint8_t {
    transfers, // writes done, shutdowns, connections that failed at once
    events,    // whatever the system made ready
    canceled,  // what a close ended
};

// Which of a descriptor's directions the operation waits on.
enum class direction : std::uint8_t { none, in, out };

// Always made by naming its members; only the last may be left out.
// NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init)
struct operation_type {
    const char* name; // as the manual calls it, for diagnostics
    departure on_leave;
    phase delivered_in;
    direction side;

    // Ring: fills the entry. Null for verbs that never enter a ring.
    void (*prepare)(operation&, proactor::submission&) noexcept;

    // Readiness engine: the non-blocking call, tried at once and then whenever the descriptor
    // is ready; -EAGAIN means "wait". Null when readiness itself is the answer.
    int (*attempt)(operation&) noexcept;

    // Takes the answer (a count or a negative errno) and sets operation.result. False when the
    // operation has more to do and must be queued again. Null: the answer is the result.
    bool (*finish)(operation&, int answer) noexcept;

    // The waiter leaves and the operation goes on: takes over what was the waiter's (memory
    // lent to the kernel). May be null.
    void (*take_over)(operation&) noexcept;

    // The operation is over: lets go of its object and gives back what the verb owns. Called
    // once or twice, so it leaves nothing behind that it would give back again. May be null.
    void (*release)(operation&) noexcept;

    // Its waiter begins another await with the record: ends what release() let live until the
    // waiter has gone on. Null where that is nothing.
    void (*moved_on)(operation&) noexcept = nullptr;
};

} // namespace coring::op
