// Manual: addresses, what system.findaddr found.
#pragma once

#include "io/resolve.hpp"
#include "lua/vm/scheduler.hpp"

#include <span>

namespace coring::lua {

// Makes the class. Requires the upvalues on top of the stack; they stay there.
void make_address_list_class(lua_State* L, vm::scheduler& on);

// Pushes a list with copies of these, on the first of them. Requires that there is one.
void push_addresses(lua_State* L, std::span<const io::found_address> found);

} // namespace coring::lua
