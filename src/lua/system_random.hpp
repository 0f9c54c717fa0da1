// Manual: system.random.
#pragma once

#include <lua.hpp>

namespace coring::lua {

extern const luaL_Reg random_functions[];

} // namespace coring::lua
