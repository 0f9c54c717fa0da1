// Mode strings: sets of characters, in any order (the manual's blocking mode; behaviour 12.1).
#pragma once

#include <cstdint>

#include <lua.hpp>

namespace coring::lua::vm {

// How an error about a character names the argument: some functions put its number into the
// text by themselves.
inline constexpr int unnumbered = 0;

// The characters of a mode: bit n is set if the n-th character of `known` occurs. Raises for
// characters that are not in `known`; absent or nil is an empty mode. With a number, the text
// is "bad argument #NUMBER, unknown mode char (got 'z')".
[[nodiscard]] std::uint32_t
check_mode(lua_State* L, int arg, const char* known, int number = unnumbered);

// A mode in which only "~" is allowed: whether it is there.
[[nodiscard]] bool check_blocking_mode(lua_State* L, int arg);

// An unknown character in a mode.
[[noreturn]] void raise_unknown_mode(lua_State* L, char found, int number = unnumbered);

} // namespace coring::lua::vm
