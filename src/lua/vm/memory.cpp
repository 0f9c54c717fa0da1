#include "lua/vm/memory.hpp"

#include "lua/memory/layout.hpp"
#include "lua/memory/range.hpp"

namespace coring::lua::vm {

namespace {

struct found_bytes {
    std::span<char> bytes;
    memory::kind kind;
};

constexpr bytes_kind kind_of(memory::kind found) noexcept {
    return found == memory::kind::fixed ? bytes_kind::fixed_memory
                                        : bytes_kind::resizable_memory;
}

// The bytes of a memory, told by its metatable; kind none for everything else.
found_bytes find_memory(lua_State* L, int arg, const scheduler& on) {
    constexpr found_bytes nothing{{}, memory::kind::none};
    if (lua_getmetatable(L, arg) == 0) {
        return nothing;
    }
    const void* metatable = lua_topointer(L, -1);
    lua_pop(L, 1);
    void* block = lua_touserdata(L, arg);
    if (block == nullptr) {
        return nothing;
    }
    if (metatable == on.class_of(class_id::memory_fixed)) {
        return {{static_cast<char*>(block), lua_rawlen(L, arg)}, memory::kind::fixed};
    }
    if (metatable == on.class_of(class_id::memory_reference)) {
        const auto& reference = *static_cast<memory::reference*>(block);
        return {{reference.bytes, reference.size}, memory::kind::reference};
    }
    return nothing;
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

std::span<char> check_memory(lua_State* L, int arg, const scheduler& on) {
    return check_memory_of_kind(L, arg, on).bytes;
}

memory_bytes check_memory_of_kind(lua_State* L, int arg, const scheduler& on) {
    const found_bytes found = find_memory(L, arg, on);
    if (found.kind == memory::kind::none) {
        luaL_typeerror(L, arg, "memory");
    }
    return {found.bytes, kind_of(found.kind)};
}

std::span<char> memory_now(lua_State* L, int arg, const scheduler& on) {
    return find_memory(L, arg, on).bytes;
}

std::optional<std::string_view> test_memory(lua_State* L, int arg, const scheduler& on) {
    const found_bytes found = find_memory(L, arg, on);
    if (found.kind == memory::kind::none) {
        return std::nullopt;
    }
    return std::string_view{found.bytes.data(), found.bytes.size()};
}

void check_range(lua_State* L, int arg) {
    static_cast<void>(memory::check_bounds(L, arg));
}

std::span<char> range_now(lua_State* L, int arg, std::span<char> whole) {
    const memory::range range = memory::range_of(bounds_now(L, arg), whole.size());
    return range.size == 0 ? std::span<char>{} : whole.subspan(range.offset, range.size);
}

void spell_number(lua_State* L, int arg) {
    if (lua_type(L, arg) == LUA_TNUMBER) {
        lua_tolstring(L, arg, nullptr);
    }
}

input_bytes check_input(lua_State* L, int arg, const scheduler& on) {
    const int type = lua_type(L, arg);
    if (type == LUA_TSTRING || type == LUA_TNUMBER) {
        std::size_t size = 0;
        const char* text = lua_tolstring(L, arg, &size);
        return {{text, size}, bytes_kind::string};
    }
    const found_bytes found = find_memory(L, arg, on);
    if (found.kind == memory::kind::none) {
        luaL_typeerror(L, arg, "string or memory");
    }
    return {{found.bytes.data(), found.bytes.size()}, kind_of(found.kind)};
}

std::string_view check_input_range(lua_State* L, int arg, std::string_view whole) {
    const memory::range range = memory::range_of(memory::check_bounds(L, arg), whole.size());
    return range.size == 0 ? std::string_view{} : whole.substr(range.offset, range.size);
}

} // namespace coring::lua::vm
