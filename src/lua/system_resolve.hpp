// Manual: system.nameaddr, system.findaddr.
#pragma once

#include <lua.hpp>

namespace coring::lua {

extern const luaL_Reg resolve_functions[];

} // namespace coring::lua
