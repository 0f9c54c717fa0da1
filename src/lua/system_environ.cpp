// Manual: system.getenv, system.setenv, system.packenv, system.unpackenv.
// Behaviour 10.2 and 10.3.
#include "lua/system_environ.hpp"

#include "base/environment.hpp"
#include "lua/environment.hpp"
#include "lua/vm/reply.hpp"

#include <cerrno>

namespace coring::lua {

namespace {

// The table that was given or, if there is no argument at all, a new one: pushed.
void push_result_table(lua_State* L, int arg) {
    if (lua_isnone(L, arg)) {
        lua_newtable(L);
    } else {
        luaL_checktype(L, arg, LUA_TTABLE);
        lua_pushvalue(L, arg);
    }
}

int get_all_variables(lua_State* L) {
    push_result_table(L, 1);
    const int table = lua_gettop(L);
    char* const* environment = push_process_environment(L);
    assign_variables(L, environment, table);
    lua_settop(L, table);
    return 1;
}

int system_getenv(lua_State* L) {
    if (lua_isnone(L, 1) || lua_istable(L, 1)) {
        return get_all_variables(L);
    }
    return push_variable(L, luaL_checkstring(L, 1)) ? 1 : vm::fail(L, ENOENT);
}

int system_setenv(lua_State* L) {
    const char* name = luaL_checkstring(L, 1);
    const char* value = lua_isnil(L, 2) ? nullptr : luaL_checkstring(L, 2);
    return vm::succeed_or_fail(L, base::write_variable(name, value));
}

int system_packenv(lua_State* L) {
    luaL_checktype(L, 1, LUA_TTABLE);
    push_packed(L, 1);
    return 1;
}

int system_unpackenv(lua_State* L) {
    char* const* environment = check_packed(L, 1, vm::scheduler_of(L));
    push_result_table(L, 2);
    assign_variables(L, environment, lua_gettop(L));
    return 1;
}

} // namespace

const luaL_Reg environ_functions[] = {
    {"getenv", system_getenv},       {"setenv", system_setenv}, {"packenv", system_packenv},
    {"unpackenv", system_unpackenv}, {nullptr, nullptr},
};

} // namespace coring::lua
