// Manual: system.procinfo.
#pragma once

#include <lua.hpp>

namespace coring::lua {

extern const luaL_Reg procinfo_functions[];

} // namespace coring::lua
