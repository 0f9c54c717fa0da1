// Strings out of memories: tostring and the metamethods for text (behaviour 16.1).
#include "lua/memory/block.hpp"
#include "lua/memory/copy.hpp"
#include "lua/memory/functions.hpp"
#include "lua/memory/range.hpp"

namespace coring::lua::memory {

namespace {

// Room for both is made first, for making it may run a finalizer; then the bytes are looked at,
// and no more of them is taken than there was room made for.
int concat_arrays(lua_State* state) {
    check_array(state, 1);
    check_array(state, 2);
    const std::size_t room = array_at(state, 1).size + array_at(state, 2).size;
    luaL_Buffer result;
    char* target = luaL_buffinitsize(state, &result, room);
    const view left = array_at(state, 1);
    const view right = array_at(state, 2);
    const std::size_t from_left = std::min(left.size, room);
    const std::size_t from_right = std::min(right.size, room - from_left);
    copy_bytes(target, left.bytes, from_left);
    copy_bytes(target + from_left, right.bytes, from_right);
    luaL_pushresultsize(&result, from_left + from_right);
    return 1;
}

int concat_answered(lua_State* /*state*/, int /*status*/, lua_KContext /*context*/) {
    return 1;
}

} // namespace

int memory_tostring(lua_State* state) {
    check_array(state, 1);
    const bounds given = check_bounds(state, 2);
    const view source = array_at(state, 1);
    const range chosen = range_of(given, source.size);
    if (chosen.size == 0) {
        lua_pushliteral(state, "");
    } else {
        lua_pushlstring(state, source.bytes + chosen.offset, chosen.size);
    }
    return 1;
}

// The metamethod ignores what luaL_tolstring and others may pass besides the memory.
int memory_tostring_whole(lua_State* state) {
    const block source = check_memory(state, 1);
    lua_pushlstring(state, source.bytes, source.size);
    return 1;
}

int memory_concat(lua_State* state) {
    lua_settop(state, 2);
    if (is_array(state, 1) && is_array(state, 2)) {
        return concat_arrays(state);
    }
    for (int operand = 1; operand <= 2; operand++) {
        if (!is_array(state, operand) &&
            luaL_getmetafield(state, operand, "__concat") != LUA_TNIL) {
            lua_insert(state, 1);
            lua_callk(state, 2, 1, 0, concat_answered);
            return concat_answered(state, LUA_OK, 0);
        }
    }
    return luaL_error(state, "attempt to concat a '%s' with a '%s'", luaL_typename(state, 1),
                      luaL_typename(state, 2));
}

} // namespace coring::lua::memory
