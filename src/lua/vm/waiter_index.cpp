#include "lua/vm/waiter_index.hpp"

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <utility>

namespace coring::lua::vm {

waiter_index::~waiter_index() {
    std::free(buckets_);
}

std::uint32_t& waiter_index::bucket_of(const void* waiter) noexcept {
    // Coroutines lie at least 16 bytes apart; the multiplication spreads what is left.
    const auto key = reinterpret_cast<std::uintptr_t>(waiter) >> 4;
    const auto mixed = static_cast<std::uint32_t>((key * 0x9E3779B97F4A7C15U) >> 32);
    return buckets_[mixed & (count_ - 1)];
}

bool waiter_index::reserve(std::uint32_t count) noexcept {
    // Two records a bucket on average: a chain is as short as it needs to be.
    if (count <= count_ * 2) {
        return true;
    }
    const std::uint32_t room = std::max(std::bit_ceil(count) / 2, 16U);
    auto* buckets = static_cast<std::uint32_t*>(std::malloc(room * sizeof(std::uint32_t)));
    if (buckets == nullptr) {
        return false;
    }
    std::fill_n(buckets, room, end_of_chain);
    std::uint32_t* old = std::exchange(buckets_, buckets);
    const std::uint32_t old_count = std::exchange(count_, room);
    for (std::uint32_t at = 0; at < old_count; ++at) {
        for (std::uint32_t slot = old[at]; slot != end_of_chain;) {
            op::operation& record = records_[slot];
            slot = record.chained;
            insert(record);
        }
    }
    std::free(old);
    return true;
}

void waiter_index::insert(op::operation& record) noexcept {
    std::uint32_t& head = bucket_of(record.waiter);
    record.chained = head;
    head = record.slot;
}

void waiter_index::remove(op::operation& record) noexcept {
    if (record.chained == op::operation::not_chained) {
        return;
    }
    std::uint32_t* place = &bucket_of(record.waiter);
    while (*place != record.slot) {
        place = &records_[*place].chained;
    }
    *place = record.chained;
    record.chained = op::operation::not_chained;
}

op::operation* waiter_index::find(const void* waiter) noexcept {
    if (count_ == 0) {
        return nullptr;
    }
    for (std::uint32_t slot = bucket_of(waiter); slot != end_of_chain;) {
        op::operation& record = records_[slot];
        if (record.waiter == waiter) {
            return &record;
        }
        slot = record.chained;
    }
    return nullptr;
}

} // namespace coring::lua::vm
