// Manual: system.getdir, system.setdir.
#pragma once

#include <lua.hpp>

namespace coring::lua {

extern const luaL_Reg directory_functions[];

} // namespace coring::lua
