// Small blocks of memory for data on its way to the kernel, kept for reuse by size class.
#pragma once

#include <array>
#include <cstddef>

namespace coring::base {

// Blocks up to 4 KiB come from five classes and return to them: nothing is allocated once warm.
// Larger ones are allocated and freed each time. All are aligned to 64 bytes, where copies to
// and from the kernel are fastest. Not thread-safe.
class block_pool {
public:
    static constexpr std::size_t largest_class = 4096;

    block_pool() noexcept = default;
    block_pool(const block_pool&) = delete;
    block_pool& operator=(const block_pool&) = delete;
    block_pool(block_pool&&) = delete;
    block_pool& operator=(block_pool&&) = delete;
    ~block_pool();

    // A block of at least `size` bytes, or null when memory is short.
    [[nodiscard]] char* take(std::size_t size) noexcept;

    // Gives a block back. Requires the size it was taken with.
    void give_back(char* block, std::size_t size) noexcept;

private:
    struct free_block {
        free_block* next;
    };

    static constexpr std::array<std::size_t, 5> class_sizes = {64, 128, 256, 1024,
                                                               largest_class};
    static constexpr std::size_t kept_per_class = 2048;

    [[nodiscard]] static std::size_t class_of(std::size_t size) noexcept;

    std::array<free_block*, class_sizes.size()> free_{};
    std::array<std::size_t, class_sizes.size()> kept_{};
};

} // namespace coring::base
