#include "threadpool/sizes.hpp"

#include "base/environment.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>

namespace coring::threadpool {

namespace {

std::size_t read_size(const char* name, std::size_t otherwise) noexcept {
    std::array<char, 32> text{}; // more digits than any size has
    const bool set = base::read_variable(name, text) != 0;
    return parse_size(set ? text.data() : nullptr, otherwise);
}

} // namespace

std::size_t parse_size(const char* text, std::size_t otherwise) noexcept {
    if (text == nullptr) {
        return otherwise;
    }
    char* end = nullptr;
    const long number =
        std::strtol(text, &end, 10); // clamps by itself what is out of its range
    if (end == text) {
        return otherwise;
    }
    return static_cast<std::size_t>(std::clamp(number, 1L, static_cast<long>(size_limit)));
}

pool_sizes read_sizes() noexcept {
    const pool_sizes standard;
    return {read_size("UV_THREADPOOL_SIZE", standard.states),
            read_size("COUTIL_NAME_THREADS", standard.names),
            read_size("COUTIL_FILE_THREADS", standard.files)};
}

} // namespace coring::threadpool
