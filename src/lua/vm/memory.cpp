#include "lua/vm/memory.hpp"

#include "lua/memory/layout.hpp"
#include "lua/memory/range.hpp"

namespace coring::lua::vm {

namespace {

// The class of a userdata, if it is a memory: 1 fixed, 2 reference, 0 neither.
memory::kind memory_kind(lua_State* L, int arg, const scheduler& on) {
    if (lua_type(L, arg) != LUA_TUSERDATA || lua_getmetatable(L, arg) == 0) {
        return memory::kind::none;
    }
    const void* metatable = lua_topointer(L, -1);
    lua_pop(L, 1);
    if (metatable == on.class_of(class_id::memory_fixed)) {
        return memory::kind::fixed;
    }
    return metatable == on.class_of(class_id::memory_reference) ? memory::kind::reference
                                                                : memory::kind::none;
}

std::span<char> bytes_of(lua_State* L, int arg, memory::kind kind) {
    void* block = lua_touserdata(L, arg);
    if (kind == memory::kind::fixed) {
        return {static_cast<char*>(block), lua_rawlen(L, arg)};
    }
    const auto& reference = *static_cast<memory::reference*>(block);
    return {reference.bytes, reference.size};
}

memory::bounds bounds_now(lua_State* L, int arg) {
    memory::bounds bounds{1, -1};
    if (!lua_isnoneornil(L, arg)) {
        bounds.first = lua_tointeger(L, arg);
    }
    if (!lua_isnoneornil(L, arg + 1)) {
        bounds.last = lua_tointeger(L, arg + 1);
    }
    return bounds;
}

} // namespace

void check_memory(lua_State* L, int arg, const scheduler& on) {
    if (memory_kind(L, arg, on) == memory::kind::none) {
        luaL_typeerror(L, arg, "memory");
    }
}

std::span<char> memory_now(lua_State* L, int arg, const scheduler& on) {
    const memory::kind kind = memory_kind(L, arg, on);
    return kind == memory::kind::none ? std::span<char>{} : bytes_of(L, arg, kind);
}

void check_range(lua_State* L, int arg) {
    static_cast<void>(memory::check_bounds(L, arg));
}

std::span<char> range_now(lua_State* L, int arg, std::span<char> whole) {
    const memory::range range = memory::range_of(bounds_now(L, arg), whole.size());
    return range.size == 0 ? std::span<char>{} : whole.subspan(range.offset, range.size);
}

input_bytes check_input(lua_State* L, int arg, const scheduler& on) {
    const int type = lua_type(L, arg);
    if (type == LUA_TSTRING || type == LUA_TNUMBER) {
        std::size_t size = 0;
        const char* text = lua_tolstring(L, arg, &size);
        return {{text, size}, bytes_kind::string};
    }
    const memory::kind kind = memory_kind(L, arg, on);
    if (kind == memory::kind::none) {
        luaL_typeerror(L, arg, "string or memory");
    }
    const std::span<char> bytes = bytes_of(L, arg, kind);
    return {{bytes.data(), bytes.size()},
            kind == memory::kind::fixed ? bytes_kind::fixed_memory : bytes_kind::resizable_memory};
}

std::string_view check_input_range(lua_State* L, int arg, std::string_view whole) {
    const memory::range range = memory::range_of(memory::check_bounds(L, arg), whole.size());
    return range.size == 0 ? std::string_view{} : whole.substr(range.offset, range.size);
}

} // namespace coring::lua::vm
