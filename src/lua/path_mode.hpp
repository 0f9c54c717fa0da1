// Mode strings and permissions of the functions on paths (behaviour 12.1, 12.2).
#pragma once

#include <cstring>

#include <lua.hpp>
#include <sys/types.h>

namespace coring::lua {

// The mode at `arg`, empty if there is none. Raises for a character that is not in `known`;
// the error begins with `where`, as programs know it from each function.
[[nodiscard]] const char*
check_mode(lua_State* L, int arg, const char* known, const char* where = "");

[[nodiscard]] inline bool holds(const char* mode, char wanted) noexcept {
    return std::strchr(mode, wanted) != nullptr;
}

// Whether the mode asks for blocking. If not, raises where the caller cannot yield.
[[nodiscard]] bool check_blocking(lua_State* L, const char* mode);

// The permissions at `arg`: an integer, or a string of permission characters.
[[nodiscard]] mode_t check_permissions(lua_State* L, int arg);

// The bit that a permission character stands for, or zero.
[[nodiscard]] mode_t permission_bit(char letter) noexcept;

} // namespace coring::lua
