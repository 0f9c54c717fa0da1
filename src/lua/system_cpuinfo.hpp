// Manual: system.cpuinfo.
#pragma once

#include "lua/vm/scheduler.hpp"

namespace coring::lua {

extern const luaL_Reg cpuinfo_functions[];

// Makes the class of the iterators. Requires the upvalues on top of the stack.
void make_cpu_class(lua_State* L, vm::scheduler& on);

} // namespace coring::lua
