// Numbers as bytes in either order, for pack and unpack.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstring>

#include <lua.hpp>

namespace coring::lua::memory {

inline constexpr bool native_little_endian = std::endian::native == std::endian::little;

// Writes the `size` low bytes of the value. Bytes above those of a Lua integer are `extension`.
inline void write_integer(char* target,
                          lua_Unsigned value,
                          std::size_t size,
                          char extension,
                          bool little_endian) {
    for (std::size_t index = 0; index < size; index++) {
        const std::size_t place = little_endian ? index : size - 1 - index;
        if (index < sizeof value) {
            target[place] = static_cast<char>(static_cast<unsigned char>(value >> (8 * index)));
        } else {
            target[place] = extension;
        }
    }
}

// Reads `size` bytes, at most those of a Lua integer, without regard to a sign.
inline lua_Unsigned read_integer(const char* source, std::size_t size, bool little_endian) {
    lua_Unsigned value = 0;
    for (std::size_t index = size; index > 0; index--) {
        const std::size_t place = little_endian ? index - 1 : size - index;
        value = (value << 8) | static_cast<unsigned char>(source[place]);
    }
    return value;
}

template <typename Float>
void write_float(char* target, Float value, bool little_endian) {
    std::memcpy(target, &value, sizeof value);
    if (little_endian != native_little_endian) {
        std::reverse(target, target + sizeof value);
    }
}

template <typename Float>
Float read_float(const char* source, bool little_endian) {
    char bytes[sizeof(Float)];
    std::memcpy(bytes, source, sizeof bytes);
    if (little_endian != native_little_endian) {
        std::reverse(bytes, bytes + sizeof bytes);
    }
    Float value;
    std::memcpy(&value, bytes, sizeof value);
    return value;
}

} // namespace coring::lua::memory
