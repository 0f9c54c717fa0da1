// Manual: Time Measure.
#pragma once

#include <lua.hpp>

namespace coring::lua {

extern const luaL_Reg time_functions[];

} // namespace coring::lua
