// Recognises memories by the identity of their metatable, and creates them
// (behaviour 5.1, 16.2).
#include "lua/memory/block.hpp"

#include "lua/memory/luamem.h"
#include "lua/memory/metatables.hpp"

namespace coring::lua::memory {

namespace {

// Sizes stay below this, so that every position fits the int of the C interfaces.
constexpr lua_Integer size_limit = 0x7fffffff;

// Which of the two metatables the userdata at `index` has.
kind kind_of(lua_State* state, int index) {
    if (lua_type(state, index) != LUA_TUSERDATA || lua_getmetatable(state, index) == 0) {
        return kind::none;
    }
    kind found = kind::none;
    luaL_getmetatable(state, fixed_key);
    luaL_getmetatable(state, reference_key);
    if (lua_rawequal(state, -3, -2) != 0) {
        found = kind::fixed;
    } else if (lua_rawequal(state, -3, -1) != 0) {
        found = kind::reference;
    }
    lua_pop(state, 3);
    return found;
}

// Gives the userdata on top its metatable. The registry may lack it when only the C functions
// are used; the userdata is without a finalizer until then, and refers to nothing.
void set_kind(lua_State* state, const char* key) {
    if (luaL_getmetatable(state, key) == LUA_TNIL) {
        lua_pop(state, 1);
        ensure_metatables(state);
        luaL_getmetatable(state, key);
    }
    lua_setmetatable(state, -2);
}

} // namespace

block inspect(lua_State* state, int index) {
    const kind type = kind_of(state, index);
    void* address = lua_touserdata(state, index);
    if (type == kind::reference) {
        const auto* source = static_cast<const reference*>(address);
        return {source->bytes, source->size, source->unref, type};
    }
    if (type == kind::fixed) {
        return {static_cast<char*>(address), lua_rawlen(state, index), nullptr, type};
    }
    return {nullptr, 0, nullptr, kind::none};
}

reference* to_reference(lua_State* state, int index) {
    return kind_of(state, index) == kind::reference
               ? static_cast<reference*>(lua_touserdata(state, index))
               : nullptr;
}

block check_memory(lua_State* state, int argument) {
    const block found = inspect(state, argument);
    if (found.type == kind::none) {
        luaL_typeerror(state, argument, "memory");
    }
    return found;
}

bool is_array(lua_State* state, int index) {
    return lua_isstring(state, index) != 0 || kind_of(state, index) != kind::none;
}

void check_array(lua_State* state, int argument) {
    if (lua_isstring(state, argument) != 0) {
        lua_tolstring(state, argument, nullptr);
    } else if (kind_of(state, argument) == kind::none) {
        luaL_typeerror(state, argument, "string or memory");
    }
}

bool opt_array(lua_State* state, int argument) {
    if (lua_isnoneornil(state, argument)) {
        return false;
    }
    check_array(state, argument);
    return true;
}

view array_at(lua_State* state, int index) {
    if (lua_type(state, index) == LUA_TSTRING) {
        std::size_t size = 0;
        const char* bytes = lua_tolstring(state, index, &size);
        return {bytes, size};
    }
    const block source = inspect(state, index);
    return {source.bytes, source.size};
}

std::size_t check_size(lua_State* state, int argument) {
    const lua_Integer size = luaL_checkinteger(state, argument);
    luaL_argcheck(state, 0 <= size && size < size_limit, argument, "invalid size");
    return static_cast<std::size_t>(size);
}

bool is_resizable(const block& target) {
    return target.type == kind::reference && target.unref == luamem_free;
}

char* push_fixed(lua_State* state, std::size_t size) {
    auto* bytes = static_cast<char*>(lua_newuserdatauv(state, size, 0));
    set_kind(state, fixed_key);
    return bytes;
}

reference* push_reference(lua_State* state) {
    auto* created = static_cast<reference*>(lua_newuserdatauv(state, sizeof(reference), 0));
    *created = reference{nullptr, 0, nullptr};
    set_kind(state, reference_key);
    return created;
}

} // namespace coring::lua::memory
