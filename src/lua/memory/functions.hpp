// The functions of the Lua module `memory` (behaviour 16.1, "Functions"), for the table that
// module.cpp makes. Each one follows the same order: check every argument, then look at bytes,
// then answer.
#pragma once

#include <lua.hpp>

namespace coring::lua::memory {

// create.cpp: making memories, and what they are.
int memory_create(lua_State* state);
int memory_type(lua_State* state);
int memory_len(lua_State* state);
int memory_resize(lua_State* state);

// access.cpp: single bytes and repeated patterns.
int memory_get(lua_State* state);
int memory_set(lua_State* state);
int memory_fill(lua_State* state);

// search.cpp: comparing and finding.
int memory_diff(lua_State* state);
int memory_find(lua_State* state);

// text.cpp: strings out of memories.
int memory_tostring(lua_State* state);
int memory_tostring_whole(lua_State* state);
int memory_concat(lua_State* state);

// pack.cpp and unpack.cpp: values in a binary format.
int memory_pack(lua_State* state);
int memory_unpack(lua_State* state);

} // namespace coring::lua::memory
