// How many workers the environment asks for.
#pragma once

#include <cstddef>

namespace coring::threadpool {

inline constexpr std::size_t size_limit = 1024;

struct pool_sizes {
    std::size_t states = 4; // UV_THREADPOOL_SIZE
    std::size_t names = 8;  // COUTIL_NAME_THREADS
    std::size_t files = 4;  // COUTIL_FILE_THREADS
};

// The number a text begins with, clamped to 1..size_limit; `otherwise` if the text is null or
// begins with no number.
[[nodiscard]] std::size_t parse_size(const char* text, std::size_t otherwise) noexcept;

// Reads the three variables. Requires that only base::write_variable changes any meanwhile.
[[nodiscard]] pool_sizes read_sizes() noexcept;

} // namespace coring::threadpool
