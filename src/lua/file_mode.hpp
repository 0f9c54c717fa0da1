// Mode strings and permissions of the functions on files (behaviour 12.1 and 12.2).
#pragma once

#include <cstdint>

#include <lua.hpp>
#include <sys/types.h>

namespace coring::lua {

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

// Permission bits: an integer, or a string of UGSrwxRWX421.
[[nodiscard]] mode_t check_permissions(lua_State* L, int arg);

// The bit that a permission character stands for; zero for other characters.
[[nodiscard]] mode_t permission_bit(char letter) noexcept;

// What the mode of openfile asks for: flags of open(2), close-on-exec among them.
struct open_mode {
    int flags;
    bool creates; // permissions are needed
    bool blocking;
};

[[nodiscard]] open_mode check_open_mode(lua_State* L, int arg);

} // namespace coring::lua
