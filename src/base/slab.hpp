// Numbered places for objects of one type that never move. A place is named by its slot, and
// each object in it by slot and generation, so that a late event can be told from a new
// tenant's.
#pragma once

#include "base/assert.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>

namespace coring::base {

// Element must derive from list_link, have unsigned members `slot` and `generation` that the
// slab maintains, and be trivially destructible. Chunks are allocated on demand and freed with
// the slab; a place that was used once is reused without allocating. Not thread-safe.
template <typename Element, std::size_t ChunkBits = 6>
class slab {
public:
    static constexpr std::size_t chunk_size = std::size_t{1} << ChunkBits;
    static constexpr std::uint32_t no_slot = UINT32_MAX;

    slab() noexcept = default;
    slab(const slab&) = delete;
    slab& operator=(const slab&) = delete;
    slab(slab&&) = delete;
    slab& operator=(slab&&) = delete;

    ~slab() {
        for (std::size_t at = 0; at < chunk_count_; ++at) {
            std::free(chunks_[at]);
        }
        std::free(chunks_);
    }

    // The number of places that exist; slots are below it.
    [[nodiscard]] std::uint32_t capacity() const noexcept {
        return static_cast<std::uint32_t>(chunk_count_ * chunk_size);
    }

    [[nodiscard]] std::uint32_t in_use() const noexcept { return in_use_; }

    // Whether the next `count` calls of acquire() need no memory.
    [[nodiscard]] bool has_free(std::uint32_t count = 1) const noexcept {
        return capacity() - in_use_ >= count;
    }

    // Adds one chunk of places. False when memory is short; nothing changes then.
    [[nodiscard]] bool grow() noexcept {
        if (chunk_count_ == chunk_room_ && !widen()) {
            return false;
        }
        auto* chunk = static_cast<Element*>(
            std::aligned_alloc(64, (chunk_size * sizeof(Element) + 63) / 64 * 64));
        static_assert(alignof(Element) <= 64);
        if (chunk == nullptr) {
            return false;
        }
        const std::uint32_t first = capacity();
        chunks_[chunk_count_++] = chunk;
        for (std::size_t at = chunk_size; at > 0; --at) {
            auto* element = new (&chunk[at - 1]) Element{};
            element->slot = first + static_cast<std::uint32_t>(at - 1);
            put_free(*element);
        }
        return true;
    }

    // A place, or null when memory is short. Its members but slot and generation are as
    // release() left them.
    [[nodiscard]] Element* acquire() noexcept {
        if (free_ == nullptr && !grow()) {
            return nullptr;
        }
        Element* element = free_;
        free_ = next_free(*element);
        ++in_use_;
        return element;
    }

    // Ends the tenancy: names given out for it match no longer.
    void release(Element& element) noexcept {
        CORING_ASSERT(in_use_ > 0);
        --in_use_;
        ++element.generation;
        put_free(element);
    }

    // The place with this slot, whoever is in it. Requires slot < capacity().
    [[nodiscard]] Element& operator[](std::uint32_t slot) noexcept {
        return chunks_[slot >> ChunkBits][slot & (chunk_size - 1)];
    }

    // The place if `generation` is that of its present tenant, else null.
    [[nodiscard]] Element* find(std::uint32_t slot, std::uint32_t generation) noexcept {
        if (slot >= capacity()) {
            return nullptr;
        }
        Element& element = (*this)[slot];
        return element.generation == generation ? &element : nullptr;
    }

private:
    [[nodiscard]] bool widen() noexcept {
        const std::size_t room = chunk_room_ == 0 ? 16 : chunk_room_ * 2;
        auto** chunks = static_cast<Element**>(std::realloc(chunks_, room * sizeof(Element*)));
        if (chunks == nullptr) {
            return false;
        }
        chunks_ = chunks;
        chunk_room_ = room;
        return true;
    }

    // Free places are chained through their list link, which no list uses meanwhile.
    static Element* next_free(Element& element) noexcept {
        auto* next = static_cast<Element*>(element.previous);
        element.previous = nullptr;
        return next;
    }

    void put_free(Element& element) noexcept {
        element.previous = free_;
        free_ = &element;
    }

    Element** chunks_ = nullptr;
    std::size_t chunk_count_ = 0;
    std::size_t chunk_room_ = 0;
    Element* free_ = nullptr;
    std::uint32_t in_use_ = 0;
};

} // namespace coring::base
