// Manual: System Processes, the signals.
#pragma once

#include <lua.hpp>

namespace coring::lua {

extern const luaL_Reg signal_functions[];

} // namespace coring::lua
