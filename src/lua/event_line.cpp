#include "lua/event_line.hpp"

#include <algorithm>
#include <new>

namespace coring::lua {

namespace {

// Lines are about as large as what a coroutine needs to wait at all. Those that were long have
// large tables, and are left to the collector.
constexpr int most_spares = 100;
constexpr lua_Integer most_uses = 16;

// The hub's user value, with weak values: its only one is what the collector will sweep with.
constexpr int sweeper_of_hub = 1;

// Its address names the hub in the registry.
const char hub_key = 0;

// --- sweeping -------------------------------------------------------------------------------

// Whether who is on top of the stack is still where it was when it got this place.
bool counts(lua_State* L, const event_line& line, lua_Integer number) {
    if (lua_State* thread = lua_tothread(L, -1); thread != nullptr) {
        return waits_in(thread, &line, number);
    }
    const auto& wait = *static_cast<event_wait*>(lua_touserdata(L, -1));
    if (wait.over) {
        return false;
    }
    lua_getiuservalue(L, -1, 1);
    const bool waits = waits_in(lua_tothread(L, -1), &wait, 0);
    lua_pop(L, 1);
    return waits;
}

// Drops the places that do not count from the line on top of the stack, and pushes their table.
void sweep_line(lua_State* L, event_line& line) {
    const int places = lua_gettop(L) + 1;
    lua_getiuservalue(L, -1, 1);
    lua_pushnil(L);
    while (lua_next(L, places) != 0) {
        const lua_Integer number = lua_tointegerx(L, -2, nullptr);
        if (!counts(L, line, number)) {
            lua_pushnil(L);
            lua_rawseti(L, places, number);
            --line.count;
        }
        lua_pop(L, 1);
    }
}

// Cannot fail. Requires nine slots of stack.
void sweep(lua_State* L, event_hub& hub) {
    const int event = lua_gettop(L) + 1;
    hub.places = 0;
    lua_pushnil(L);
    while (lua_next(L, lua_upvalueindex(lines_upvalue)) != 0) {
        auto& line = *static_cast<event_line*>(lua_touserdata(L, -1));
        sweep_line(L, line);
        hub.places += line.count;
        if (line.count == 0) {
            close_line(L, {hub, line, event, event + 1, event + 2});
        }
        lua_settop(L, event);
    }
    // Never lowered: sweeping takes as long as tables are large, and these do not shrink.
    hub.sweep_at = std::max(hub.sweep_at, 2 * hub.places);
}

// The finalizer of the sweeper, which nobody refers to: so it runs in each cycle. Those who
// were closed are collected in the next one. Allocates nothing.
int sweeper_collect(lua_State* L) {
    event_hub& hub = event_hub_of(L);
    lua_settop(L, 1);
    lua_getiuservalue(L, lua_upvalueindex(hub_upvalue), sweeper_of_hub);
    if (lua_rawgeti(L, 2, 1) == LUA_TNIL) { // else another was made meanwhile
        lua_pushvalue(L, 1);
        lua_rawseti(L, 2, 1);
        lua_getmetatable(L, 1);
        lua_setmetatable(L, 1); // to be finalized again
        sweep(L, hub);
    }
    return 0;
}

// There may be none if a finalizer could not be called for lack of memory or of C stack.
void ensure_sweeper(lua_State* L) {
    lua_getiuservalue(L, lua_upvalueindex(hub_upvalue), sweeper_of_hub);
    if (lua_rawgeti(L, -1, 1) == LUA_TNIL) {
        lua_newuserdatauv(L, 0, 0);
        lua_createtable(L, 0, 1);
        for (int upvalue = 1; upvalue <= event_upvalue_count; ++upvalue) {
            lua_pushvalue(L, lua_upvalueindex(upvalue));
        }
        lua_pushcclosure(L, sweeper_collect, event_upvalue_count);
        lua_setfield(L, -2, "__gc");
        lua_setmetatable(L, -2);
        lua_rawseti(L, -3, 1);
    }
    lua_pop(L, 2);
}

// --- lines ----------------------------------------------------------------------------------

void make_spare(lua_State* L, event_hub& hub) {
    new (lua_newuserdatauv(L, sizeof(event_line), 1)) event_line{};
    lua_createtable(L, 0, 1);
    lua_setiuservalue(L, -2, 1);
    lua_rawseti(L, lua_upvalueindex(spares_upvalue), hub.spares + 1);
    ++hub.spares;
}

// How many lines are missing, at most.
int count_missing(lua_State* L, int first) {
    int missing = 0;
    for (int event = first, top = lua_gettop(L); event <= top; ++event) {
        if (find_line(L, event) == nullptr) {
            ++missing;
        } else {
            lua_pop(L, 1);
        }
    }
    return missing;
}

} // namespace

void sweep_if_due(lua_State* L, event_hub& hub) {
    if (hub.places >= hub.sweep_at) {
        ensure_sweeper(L);
        sweep(L, hub);
    }
}

void reserve_lines(lua_State* L, event_hub& hub, int first) {
    // Finalizers may run and wait for the very events, or emit them: then count again.
    for (int missing = 0; (missing = count_missing(L, first)) > hub.spares;) {
        ensure_sweeper(L);
        while (hub.spares < missing) {
            make_spare(L, hub);
        }
    }
}

event_line& give_line(lua_State* L, event_hub& hub, int event) {
    lua_pushvalue(L, event);
    lua_rawgeti(L, lua_upvalueindex(spares_upvalue), hub.spares);
    auto& line = *static_cast<event_line*>(lua_touserdata(L, -1));
    lua_pushvalue(L, -1);
    lua_insert(L, -3);
    lua_rawset(L, lua_upvalueindex(lines_upvalue));
    lua_pushnil(L);
    lua_rawseti(L, lua_upvalueindex(spares_upvalue), hub.spares);
    --hub.spares;
    line.opened = line.last;
    return line;
}

// --- places ---------------------------------------------------------------------------------

void close_line(lua_State* L, const line_at& in) {
    in.line.next = in.line.last + 1;
    lua_pushvalue(L, in.event);
    lua_pushnil(L);
    lua_rawset(L, lua_upvalueindex(lines_upvalue));
    event_hub& hub = in.hub;
    if (hub.spares < most_spares && in.line.last - in.line.opened <= most_uses) {
        lua_pushvalue(L, in.at);
        lua_rawseti(L, lua_upvalueindex(spares_upvalue), ++hub.spares);
    }
}

lua_Integer first_in_line(lua_State* L, const line_at& in, lua_Integer limit) {
    while (in.line.next <= limit) {
        const lua_Integer number = in.line.next;
        if (lua_rawgeti(L, in.places, number) != LUA_TNIL) {
            if (counts(L, in.line, number)) {
                return number;
            }
            leave_line(L, in, number);
        }
        lua_pop(L, 1);
        if (in.line.next == number) { // or the line was closed
            in.line.next = number + 1;
        }
    }
    return 0;
}

// --- the module -----------------------------------------------------------------------------

namespace {

// Pushes a table whose keys or values are weak.
void push_weak_table(lua_State* L, int values, const char* mode) {
    lua_createtable(L, values, 0);
    lua_createtable(L, 0, 1);
    lua_pushstring(L, mode);
    lua_setfield(L, -2, "__mode");
    lua_setmetatable(L, -2);
}

} // namespace

void push_event_upvalues(lua_State* L) {
    luaL_checkstack(L, event_upvalue_count + 4, nullptr);
    const int table = lua_gettop(L) + 1;
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &hub_key) == LUA_TNIL) {
        lua_createtable(L, event_upvalue_count, 0);
        lua_replace(L, table);
        push_weak_table(L, 0, "k");
        lua_rawseti(L, table, lines_upvalue);
        new (lua_newuserdatauv(L, sizeof(event_hub), sweeper_of_hub)) event_hub{};
        push_weak_table(L, 1, "v");
        lua_setiuservalue(L, -2, sweeper_of_hub);
        lua_rawseti(L, table, hub_upvalue);
        lua_createtable(L, most_spares, 0);
        lua_rawseti(L, table, spares_upvalue);
        lua_createtable(L, 0, 0);
        lua_rawseti(L, table, debts_upvalue);
        lua_pushvalue(L, table);
        lua_rawsetp(L, LUA_REGISTRYINDEX, &hub_key);
    }
    for (int upvalue = 1; upvalue <= event_upvalue_count; ++upvalue) {
        lua_rawgeti(L, table, upvalue);
    }
    lua_remove(L, table);
}

} // namespace coring::lua
