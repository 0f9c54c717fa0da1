// Pools of threads, as far as the rest of the binding has to know them.
#pragma once

#include <lua.hpp>

namespace coring::lua {

// Closes the pools that this state has made, which may take as long as their tasks do. Requires
// four places on the stack; raises nothing.
void close_pools(lua_State* L) noexcept;

} // namespace coring::lua
