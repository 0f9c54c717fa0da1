// Manual: system.getenv, system.setenv, system.packenv, system.unpackenv.
#pragma once

#include <lua.hpp>

namespace coring::lua {

extern const luaL_Reg environ_functions[];

} // namespace coring::lua
