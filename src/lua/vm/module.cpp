#include "lua/vm/module.hpp"

namespace coring::lua::vm {

namespace {

// The table is the module and what the metatable finds methods in.
void make_module(lua_State* L, scheduler& on, const class_module& wanted) {
    const int first = lua_gettop(L) - upvalue_count + 1;
    make_class(L, on, wanted.which, wanted.class_name, wanted.metamethods, nullptr);
    if (wanted.make_more != nullptr) {
        wanted.make_more(L, on);
    }
    lua_newtable(L);
    lua_insert(L, first);
    add_functions(L, first, wanted.functions);
    luaL_getmetatable(L, wanted.class_name);
    lua_pushvalue(L, first);
    lua_setfield(L, -2, "__index");
    lua_settop(L, first);
}

} // namespace

int open_module(lua_State* L, const class_module& wanted) {
    lua_settop(L, 0);
    push_upvalues(L);
    auto& on = *static_cast<scheduler_block*>(lua_touserdata(L, 1))->alive;
    if (on.class_of(wanted.which) == nullptr) {
        make_module(L, on, wanted);
    } else {
        luaL_getmetatable(L, wanted.class_name);
        lua_getfield(L, -1, "__index");
    }
    return 1;
}

} // namespace coring::lua::vm
