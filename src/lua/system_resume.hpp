// system.resume, for the table of coutil.system.
#pragma once

#include <lua.hpp>

namespace coring::lua {

extern const luaL_Reg resume_functions[];

} // namespace coring::lua
