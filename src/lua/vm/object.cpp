#include "lua/vm/object.hpp"

namespace coring::lua::vm {

namespace {

lua_Integer key_of(class_id which) noexcept {
    return -1 - static_cast<lua_Integer>(which);
}

} // namespace

void* check_object(lua_State* L,
                   int arg,
                   const scheduler& on,
                   class_id which,
                   const char* name) {
    void* block = test_object(L, arg, on, which);
    if (block == nullptr) {
        luaL_typeerror(L, arg, name);
    }
    return block;
}

void add_functions(lua_State* L, int table, const luaL_Reg* functions) {
    table = lua_absindex(L, table);
    const int first = lua_gettop(L) - upvalue_count + 1;
    for (; functions->name != nullptr; ++functions) {
        for (int at = 0; at < upvalue_count; ++at) {
            lua_pushvalue(L, first + at);
        }
        lua_pushcclosure(L, functions->func, upvalue_count);
        lua_setfield(L, table, functions->name);
    }
}

void make_class(lua_State* L,
                scheduler& on,
                class_id which,
                const char* name,
                const luaL_Reg* metamethods,
                const luaL_Reg* methods) {
    luaL_checkstack(L, 12, nullptr);
    const int first = lua_gettop(L) - upvalue_count + 1;
    luaL_newmetatable(L, name);
    on.set_class(which, lua_topointer(L, -1));
    lua_insert(L, first);
    const int metatable = first;
    lua_pushvalue(L, metatable);
    lua_rawseti(L, metatable + anchors_upvalue, key_of(which));
    if (methods != nullptr) {
        lua_newtable(L);
        lua_insert(L, first + 1);
        add_functions(L, first + 1, methods);
        lua_pushvalue(L, first + 1);
        lua_remove(L, first + 1);
        lua_setfield(L, metatable, "__index");
    }
    add_functions(L, metatable, metamethods);
    lua_remove(L, metatable);
}

void set_class(lua_State* L, class_id which) {
    lua_rawgeti(L, lua_upvalueindex(anchors_upvalue), key_of(which));
    lua_setmetatable(L, -2);
}

} // namespace coring::lua::vm
