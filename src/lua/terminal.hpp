// Manual: Standard Streams, terminals.
#pragma once

#include "lua/socket.hpp"

namespace coring::lua {

// Makes the class of terminals. Requires the upvalues on top of the stack; they stay there.
void make_terminal_class(lua_State* L, vm::scheduler& on);

} // namespace coring::lua
