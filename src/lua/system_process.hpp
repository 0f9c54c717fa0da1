// system.execute.
#pragma once

#include <lua.hpp>

namespace coring::lua {

extern const luaL_Reg process_functions[];

} // namespace coring::lua
