// Iterators over what was learned about the system in one call (behaviour 6.5): the snapshot is
// in the iterator, and the loop's control variable, an index, says where it is. What each step
// returns is chosen by a string of characters that is looked at in each step.
#pragma once

#include "io/entry_list.hpp"
#include "lua/vm/mode.hpp"
#include "lua/vm/object.hpp"

#include <new>

namespace coring::lua::vm {

// `Kind` has: entry, the type of what is listed; id, name and closed_text of the class; and
// push(L, entry, character), which pushes one value, false if the character chooses nothing.
template <typename Kind>
struct snapshot_iterator {
    using entry = typename Kind::entry;

    // The userdata. Its list is freed when it is closed, so nothing is left to destroy.
    struct block {
        io::entry_list<entry> entries;
        bool closed = false;
    };

    static block& push(lua_State* L) {
        auto* made = new (lua_newuserdatauv(L, sizeof(block), 0)) block;
        set_class(L, Kind::id);
        return *made;
    }

    // What a generic for takes: the iterator, which is on top of the stack, the characters at
    // `which`, where to start, and what to close.
    static int return_loop(lua_State* L, int which) {
        const int made = lua_gettop(L);
        lua_pushvalue(L, made);
        lua_pushvalue(L, which);
        lua_pushinteger(L, 0);
        lua_pushvalue(L, made);
        return 4;
    }

    static int call(lua_State* L) {
        const block& of = check_open(L);
        const char* which = luaL_checkstring(L, 2);
        const lua_Integer index = luaL_optinteger(L, 3, 0);
        if (index < 0 || static_cast<lua_Unsigned>(index) >= of.entries.size()) {
            return 0;
        }
        lua_settop(L, 2);
        lua_pushinteger(L, index + 1);
        int count = 1;
        for (; *which != '\0'; ++which, ++count) {
            luaL_checkstack(L, LUA_MINSTACK, "too many values");
            // Making a value may run a finalizer, and that may close us.
            const block& now = check_open(L);
            if (!Kind::push(L, now.entries[static_cast<std::size_t>(index)], *which)) {
                raise_unknown_mode(L, *which);
            }
        }
        return count;
    }

    static int length(lua_State* L) {
        lua_pushinteger(L, static_cast<lua_Integer>(check_open(L).entries.size()));
        return 1;
    }

    static int tobeclosed(lua_State* L) {
        release(
            *static_cast<block*>(check_object(L, 1, scheduler_of(L), Kind::id, Kind::name)));
        return 0;
    }

    static int collect(lua_State* L) {
        const scheduler* on = scheduler_if_any(L);
        void* self = lua_touserdata(L, 1);
        if (self != nullptr && (on == nullptr || test_object(L, 1, *on, Kind::id) != nullptr)) {
            release(*static_cast<block*>(self));
        }
        return 0;
    }

    static void make_class(lua_State* L, scheduler& on) {
        static const luaL_Reg metamethods[] = {
            {"__call", call},  {"__len", length},  {"__close", tobeclosed},
            {"__gc", collect}, {nullptr, nullptr},
        };
        vm::make_class(L, on, Kind::id, Kind::name, metamethods, nullptr);
    }

private:
    static block& check_open(lua_State* L) {
        auto& of =
            *static_cast<block*>(check_object(L, 1, scheduler_of(L), Kind::id, Kind::name));
        luaL_argcheck(L, !of.closed, 1, Kind::closed_text);
        return of;
    }

    static void release(block& of) noexcept {
        of.entries = {};
        of.closed = true;
    }
};

} // namespace coring::lua::vm
