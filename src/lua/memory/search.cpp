// Comparing and searching bytes: diff, find (behaviour 16.1 and D27).
#include "lua/memory/block.hpp"
#include "lua/memory/functions.hpp"
#include "lua/memory/range.hpp"

#include <algorithm>
#include <cstring>

namespace coring::lua::memory {

int memory_diff(lua_State* state) {
    check_array(state, 1);
    check_array(state, 2);
    const view left = array_at(state, 1);
    const view right = array_at(state, 2);
    const std::size_t common = std::min(left.size, right.size);
    std::size_t same = 0;
    while (same < common && left.bytes[same] == right.bytes[same]) {
        same++;
    }
    bool before = left.size < right.size;
    if (same < common) {
        // As unsigned values, so that the order is the same on every machine (D27).
        before = static_cast<unsigned char>(left.bytes[same]) <
                 static_cast<unsigned char>(right.bytes[same]);
    }
    if (same == common && left.size == right.size) {
        luaL_pushfail(state);
    } else {
        lua_pushinteger(state, index_of(same));
    }
    lua_pushboolean(state, before ? 1 : 0);
    return 2;
}

int memory_find(lua_State* state) {
    check_array(state, 1);
    check_array(state, 2);
    const bounds given = check_bounds(state, 3);
    const lua_Integer origin = luaL_optinteger(state, 5, 1);
    const view whole = array_at(state, 1);
    const view source = array_at(state, 2);
    const range chosen = range_of(given, whole.size);
    const range wanted = range_of({origin, -1}, source.size);
    if (chosen.size == 0 || wanted.size == 0) {
        return 0;
    }
    // Of what does not fit the range, the prefix that does is searched; the end is told as if
    // all had been found.
    const char* start = whole.bytes + chosen.offset;
    const auto* found = static_cast<const char*>(::memmem(
        start, chosen.size, source.bytes + wanted.offset, std::min(wanted.size, chosen.size)));
    if (found == nullptr) {
        return 0;
    }
    const auto first = index_of(static_cast<std::size_t>(found - whole.bytes));
    lua_pushinteger(state, first);
    lua_pushinteger(state, first + static_cast<lua_Integer>(wanted.size) - 1);
    return 2;
}

} // namespace coring::lua::memory
