// The rings that a thread keeps for whichever loop runs on it next: a ring belongs to a thread,
// and making one costs a hundred times as much as lending it.
#pragma once

#include "proactor/ring_engine.hpp"

#include <memory>

namespace coring::proactor {

// A ring of the calling thread that serves nobody; a new one if there is none of that size.
[[nodiscard]] base::result<std::unique_ptr<ring_engine>> borrow_ring(unsigned entries) noexcept;

// For the next borrower on this thread, which must be the one that borrowed it. Requires that
// it was detached.
void give_ring_back(std::unique_ptr<ring_engine> idle) noexcept;

// Closes the rings that the calling thread keeps. A thread that ends does so by itself, but
// only in its last moments.
void close_kept_rings() noexcept;

} // namespace coring::proactor
