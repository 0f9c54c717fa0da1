// Manual: system.netinfo.
#pragma once

#include "lua/vm/scheduler.hpp"

namespace coring::lua {

extern const luaL_Reg netinfo_functions[];

// Makes the class of the iterators. Requires the upvalues on top of the stack.
void make_interfaces_class(lua_State* L, vm::scheduler& on);

} // namespace coring::lua
