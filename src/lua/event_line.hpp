// The lines of those who wait for events.
//
// Each event has a line, for as long as somebody waits for it. A place in the line has a number
// and holds who waits: a coroutine that waits for this event alone, or a wait for several,
// which has a place in each of their lines. A coroutine that is closed runs no code of ours and
// leaves its place behind. So a place counts only if its coroutine is suspended in the very
// call that took it. Its frame tells: at fixed slots of its stack lie what it waits in and the
// number, which no line gives twice. Places that do not count are dropped by whoever comes
// across them. Besides, all lines are swept once in each cycle of the collector, and whenever
// there are twice as many places as ever counted at once.
#pragma once

#include <lua.hpp>

namespace coring::lua {

// What all functions of the module have as upvalues; one of each in a state.
enum event_upvalue : int {
    lines_upvalue = 1, // event -> its line. Keys are weak, and this is the only reference to
                       // those who wait: they live as long as the event does
    hub_upvalue,       // an event_hub
    spares_upvalue,    // lines without an event, for reuse
    debts_upvalue,     // emissions that are owed
};

struct event_hub {
    lua_State* resumed = nullptr; // by an emission, and its continuation has not seen that yet
    int depth = 0;                // emissions within emissions
    int spares = 0;
    lua_Integer places = 0;      // in all lines, and those that were collected since a sweep
    lua_Integer sweep_at = 1000; // so many places
    lua_Integer paid = 0;        // debts are numbered
    lua_Integer owed = 0;
};

[[nodiscard]] inline event_hub& event_hub_of(lua_State* L) {
    return *static_cast<event_hub*>(lua_touserdata(L, lua_upvalueindex(hub_upvalue)));
}

// A userdata whose user value is the table of its places. Numbers only grow, with the next
// event that uses the line, too.
struct event_line {
    lua_Integer next = 1;   // there are no places before
    lua_Integer last = 0;   // the number of the newest
    lua_Integer count = 0;  // how many there are
    lua_Integer opened = 0; // the last one of the event before
};

// A userdata whose user value is the coroutine. The numbers of its places follow, one for each
// event; zero where the event was named before.
struct event_wait {
    bool any;            // of the events; otherwise all
    bool over;           // an emission has ended it
    int events;          // how many
    lua_Integer missing; // how many were not emitted yet
};

// The frame of a coroutine that waits: the event or nothing, what it waits in, its number there
// (zero in a wait for several), then the table of places or the events.
enum waiting_frame : int { event_slot = 1, waits_in_slot, number_slot, rest_slot };

// Whether the coroutine is still suspended in the call that stored these in its frame.
[[nodiscard]] inline bool
waits_in(lua_State* thread, const void* what, lua_Integer number) noexcept {
    // The frame of a suspended coroutine is that of whatever called yield. Others may have
    // fewer values, or a userdata at the same place, but not a line or wait of ours with this
    // number.
    return lua_status(thread) == LUA_YIELD && lua_gettop(thread) >= number_slot &&
           lua_touserdata(thread, waits_in_slot) == what &&
           lua_tointegerx(thread, number_slot, nullptr) == number;
}

// --- lines ----------------------------------------------------------------------------------

// Pushes the line of the event and returns it. Null, and pushes nothing, if there is none.
[[nodiscard]] inline event_line* find_line(lua_State* L, int event) {
    lua_pushvalue(L, event);
    if (lua_rawget(L, lua_upvalueindex(lines_upvalue)) == LUA_TNIL) {
        lua_pop(L, 1);
        return nullptr;
    }
    return static_cast<event_line*>(lua_touserdata(L, -1));
}

// Raises if the event cannot be a key.
inline void check_event(lua_State* L, int event) {
    const int type = lua_type(L, event);
    if (type == LUA_TNIL || type == LUA_TNONE) {
        luaL_error(L, "table index is nil");
    }
    if (type == LUA_TNUMBER && lua_rawequal(L, event, event) == 0) {
        luaL_error(L, "table index is NaN");
    }
}

// Sweeps all lines, if it is time. May raise, and run finalizers.
void sweep_if_due(lua_State* L, event_hub& hub);

// Makes sure that the distinct events from `first` to the top can all have lines. May raise,
// and run finalizers. Until finalizers run again, open_line() will not.
void reserve_lines(lua_State* L, event_hub& hub, int first);

// Pushes a line for the event, which must have none. Raises only for lack of memory, and runs
// no finalizers. Requires a spare line.
[[nodiscard]] event_line& give_line(lua_State* L, event_hub& hub, int event);

// Pushes the line of the event, which gets one if it has none. As give_line() otherwise.
[[nodiscard]] inline event_line& open_line(lua_State* L, event_hub& hub, int event) {
    event_line* found = find_line(L, event);
    return found != nullptr ? *found : give_line(L, hub, event);
}

// --- places ---------------------------------------------------------------------------------

// A line, and where it and its parts are on the stack.
struct line_at {
    event_hub& hub;
    event_line& line;
    int event;
    int at;     // the line
    int places; // its table
};

// Gives the value on top of the stack, which is popped, a place at the end. May raise for lack
// of memory, and then nothing has changed; runs no finalizers.
inline lua_Integer enter_line(lua_State* L, const line_at& in) {
    lua_rawseti(L, in.places, in.line.last + 1);
    ++in.hub.places;
    ++in.line.count;
    return ++in.line.last;
}

// Gives up the line, in which nobody is left. Cannot fail. Requires three slots of stack.
void close_line(lua_State* L, const line_at& in);

// Takes the place out of the line, which the event loses with the last one. Cannot fail.
// Requires three slots of stack.
inline void leave_line(lua_State* L, const line_at& in, lua_Integer number) {
    lua_pushnil(L);
    lua_rawseti(L, in.places, number);
    --in.hub.places;
    if (--in.line.count == 0) {
        close_line(L, in);
    }
}

// Pushes who is at the first place that counts and returns its number. Zero, and pushes
// nothing, if there is none up to `limit`. Places that do not count are dropped. Cannot fail.
// Requires four slots of stack.
[[nodiscard]] lua_Integer first_in_line(lua_State* L, const line_at& in, lua_Integer limit);

// --- the module -----------------------------------------------------------------------------

// Pushes the upvalues, the same each time in one state.
constexpr int event_upvalue_count = 4;
void push_event_upvalues(lua_State* L);

} // namespace coring::lua
