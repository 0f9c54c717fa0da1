// The answer of a call: values, or a failure in the one form there is (behaviour 3.1).
#pragma once

#include <lua.hpp>

namespace coring::lua::vm {

// Pushes false, the message and the code (an errno, or a pseudo code), and returns 3.
int fail(lua_State* L, int code);

// Pushes false and a message, for the failures that have no code, and returns 2.
int fail_text(lua_State* L, const char* message);

// Pushes true and returns 1 if `code` is zero, else fails with it.
int succeed_or_fail(lua_State* L, int code);

// Raises "not enough memory", with the position of the caller.
[[noreturn]] void raise_no_memory(lua_State* L);

// Raises that the module cannot start, with the message of `code` and what it is about.
[[noreturn]] void raise_no_start(lua_State* L, const char* what, int code);

// Raises the message of `code`, with the position of the caller.
int raise(lua_State* L, int code);

// Emits a warning "[coutil] PLACE: MESSAGE", with the error value on top of `from` as the
// message; `other` stands for values that are neither strings nor numbers. Never raises.
void warn_of_error(lua_State* L,
                   lua_State* from,
                   const char* place,
                   const char* other) noexcept;

} // namespace coring::lua::vm
