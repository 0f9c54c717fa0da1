#include "base/block_pool.hpp"

#include <cstdlib>

namespace coring::base {

namespace {

constexpr std::size_t alignment = 64;

char* allocate(std::size_t size) noexcept {
    const std::size_t rounded = (size + alignment - 1) / alignment * alignment;
    return static_cast<char*>(std::aligned_alloc(alignment, rounded));
}

} // namespace

block_pool::~block_pool() {
    for (free_block* block : free_) {
        while (block != nullptr) {
            free_block* next = block->next;
            std::free(block);
            block = next;
        }
    }
}

std::size_t block_pool::class_of(std::size_t size) noexcept {
    std::size_t at = 0;
    while (class_sizes[at] < size) {
        ++at;
    }
    return at;
}

char* block_pool::take(std::size_t size) noexcept {
    if (size > largest_class) {
        return allocate(size);
    }
    const std::size_t at = class_of(size);
    free_block* block = free_[at];
    if (block == nullptr) {
        return allocate(class_sizes[at]);
    }
    free_[at] = block->next;
    --kept_[at];
    return reinterpret_cast<char*>(block);
}

void block_pool::give_back(char* block, std::size_t size) noexcept {
    const std::size_t at = size > largest_class ? class_sizes.size() : class_of(size);
    if (at == class_sizes.size() || kept_[at] >= kept_per_class) {
        std::free(block);
        return;
    }
    auto* kept = reinterpret_cast<free_block*>(block);
    kept->next = free_[at];
    free_[at] = kept;
    ++kept_[at];
}

} // namespace coring::base
