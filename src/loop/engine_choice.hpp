// Which engine a loop runs on: what was wished for, and what this system grants.
#pragma once

#include "base/result.hpp"
#include "op/engine.hpp"

#include <memory>

namespace coring::loop {

enum class engine_kind : std::uint8_t {
    automatic, // the ring, or epoll where the ring is refused
    uring,     // the ring, or no loop at all
    epoll,     // epoll, because somebody said so
};

constexpr unsigned default_ring_entries = 1024;

struct engine_wish {
    engine_kind kind = engine_kind::automatic;
    unsigned ring_entries =
        default_ring_entries; // submissions; completions: four times as many
};

struct chosen_engine {
    std::unique_ptr<op::engine> engine;
    int refusal = 0; // the errno for which there is no ring; zero if nobody asked for one
};

// Whether all runs of the loop are on the thread that opens it.
enum class residence : std::uint8_t { settled, wandering };

// Opens the engine that fits the wish. Fails with the ring's errno when the ring was insisted
// on, with epoll's when there is no engine at all.
[[nodiscard]] base::result<chosen_engine>
choose_engine(const engine_wish& wish,
              op::operation_slab& operations,
              residence where = residence::settled) noexcept;

// The calling thread ends: gives up what it keeps for wandering loops.
void leave_thread() noexcept;

// Reads COUTIL_ENGINE (auto, uring, epoll) and COUTIL_RING_ENTRIES (1 to 32768). `unknown` is
// set when COUTIL_ENGINE has another value, which acts as auto.
[[nodiscard]] engine_wish wish_from_environment(bool& unknown) noexcept;

} // namespace coring::loop
