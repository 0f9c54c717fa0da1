// The record of one awaited thing: who waits, for what, in which state. Every change of state
// is a named function that asserts where it starts; docs/architecture.md draws the same arrows.
#pragma once

#include "base/assert.hpp"
#include "base/intrusive_list.hpp"
#include "base/slab.hpp"

#include <cstdint>
#include <type_traits>

namespace coring::op {

struct descriptor;
struct operation_type;

// Where an operation is in its life. The detached states are those of an operation that goes on
// after its coroutine left.
enum class state : std::uint8_t {
    idle,            // nobody's: the record is free, or reserved and not yet armed
    queued,          // waits to be handed to the kernel, or behind another one on its stream
    in_flight,       // the kernel, the timer queue or a worker owes an answer
    ready,           // the answer is here; on a ready list
    delivering,      // its coroutine is being resumed
    detached_queued, // as queued, without a coroutine
    detached,        // as in_flight, without a coroutine
};

[[nodiscard]] const char* state_name(state at) noexcept;

// One operation. Records live in a slab and never move; the slot and the generation together
// name one tenancy. A cache line each: an idle connection keeps one, a busy server walks
// thousands.
struct alignas(64) operation : base::list_link {
    static constexpr std::uint32_t not_chained = UINT32_MAX;

    const operation_type* type = nullptr;
    void* waiter = nullptr;       // the coroutine; the engine never looks into it
    descriptor* target = nullptr; // the descriptor it is about, if any
    void* data = nullptr;         // the verb's own, in memory the verb owns
    std::uint32_t slot = 0;       // kept by the slab
    std::uint32_t chained = 0;    // next record in the waiter index's bucket
    std::int32_t result = 0;      // a count or a negative errno; in the timer queue, its place
    std::uint16_t generation = 0; // kept by the slab
    state at = state::idle;
    bool timed : 1 = false;    // in the timer queue, not in the kernel
    bool anchored : 1 = false; // whoever made it keeps its waiter alive
    bool guarded : 1 = false;  // whoever made it hears when its waiter goes

    [[nodiscard]] bool in_kernel() const noexcept {
        return (at == state::in_flight || at == state::detached) && !timed;
    }

    [[nodiscard]] bool is_detached() const noexcept {
        return at == state::detached || at == state::detached_queued;
    }

    // The arrows, numbered as in docs/architecture.md.
    void arm() noexcept { move(state::idle, state::queued); } // 1

    void submit() noexcept { // 2, 13
        at == state::detached_queued ? move(state::detached_queued, state::detached)
                                     : move(state::queued, state::in_flight);
    }

    void complete(int value) noexcept { // 3
        move(state::in_flight, state::ready);
        result = value;
    }

    void settle(int value) noexcept { // 4
        move(state::queued, state::ready);
        result = value;
    }

    void begin_delivery() noexcept { move(state::ready, state::delivering); } // 5

    void requeue() noexcept { move(state::delivering, state::queued); } // 6

    void conclude() noexcept { move(state::delivering, state::idle); } // 7

    void drop_queued() noexcept { move(state::queued, state::idle); } // 8

    void drop_in_flight() noexcept { move(state::in_flight, state::idle); } // 9

    void drop_ready() noexcept { move(state::ready, state::idle); } // 10

    void detach() noexcept { // 11, 12
        at == state::queued ? move(state::queued, state::detached_queued)
                            : move(state::in_flight, state::detached);
    }

    void end_detached() noexcept { // 14, 15
        at == state::detached_queued ? move(state::detached_queued, state::idle)
                                     : move(state::detached, state::idle);
    }

    void go_again() noexcept { // 16, 17
        at == state::detached ? move(state::detached, state::detached_queued)
                              : move(state::in_flight, state::queued);
    }

    void postpone() noexcept { move(state::delivering, state::ready); } // 18

private:
    void move(state from, state to) noexcept {
        CORING_ASSERT(at == from);
        at = to;
    }
};

static_assert(sizeof(operation) == 64);
static_assert(std::is_trivially_destructible_v<operation>);

using operation_list = base::intrusive_list<operation>;
using operation_slab = base::slab<operation>;

} // namespace coring::op
