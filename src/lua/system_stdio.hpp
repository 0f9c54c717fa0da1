// Manual: Standard Streams.
#pragma once

#include <lua.hpp>

namespace coring::lua {

// Adds stdin, stdout and stderr to the table at 1: objects of this state, with descriptors of
// their own. Warns of what cannot be a stream, and leaves that out. Raises where descriptors
// are short. To be called as a function with our upvalues.
int add_standard_streams(lua_State* L);

} // namespace coring::lua
