// Manual: Event Processing.
#pragma once

#include <lua.hpp>

namespace coring::lua {

extern const luaL_Reg run_functions[];

} // namespace coring::lua
