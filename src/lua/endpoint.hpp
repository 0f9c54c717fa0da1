// The name of an end of a channel. Manual: system.awaitch.
#pragma once

#include "threadpool/rendezvous.hpp"

#include <lua.hpp>

namespace coring::lua {

// The end that the argument names. False: it names none, and why not is on top of the stack.
// May raise for want of memory.
[[nodiscard]] bool to_endpoint(lua_State* L, int arg, threadpool::endpoint& end);

} // namespace coring::lua
