// What `require` finds in an independent state without looking for files (behaviour 15.1).
#pragma once

#include <lua.hpp>

namespace coring::lua::vm {

// Adds the standard libraries to the table on top of the stack. May raise.
void preload_standard_libraries(lua_State* L);

// Copies the entries of the creator's table at `table` that can be copied to the table on top
// of L's stack: C functions, and Lua functions that can be dumped. Raises only in L. Requires
// three places on the creator's stack, where an error may leave values.
void inherit_preloads(lua_State* L, lua_State* creator, int table);

} // namespace coring::lua::vm
