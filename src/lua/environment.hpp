// Packed environments: immutable userdata of class coutil:procesenv. (Manual: system.packenv.)
#pragma once

#include "lua/vm/scheduler.hpp"

namespace coring::lua {

// Makes the class. Requires the upvalues on top of the stack.
void make_environment_class(lua_State* L, vm::scheduler& on);

// Pushes an environment packed from the table at `table`, which is only read, and without
// metamethods. Raises for names and values that cannot be in an environment.
void push_packed(lua_State* L, int table);

// The environment at `arg`, as execve(2) wants it; it lasts as long as the userdata. Raises
// "coutil:procesenv expected, got T" for anything else.
[[nodiscard]] char* const* check_packed(lua_State* L, int arg, const vm::scheduler& on);

// The same, null for anything else.
[[nodiscard]] char* const* test_packed(lua_State* L, int arg, const vm::scheduler& on);

// Assigns each variable to the table at `table`, in the ordinary way. Of variables that are
// there twice, the first counts, as it does for whoever looks for one.
void assign_variables(lua_State* L, char* const* environment, int table);

// Pushes the value of a variable of the process as a string, or nothing. Returns whether there
// is one.
[[nodiscard]] bool push_variable(lua_State* L, const char* name);

// Pushes a block with a copy of the process's environment, and returns what is in it.
char* const* push_process_environment(lua_State* L);

} // namespace coring::lua
