// Copying bytes between places that may overlap or have no address because they are empty.
#pragma once

#include "lua/memory/block.hpp"

#include <algorithm>
#include <cstddef>
#include <cstring>

namespace coring::lua::memory {

inline void copy_bytes(char* target, const char* source, std::size_t size) {
    if (size != 0) {
        std::memmove(target, source, size);
    }
}

inline void clear_bytes(char* target, std::size_t size) {
    if (size != 0) {
        std::memset(target, 0, size);
    }
}

// Fills `target` with copies of `pattern`, which may lie in it and must not be empty. The
// result is that of a pattern copied aside before: once the first copy is in place, only the
// copies are read, and each round doubles them.
inline void repeat_bytes(char* target, std::size_t size, view pattern) {
    std::size_t done = std::min(size, pattern.size);
    copy_bytes(target, pattern.bytes, done);
    while (done < size) {
        const std::size_t more = std::min(done, size - done);
        std::memcpy(target + done, target, more);
        done += more;
    }
}

} // namespace coring::lua::memory
