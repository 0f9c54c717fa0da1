#include "lua/event_wait.hpp"

#include "lua/vm/await.hpp"

#include <algorithm>
#include <new>

namespace coring::lua {

namespace {

// What leaving a line needs, on top of values that may fill the frame.
constexpr int leaving_slots = 6;

// Whether an emission has resumed the running coroutine, which has just begun to go on.
bool resumed_by_emission(lua_State* L, event_hub& hub) {
    if (hub.resumed != L) {
        return false;
    }
    hub.resumed = nullptr;
    return true;
}

// --- one event ------------------------------------------------------------------------------

// Resumed by hand, it takes itself out of the line, unless an emission has and still owes.
// Where there is no memory for that, its place does not count any more, and will be swept.
void leave(lua_State* L, event_hub& hub) {
    if (lua_checkstack(L, leaving_slots) == 0) {
        return;
    }
    auto& line = *static_cast<event_line*>(lua_touserdata(L, waits_in_slot));
    const lua_Integer number = lua_tointegerx(L, number_slot, nullptr);
    if (lua_rawgeti(L, rest_slot, number) != LUA_TNIL) {
        leave_line(L, {hub, line, event_slot, waits_in_slot, rest_slot}, number);
    }
    lua_pop(L, 1);
}

int await_event_k(lua_State* L, int, lua_KContext) {
    event_hub& hub = event_hub_of(L);
    if (!resumed_by_emission(L, hub)) {
        leave(L, hub);
    }
    return lua_gettop(L) - rest_slot;
}

// Pushes a line for the event, which has none. May run finalizers.
event_line& first_to_wait(lua_State* L, event_hub& hub) {
    check_event(L, event_slot);
    if (hub.spares > 0) {
        return give_line(L, hub, event_slot);
    }
    reserve_lines(L, hub, event_slot);
    return open_line(L, hub, event_slot);
}

// --- several --------------------------------------------------------------------------------

// In a wait for several the events lie where the other has its table of places.
constexpr int first_event = rest_slot;

lua_Integer* numbers_of(event_wait& wait) {
    return static_cast<lua_Integer*>(static_cast<void*>(&wait + 1));
}

// Leaves only the arguments that are not nil. Raises if one cannot be an event.
int keep_events(lua_State* L) {
    int kept = 0;
    for (int argument = 1, top = lua_gettop(L); argument <= top; ++argument) {
        if (lua_isnil(L, argument)) {
            continue;
        }
        check_event(L, argument);
        if (++kept != argument) {
            lua_copy(L, argument, kept);
        }
    }
    lua_settop(L, kept);
    return kept;
}

// Makes the wait and puts it, with what else belongs there, below the events.
event_wait& put_wait(lua_State* L, int events, bool any) {
    const auto count = static_cast<std::size_t>(events);
    void* block = lua_newuserdatauv(L, sizeof(event_wait) + count * sizeof(lua_Integer), 1);
    auto& wait = *new (block) event_wait{any, false, events, 0};
    std::fill_n(numbers_of(wait), events, 0);
    lua_pushthread(L);
    lua_setiuservalue(L, -2, 1);
    lua_pushboolean(L, 0);
    lua_insert(L, -2);
    lua_pushinteger(L, 0);
    lua_rotate(L, 1, rest_slot - event_slot);
    return wait;
}

// Takes a place in the line of the event, unless the wait has the last one there already. May
// raise for lack of memory; runs no finalizers.
void enter_one(lua_State* L, event_hub& hub, event_wait& wait, int index) {
    const int event = first_event + index;
    const int top = lua_gettop(L);
    event_line& line = open_line(L, hub, event);
    lua_getiuservalue(L, -1, 1);
    lua_rawgeti(L, -1, line.last);
    if (lua_touserdata(L, -1) != &wait) {
        lua_pushvalue(L, waits_in_slot);
        numbers_of(wait)[index] = enter_line(L, {hub, line, event, top + 1, top + 2});
        ++wait.missing;
    }
    lua_settop(L, top);
}

// Takes out of line who is still there. Requires that the event has a line if so.
void leave_one(lua_State* L, event_hub& hub, event_wait& wait, int index) {
    const int event = first_event + index;
    const int top = lua_gettop(L);
    const lua_Integer number = numbers_of(wait)[index];
    event_line* line = number > 0 ? find_line(L, event) : nullptr;
    if (line != nullptr) {
        lua_getiuservalue(L, -1, 1);
        lua_rawgeti(L, -1, number);
        if (lua_touserdata(L, -1) == &wait) {
            leave_line(L, {hub, *line, event, top + 1, top + 2}, number);
        }
    }
    lua_settop(L, top);
}

void leave_all(lua_State* L, event_hub& hub, event_wait& wait) {
    if (lua_checkstack(L, leaving_slots) == 0) {
        return; // as above
    }
    for (int index = 0; index < wait.events; ++index) {
        leave_one(L, hub, wait, index);
    }
}

int await_several_k(lua_State* L, int, lua_KContext) {
    auto& wait = *static_cast<event_wait*>(lua_touserdata(L, waits_in_slot));
    const int base = rest_slot - 1 + wait.events;
    event_hub& hub = event_hub_of(L);
    const bool emitted = resumed_by_emission(L, hub);
    if (emitted && !wait.any) {
        lua_settop(L, base);
        lua_pushboolean(L, 1);
        return 1;
    }
    const int values = lua_gettop(L) - base;
    leave_all(L, hub, wait);
    return values;
}

// Between the first place and the yield no finalizer runs, which could emit an event while the
// coroutine cannot be resumed yet. What comes of a lack of memory are places that do not count.
int await_several(lua_State* L, int events, bool any) {
    event_hub& hub = event_hub_of(L);
    event_wait& wait = put_wait(L, events, any);
    sweep_if_due(L, hub);
    reserve_lines(L, hub, first_event);
    for (int index = 0; index < events; ++index) {
        enter_one(L, hub, wait, index);
    }
    return lua_yieldk(L, 0, 0, await_several_k);
}

} // namespace

int await_event(lua_State* L) {
    vm::check_yieldable(L);
    lua_settop(L, event_slot);
    event_hub& hub = event_hub_of(L);
    sweep_if_due(L, hub);
    event_line* line = find_line(L, event_slot);
    if (line == nullptr) {
        line = &first_to_wait(L, hub);
    }
    // From here to the yield no finalizer runs, as below.
    lua_pushinteger(L, line->last + 1);
    lua_getiuservalue(L, waits_in_slot, 1);
    lua_pushthread(L);
    enter_line(L, {hub, *line, event_slot, waits_in_slot, rest_slot});
    return lua_yieldk(L, 0, 0, await_event_k);
}

int await_any_event(lua_State* L) {
    vm::check_yieldable(L);
    const int events = keep_events(L);
    if (events == 0) {
        return luaL_error(L, "non-nil value expected");
    }
    return await_several(L, events, true);
}

int await_all_events(lua_State* L) {
    vm::check_yieldable(L);
    const int events = keep_events(L);
    if (events == 0) {
        lua_pushboolean(L, 1);
        return 1;
    }
    return await_several(L, events, false);
}

} // namespace coring::lua
