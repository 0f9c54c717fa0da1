// How the indices i and j of the API choose bytes (behaviour 5.2). Positions count from 1, as
// in Lua; a size never exceeds what Lua can allocate, so that size + 2 does not overflow.
#pragma once

#include <cstddef>

#include <lua.hpp>

namespace coring::lua::memory {

// The bytes from `offset` on, counted from 0. The offset of an empty range means nothing.
struct range {
    std::size_t offset;
    std::size_t size;
};

// What a program gave as i and j, before the size they apply to is known.
struct bounds {
    lua_Integer first;
    lua_Integer last;
};

// The position a negative index means, or 0 when it lies before the first byte.
inline std::size_t from_end(lua_Integer index, std::size_t size) {
    // The negation is done unsigned because the least integer has no positive counterpart.
    const lua_Unsigned distance = 0U - static_cast<lua_Unsigned>(index);
    return distance > size ? 0 : size + 1 - static_cast<std::size_t>(distance);
}

// A first position: at least 1. From the second one after the end on all act alike, so they
// become size + 2.
inline std::size_t start_position(lua_Integer index, std::size_t size) {
    if (index < 0) {
        const std::size_t position = from_end(index, size);
        return position == 0 ? 1 : position;
    }
    if (index == 0) {
        return 1;
    }
    const auto position = static_cast<lua_Unsigned>(index);
    return position > size + 1 ? size + 2 : static_cast<std::size_t>(position);
}

// A last position: from 0, which is before the first byte, to size.
inline std::size_t end_position(lua_Integer index, std::size_t size) {
    if (index < 0) {
        return from_end(index, size);
    }
    const auto position = static_cast<lua_Unsigned>(index);
    return position > size ? size : static_cast<std::size_t>(position);
}

inline range range_of(bounds given, std::size_t size) {
    const std::size_t first = start_position(given.first, size);
    const std::size_t last = end_position(given.last, size);
    return first > last ? range{first - 1, 0} : range{first - 1, last - first + 1};
}

// The index a program knows the byte at `offset` by.
inline lua_Integer index_of(std::size_t offset) {
    return static_cast<lua_Integer>(offset) + 1;
}

// The arguments i and j at `first_argument` and after it, with the usual defaults.
inline bounds check_bounds(lua_State* state, int first_argument) {
    const lua_Integer first = luaL_optinteger(state, first_argument, 1);
    const lua_Integer last = luaL_optinteger(state, first_argument + 1, -1);
    return {first, last};
}

} // namespace coring::lua::memory
