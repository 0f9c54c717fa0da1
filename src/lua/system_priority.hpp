// Manual: system.getpriority, system.setpriority.
#pragma once

#include <lua.hpp>

namespace coring::lua {

extern const luaL_Reg priority_functions[];

} // namespace coring::lua
