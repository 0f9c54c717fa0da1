// Emissions: they resume those who wait in a line, there and then, down to some depth.
#pragma once

#include "lua/event_line.hpp"

namespace coring::lua {

enum class event_reach { one, all };

// The whole of event.emitone and event.emitall: the event is the first of the values on the
// stack, and all of them are given to whoever is resumed. What these yield, return or raise is
// nobody's.
int emit_event(lua_State* L, event_reach reach);

} // namespace coring::lua
