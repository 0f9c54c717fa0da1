// Which operation a coroutine waits in: asked when a waiting coroutine is closed.
#pragma once

#include "op/operation.hpp"

#include <cstdint>

namespace coring::lua::vm {

// A hash of records by waiter, chained through the records themselves: entering and leaving
// cost a few loads and no allocation. Room is made beforehand, together with the records.
class waiter_index {
public:
    explicit waiter_index(op::operation_slab& records) noexcept : records_{records} {}

    waiter_index(const waiter_index&) = delete;
    waiter_index& operator=(const waiter_index&) = delete;
    waiter_index(waiter_index&&) = delete;
    waiter_index& operator=(waiter_index&&) = delete;
    ~waiter_index();

    // Makes room for `count` records. False when memory is short; all goes on as before then.
    [[nodiscard]] bool reserve(std::uint32_t count) noexcept;

    // Enters the record if it is not here: one that serves a coroutine's waits in a row stays.
    void keep(op::operation& record) noexcept {
        if (record.chained == op::operation::not_chained) {
            insert(record);
        }
    }

    // Does nothing for a record that is not here.
    void remove(op::operation& record) noexcept;

    // The record that was inserted last for this waiter, or null.
    [[nodiscard]] op::operation* find(const void* waiter) noexcept;

private:
    static constexpr std::uint32_t end_of_chain = UINT32_MAX - 1;

    void insert(op::operation& record) noexcept;
    [[nodiscard]] std::uint32_t& bucket_of(const void* waiter) noexcept;

    op::operation_slab& records_;
    std::uint32_t* buckets_ = nullptr;
    std::uint32_t count_ = 0; // a power of two, or zero
};

} // namespace coring::lua::vm
