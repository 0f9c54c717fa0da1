// system.awaitch, for the table of coutil.system.
#pragma once

#include <lua.hpp>

namespace coring::lua {

extern const luaL_Reg awaitch_functions[];

} // namespace coring::lua
