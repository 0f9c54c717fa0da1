#include "lua/path_mode.hpp"

#include "lua/vm/await.hpp"

#include <sys/stat.h>

namespace coring::lua {

const char* check_mode(lua_State* L, int arg, const char* known, const char* where) {
    const char* mode = luaL_optstring(L, arg, "");
    if (const char* wrong = mode + std::strspn(mode, known); *wrong != '\0') {
        luaL_error(L, "%sunknown mode char (got '%c')", where, *wrong);
    }
    return mode;
}

bool check_blocking(lua_State* L, const char* mode) {
    if (holds(mode, '~')) {
        return true;
    }
    vm::check_yieldable(L);
    return false;
}

mode_t permission_bit(char letter) noexcept {
    switch (letter) {
    case 'U':
        return S_ISUID;
    case 'G':
        return S_ISGID;
    case 'S':
        return S_ISVTX;
    case 'r':
        return S_IRUSR;
    case 'w':
        return S_IWUSR;
    case 'x':
        return S_IXUSR;
    case 'R':
        return S_IRGRP;
    case 'W':
        return S_IWGRP;
    case 'X':
        return S_IXGRP;
    case '4':
        return S_IROTH;
    case '2':
        return S_IWOTH;
    case '1':
        return S_IXOTH;
    default:
        return 0;
    }
}

mode_t check_permissions(lua_State* L, int arg) {
    if (lua_type(L, arg) != LUA_TSTRING) { // a numeric string is a string of characters
        return static_cast<mode_t>(luaL_checkinteger(L, arg));
    }
    mode_t bits = 0;
    for (const char* at = lua_tostring(L, arg); *at != '\0'; ++at) {
        const mode_t bit = permission_bit(*at);
        if (bit == 0) {
            luaL_error(L, "bad argument #%d, unknown perm char (got '%c')", arg, *at);
        }
        bits |= bit;
    }
    return bits;
}

} // namespace coring::lua
