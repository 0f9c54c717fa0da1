// The two metatables that make a userdata a memory (behaviour 16.2). This is the only part of
// the room that coutil.so shares: it must be able to recognise memories in a state that never
// loads the Lua module.
#pragma once

#include <lua.hpp>

namespace coring::lua::memory {

// Ensures that the registry has both metatables, and that the one of references releases what
// its objects refer to when they are collected or closed. What exists already is left as it is.
// May raise a memory error; the state is then as if the metatable at hand was never asked for.
// Keeps nothing outside the state, so that states in different threads may call it at the same
// time.
void ensure_metatables(lua_State* state);

} // namespace coring::lua::memory
