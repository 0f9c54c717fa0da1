// Manual: system.address and the fields of addresses.
#pragma once

#include "io/address.hpp"
#include "lua/vm/scheduler.hpp"

namespace coring::lua {

extern const luaL_Reg address_functions[];

// Makes the class. Requires the upvalues on top of the stack; they stay there.
void make_address_class(lua_State* L, vm::scheduler& on);

// Pushes a new wildcard address and returns it.
io::ip_address& push_address(lua_State* L, io::ip_version version);

// The address at `arg`, or null if it is something else.
[[nodiscard]] io::ip_address* test_address(lua_State* L, int arg, const vm::scheduler& on);

// Raises "coutil:netaddress expected".
[[nodiscard]] io::ip_address& check_address(lua_State* L, int arg, const vm::scheduler& on);

// Raises "coutil:netaddress expected" or, for the other version, "wrong domain".
[[nodiscard]] io::ip_address&
check_address(lua_State* L, int arg, const vm::scheduler& on, io::ip_version version);

} // namespace coring::lua
