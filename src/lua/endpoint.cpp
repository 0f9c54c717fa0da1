#include "lua/endpoint.hpp"

#include <array>
#include <string_view>

namespace coring::lua {

namespace {

struct named_end {
    std::string_view name;
    threadpool::endpoint end;
};

constexpr std::array<named_end, 3> ends = {{
    {"in", threadpool::endpoint::in},
    {"out", threadpool::endpoint::out},
    {"any", threadpool::endpoint::any},
}};

// As luaL_typeerror() names types.
const char* push_type_name(lua_State* L, int arg) {
    if (luaL_getmetafield(L, arg, "__name") == LUA_TSTRING) {
        return lua_tostring(L, -1);
    }
    return lua_type(L, arg) == LUA_TLIGHTUSERDATA ? "light userdata" : luaL_typename(L, arg);
}

} // namespace

bool to_endpoint(lua_State* L, int arg, threadpool::endpoint& end) {
    end = threadpool::endpoint::any;
    if (lua_isnoneornil(L, arg)) {
        return true;
    }
    if (lua_type(L, arg) != LUA_TSTRING && lua_type(L, arg) != LUA_TNUMBER) {
        lua_pushfstring(L, "bad argument #%d (string expected, got %s)", arg,
                        push_type_name(L, arg));
        return false;
    }
    std::size_t size = 0;
    const char* bytes = lua_tolstring(L, arg, &size);
    for (const named_end& each : ends) {
        if (each.name == std::string_view{bytes, size}) {
            end = each.end;
            return true;
        }
    }
    lua_pushfstring(L, "bad argument #%d (invalid option '%s')", arg, bytes);
    return false;
}

} // namespace coring::lua
