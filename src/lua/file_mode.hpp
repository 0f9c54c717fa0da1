// The mode of openfile and permissions of files (behaviour 12.2 and 12.3).
#pragma once

#include "lua/vm/mode.hpp"

#include <cstdint>

#include <lua.hpp>
#include <sys/types.h>

namespace coring::lua {

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
