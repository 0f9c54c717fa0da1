// Making memories and changing their size: create, type, len, resize (behaviour 16.1).
#include "lua/memory/block.hpp"
#include "lua/memory/copy.hpp"
#include "lua/memory/functions.hpp"
#include "lua/memory/luamem.h"
#include "lua/memory/range.hpp"

#include <cstdint>

namespace coring::lua::memory {

namespace {

// A fixed memory with the chosen bytes of the string or memory at argument 1.
int create_copy(lua_State* state) {
    check_array(state, 1);
    const bounds given = check_bounds(state, 2);
    const range chosen = range_of(given, array_at(state, 1).size);
    char* bytes = push_fixed(state, chosen.size);
    // A finalizer may have shrunk the source meanwhile; what is gone reads as zeros.
    const view source = array_at(state, 1);
    const std::size_t left = source.size > chosen.offset ? source.size - chosen.offset : 0;
    const std::size_t copied = std::min(chosen.size, left);
    if (copied != 0) {
        copy_bytes(bytes, source.bytes + chosen.offset, copied);
    }
    clear_bytes(bytes + copied, chosen.size - copied);
    return 1;
}

reference* check_resizable(lua_State* state) {
    luaL_argcheck(state, is_resizable(inspect(state, 1)), 1, "resizable memory expected");
    return static_cast<reference*>(lua_touserdata(state, 1));
}

// The pattern moves with the block when it is a piece of it.
view follow(view pattern, const reference& old, const char* moved) {
    const auto start = reinterpret_cast<std::uintptr_t>(old.bytes);
    const auto place = reinterpret_cast<std::uintptr_t>(pattern.bytes);
    if (place < start || place - start >= old.size) {
        return pattern;
    }
    return {moved + (place - start), pattern.size};
}

} // namespace

int memory_create(lua_State* state) {
    switch (lua_type(state, 1)) {
    case LUA_TNONE:
        push_reference(state)->unref = luamem_free;
        return 1;
    case LUA_TNUMBER: {
        const std::size_t size = check_size(state, 1);
        clear_bytes(push_fixed(state, size), size);
        return 1;
    }
    default:
        return create_copy(state);
    }
}

int memory_type(lua_State* state) {
    const block found = inspect(state, 1);
    switch (found.type) {
    case kind::none:
        luaL_pushfail(state);
        break;
    case kind::fixed:
        lua_pushliteral(state, "fixed");
        break;
    case kind::reference:
        lua_pushstring(state, is_resizable(found) ? "resizable" : "other");
        break;
    }
    return 1;
}

int memory_len(lua_State* state) {
    lua_pushinteger(state, static_cast<lua_Integer>(check_memory(state, 1).size));
    return 1;
}

int memory_resize(lua_State* state) {
    const std::size_t size = check_size(state, 2);
    check_resizable(state);
    view pattern{nullptr, 0};
    if (opt_array(state, 3)) {
        pattern = array_at(state, 3);
    }
    // Once more, because turning a number into a string may have run a finalizer that closed
    // it.
    reference* target = check_resizable(state);
    const reference old = *target;
    if (size == old.size) {
        return 0;
    }
    auto* bytes = static_cast<char*>(luamem_realloc(state, old.bytes, old.size, size));
    if (bytes == nullptr && size != 0) {
        lua_pushliteral(state, "not enough memory");
        return lua_error(state);
    }
    target->bytes = bytes;
    target->size = size;
    if (size > old.size) {
        if (pattern.size == 0) {
            clear_bytes(bytes + old.size, size - old.size);
        } else {
            repeat_bytes(bytes + old.size, size - old.size, follow(pattern, old, bytes));
        }
    }
    return 0;
}

} // namespace coring::lua::memory
