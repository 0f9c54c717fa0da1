#include "lua/vm/mode.hpp"

#include <cstring>

namespace coring::lua::vm {

void raise_unknown_mode(lua_State* L, char found, int number) {
    if (number == unnumbered) {
        luaL_error(L, "unknown mode char (got '%c')", found);
    } else {
        luaL_error(L, "bad argument #%d, unknown mode char (got '%c')", number, found);
    }
    __builtin_unreachable();
}

std::uint32_t check_mode(lua_State* L, int arg, const char* known, int number) {
    const char* mode = luaL_optstring(L, arg, "");
    std::uint32_t found = 0;
    for (; *mode != '\0'; ++mode) {
        const char* place = std::strchr(known, *mode);
        if (place == nullptr) {
            raise_unknown_mode(L, *mode, number);
        }
        found |= 1U << (place - known);
    }
    return found;
}

bool check_blocking_mode(lua_State* L, int arg) {
    return !lua_isnoneornil(L, arg) && check_mode(L, arg, "~") != 0;
}

} // namespace coring::lua::vm
