// Deadlines, in order: a heap of four children a node, whose keys stand in the heap itself: to
// compare touches no record, to move one writes to it without waiting.
#pragma once

#include "op/operation.hpp"

#include <cstddef>
#include <cstdint>

namespace coring::loop {

// Operations by (deadline in nanoseconds, order of adding). Removal by record is as cheap as
// adding. Memory grows and is kept; nothing is allocated once warm. Not thread-safe.
class timer_queue {
public:
    explicit timer_queue(op::operation_slab& operations) noexcept : operations_{operations} {}

    timer_queue(const timer_queue&) = delete;
    timer_queue& operator=(const timer_queue&) = delete;
    timer_queue(timer_queue&&) = delete;
    timer_queue& operator=(timer_queue&&) = delete;
    ~timer_queue();

    // Makes sure that add() will find room. False when memory is short.
    [[nodiscard]] bool reserve() noexcept;

    // Requires reserve() and that the operation is in no timer queue.
    void add(op::operation& timer, std::uint64_t deadline_ns) noexcept;

    // Requires that the operation is here.
    void remove(op::operation& timer) noexcept;

    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }

    [[nodiscard]] std::size_t size() const noexcept { return size_; }

    // The nearest deadline. Requires !empty().
    [[nodiscard]] std::uint64_t nearest() const noexcept { return heap_[0].deadline; }

    // Takes the first operation that is due at `now_ns` and was added before `limit` (from
    // next_order()), or null. The limit keeps a phase from serving what it itself added.
    [[nodiscard]] op::operation* take_due(std::uint64_t now_ns, std::uint32_t limit) noexcept;

    // Who is nearest, or null.
    [[nodiscard]] const op::operation* peek() noexcept {
        return size_ == 0 ? nullptr : &operations_[heap_[0].slot];
    }

    [[nodiscard]] std::uint32_t next_order() const noexcept { return order_; }

private:
    struct entry {
        std::uint64_t deadline;
        std::uint32_t order; // wraps; compared by difference
        std::uint32_t slot;
    };

    [[nodiscard]] static bool before(const entry& left, const entry& right) noexcept;
    void place(std::size_t at, const entry& what) noexcept;
    void sift_up(std::size_t at, const entry& what) noexcept;
    void sift_down(std::size_t at, const entry& what) noexcept;
    void remove_at(std::size_t at) noexcept;

    op::operation_slab& operations_;
    entry* heap_ = nullptr;
    std::size_t size_ = 0;
    std::size_t room_ = 0;
    std::uint32_t order_ = 0;
};

} // namespace coring::loop
