// What the parts of the test module `native` share: each offers a list of functions.
#pragma once

#include <cerrno>

#include <lua.hpp>

inline int check_int(lua_State* L, int arg) {
    return static_cast<int>(luaL_checkinteger(L, arg));
}

// The number, or nil and the errno.
inline int answer(lua_State* L, long value) {
    if (value < 0) {
        const int code = errno;
        lua_pushnil(L);
        lua_pushinteger(L, code);
        return 2;
    }
    lua_pushinteger(L, value);
    return 1;
}

extern const luaL_Reg process_functions[];
extern const luaL_Reg socket_functions[];
extern const luaL_Reg file_functions[];
extern const luaL_Reg memory_functions[];
