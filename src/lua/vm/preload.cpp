#include "lua/vm/preload.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <cstring>

namespace coring::lua::vm {

namespace {

constexpr luaL_Reg standard_libraries[] = {
    {LUA_GNAME, luaopen_base},       {LUA_COLIBNAME, luaopen_coroutine},
    {LUA_TABLIBNAME, luaopen_table}, {LUA_IOLIBNAME, luaopen_io},
    {LUA_OSLIBNAME, luaopen_os},     {LUA_STRLIBNAME, luaopen_string},
    {LUA_UTF8LIBNAME, luaopen_utf8}, {LUA_MATHLIBNAME, luaopen_math},
    {LUA_DBLIBNAME, luaopen_debug},  {nullptr, nullptr},
};

// The bytes of a function, in memory of neither state. Freed by hand: errors are jumps.
struct dumped {
    char* bytes = nullptr;
    std::size_t size = 0;
    std::size_t room = 0;
};

int append(lua_State*, const void* piece, std::size_t size, void* to) {
    auto& into = *static_cast<dumped*>(to);
    if (into.room - into.size < size) {
        constexpr std::size_t first_room = 1024;
        const std::size_t room = std::max({first_room, into.room * 2, into.size + size});
        auto* grown = static_cast<char*>(std::realloc(into.bytes, room));
        if (grown == nullptr) {
            return 1;
        }
        into.bytes = grown;
        into.room = room;
    }
    if (size > 0) {
        std::memcpy(into.bytes + into.size, piece, size);
        into.size += size;
    }
    return 0;
}

// Pushes the function on top of the creator's stack onto L's. Its first upvalue, if it has any,
// becomes L's table of globals. False, and nothing is pushed, if it cannot be copied.
bool copy_lua_function(lua_State* L, lua_State* creator) {
    dumped code;
    const bool complete = lua_dump(creator, append, &code, 0) == 0;
    const int status =
        complete ? luaL_loadbufferx(L, code.bytes, code.size, "=preload", "b") : LUA_ERRMEM;
    std::free(code.bytes);
    if (!complete) {
        return luaL_error(L, "not enough memory") != 0;
    }
    if (status == LUA_ERRMEM) {
        return lua_error(L) != 0;
    }
    if (status != LUA_OK) {
        lua_pop(L, 1);
    }
    return status == LUA_OK;
}

bool copy_function(lua_State* L, lua_State* creator) {
    if (lua_CFunction function = lua_tocfunction(creator, -1); function != nullptr) {
        lua_pushcfunction(L, function);
        return true;
    }
    return lua_isfunction(creator, -1) && copy_lua_function(L, creator);
}

} // namespace

void preload_standard_libraries(lua_State* L) {
    luaL_setfuncs(L, standard_libraries, 0);
}

void inherit_preloads(lua_State* L, lua_State* creator, int table) {
    lua_pushnil(creator);
    while (lua_next(creator, table) != 0) {
        if (lua_type(creator, -2) == LUA_TSTRING) {
            std::size_t size = 0;
            const char* name = lua_tolstring(creator, -2, &size);
            lua_pushlstring(L, name, size);
            if (copy_function(L, creator)) {
                lua_rawset(L, -3);
            } else {
                lua_pop(L, 1);
            }
        }
        lua_pop(creator, 1);
    }
}

} // namespace coring::lua::vm
