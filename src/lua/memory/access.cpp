// Reading and writing the bytes of a memory: get, set, fill (behaviour 16.1).
#include "lua/memory/block.hpp"
#include "lua/memory/copy.hpp"
#include "lua/memory/functions.hpp"
#include "lua/memory/range.hpp"

#include <climits>

namespace coring::lua::memory {

namespace {

char check_byte(lua_State* state, int argument) {
    const lua_Integer value = luaL_checkinteger(state, argument);
    luaL_argcheck(state, 0 <= value && value <= UCHAR_MAX, argument, "value out of range");
    return static_cast<char>(value);
}

int fill_byte(lua_State* state) {
    const char value = check_byte(state, 2);
    const bounds given = check_bounds(state, 3);
    const block target = inspect(state, 1);
    const range chosen = range_of(given, target.size);
    if (chosen.size != 0) {
        repeat_bytes(target.bytes + chosen.offset, chosen.size, view{&value, 1});
    }
    return 0;
}

int fill_pattern(lua_State* state) {
    check_array(state, 2);
    const bounds given = check_bounds(state, 3);
    const lua_Integer origin = luaL_optinteger(state, 5, 1);
    const block target = inspect(state, 1);
    const view source = array_at(state, 2);
    const range chosen = range_of(given, target.size);
    const range pattern = range_of({origin, -1}, source.size);
    if (chosen.size != 0 && pattern.size != 0) {
        repeat_bytes(target.bytes + chosen.offset, chosen.size,
                     view{source.bytes + pattern.offset, pattern.size});
    }
    return 0;
}

} // namespace

int memory_get(lua_State* state) {
    check_memory(state, 1);
    const lua_Integer first = luaL_checkinteger(state, 2);
    const lua_Integer last = luaL_optinteger(state, 3, first);
    const block source = inspect(state, 1);
    const range chosen = range_of({first, last}, source.size);
    if (chosen.size >= INT_MAX) {
        return luaL_error(state, "string slice too long");
    }
    const auto count = static_cast<int>(chosen.size);
    luaL_checkstack(state, count, "string slice too long");
    for (int index = 0; index < count; index++) {
        const char* byte = source.bytes + chosen.offset + index;
        lua_pushinteger(state, static_cast<unsigned char>(*byte));
    }
    return count;
}

int memory_set(lua_State* state) {
    check_memory(state, 1);
    const lua_Integer first = luaL_checkinteger(state, 2);
    const block target = inspect(state, 1);
    const std::size_t start = start_position(first, target.size);
    luaL_argcheck(state, start <= target.size, 2, "index out of bounds");
    const std::size_t room = target.size - start + 1;
    const auto given = static_cast<std::size_t>(lua_gettop(state) - 2);
    const auto count = static_cast<int>(std::min(room, given));
    // All are checked before the first is written: a wrong value leaves the memory as it was.
    for (int index = 0; index < count; index++) {
        check_byte(state, 3 + index);
    }
    for (int index = 0; index < count; index++) {
        target.bytes[start - 1 + static_cast<std::size_t>(index)] =
            check_byte(state, 3 + index);
    }
    return 0;
}

int memory_fill(lua_State* state) {
    check_memory(state, 1);
    return lua_type(state, 2) == LUA_TNUMBER ? fill_byte(state) : fill_pattern(state);
}

} // namespace coring::lua::memory
