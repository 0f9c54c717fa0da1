// What a write that has to wait keeps: the bytes still to go, its own copy of them if they may
// change, and the descriptor that travels with the first of them.
#pragma once

#include "base/block_pool.hpp"

#include <cstddef>
#include <span>
#include <string_view>

#include <sys/uio.h>

namespace coring::io {

// Lives in one block with its copy, if it has one.
struct send_data {
    const char* bytes; // what is left
    std::size_t left;
    std::size_t copied; // bytes that stand behind this structure
    int passed;         // a duplicate of the descriptor to pass, or -1
    bool asked;         // the ring was asked for room, and has sent nothing itself

    [[nodiscard]] std::string_view rest() const noexcept { return {bytes, left}; }

    void gone(std::size_t count) noexcept {
        bytes += count;
        left -= count;
    }

    // The descriptor has gone too: our duplicate is not needed any more.
    void passed_on() noexcept;
};

// Bytes that stay where they are. Null when memory is short.
[[nodiscard]] send_data* refer_to_bytes(base::block_pool& blocks,
                                        std::string_view bytes) noexcept;

// A copy of the bytes. Null when memory is short.
[[nodiscard]] send_data* copy_bytes(base::block_pool& blocks, std::string_view bytes) noexcept;

// A copy of all parts in a row, but for the first `skipped` bytes; `size` is what is left.
[[nodiscard]] send_data* copy_parts(base::block_pool& blocks,
                                    std::span<const iovec> parts,
                                    std::size_t skipped,
                                    std::size_t size) noexcept;

// Closes the descriptor, if it did not go.
void give_back(base::block_pool& blocks, send_data& over) noexcept;

} // namespace coring::io
