// Userdata of our classes: making them, and telling them apart by metatable.
#pragma once

#include "lua/vm/scheduler.hpp"

namespace coring::lua::vm {

// The argument's block if it is of this class, else null. Compares one pointer.
[[nodiscard]] inline void*
test_object(lua_State* L, int arg, const scheduler& on, class_id which) {
    if (lua_getmetatable(L, arg) == 0) {
        return nullptr;
    }
    const void* metatable = lua_topointer(L, -1);
    lua_pop(L, 1);
    // Null as well for a table that was given our metatable.
    return metatable == on.class_of(which) ? lua_touserdata(L, arg) : nullptr;
}

// The argument's block. Raises "NAME expected, got T" for everything else.
[[nodiscard]] void*
check_object(lua_State* L, int arg, const scheduler& on, class_id which, const char* name);

// Makes the class's metatable, named and with methods behind __index if `methods` is not null.
// All functions get our upvalues, which must be the values on top of the stack and stay
// there. `metamethods` may hold __index itself.
void make_class(lua_State* L,
                scheduler& on,
                class_id which,
                const char* name,
                const luaL_Reg* metamethods,
                const luaL_Reg* methods);

// Adds functions to the table at `table`, with the values on top of the stack as upvalues.
void add_functions(lua_State* L, int table, const luaL_Reg* functions);

// Gives the userdata on top of the stack its class. Requires make_class(), and a running
// function of ours: the metatables lie with the anchors, under negative numbers.
void set_class(lua_State* L, class_id which);

} // namespace coring::lua::vm
