// Waiting for one event, for any of several, or for all.
#pragma once

#include "lua/event_line.hpp"

namespace coring::lua {

// Yields until an emission on the only argument, or somebody else, resumes the coroutine.
// Returns what it was given then.
int await_event(lua_State* L);

// The same with an emission on any of the arguments.
int await_any_event(lua_State* L);

// The same with an emission on each of the arguments; returns true then, instead.
int await_all_events(lua_State* L);

} // namespace coring::lua
