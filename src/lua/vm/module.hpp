// Modules that are a class: their functions are the methods of its objects.
#pragma once

#include "lua/vm/object.hpp"

namespace coring::lua::vm {

struct class_module {
    class_id which;
    const char* class_name;
    const luaL_Reg* metamethods;
    const luaL_Reg* functions;

    // Makes what else the module needs, with our upvalues on top of the stack, where they stay.
    // May be null.
    void (*make_more)(lua_State* L, scheduler& on);
};

// For the entry point of a module: the only value on the stack, and the result, is its table.
// Called in any state, from any thread, any number of times: one state has one such table.
int open_module(lua_State* L, const class_module& wanted);

} // namespace coring::lua::vm
