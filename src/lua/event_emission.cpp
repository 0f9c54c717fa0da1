#include "lua/event_emission.hpp"

namespace coring::lua {

namespace {

// Resumed coroutines emit events in their turn, and each such level takes one of about 200 that
// C allows, or a few with calls such as pcall. Deeper than this an emission does not resume but
// owes, and the emission that encloses it pays as soon as it has control again: so a chain of
// any length works.
constexpr int deepest = 40;

// As many values find room in any frame of C, twice, with all that is pushed here besides.
constexpr int few_values = 5;
constexpr int pushed_besides = 10;

// Parts of a debt, a table: whom to resume, what it waits in, its number there, how many
// values, and these. It is void if the coroutine does not wait there any more.
enum debt_part : int { debtor_part = 1, waits_in_part, number_part, count_part, values_part };

// An emission. Its values are at the bottom of the stack.
struct emission {
    event_hub& hub;
    line_at in;
    lua_Integer limit; // the number of who came last before it began
    int values;
};

// Where who was taken out of a line waits: the coroutine, or the wait it belongs to and behind
// it the coroutine, are on top of the stack.
struct taken_waiter {
    lua_State* thread; // null if its wait lacks other events
    int at;            // of what it waits in
    lua_Integer number;
};

// --- resuming -------------------------------------------------------------------------------

// Resumes with the `count` values on top of the stack, which are popped. False if C has no room
// at all for it, which is somebody else's doing; then the message is pushed.
bool resume(lua_State* L, event_hub& hub, lua_State* thread, int count) {
    lua_xmove(L, thread, count);
    const int outer = hub.depth;
    hub.depth = outer + 1;
    hub.resumed = thread;
    int results = 0;
    const int status = lua_resume(thread, L, count, &results);
    hub.resumed = nullptr;
    hub.depth = outer;
    if (status == LUA_OK || status == LUA_YIELD) {
        lua_pop(thread, results);
        return true;
    }
    const bool refused = lua_status(thread) == LUA_YIELD;
    lua_xmove(thread, L, 1);
    if (!refused) {
        lua_pop(L, 1);
    }
    return !refused;
}

// --- debts ----------------------------------------------------------------------------------

// Pushes an empty debt, which is where the next one belongs, so that nothing can fail later.
// May raise, and run finalizers.
void prepare_debt(lua_State* L, const emission& now) {
    lua_createtable(L, count_part + now.values, 0);
    lua_pushvalue(L, -1);
    lua_rawseti(L, lua_upvalueindex(debts_upvalue), now.hub.owed + 1);
}

void owe(lua_State* L, const emission& now, const taken_waiter& to, int debt) {
    lua_pushthread(to.thread);
    lua_xmove(to.thread, L, 1);
    lua_rawseti(L, debt, debtor_part);
    lua_pushvalue(L, to.at);
    lua_rawseti(L, debt, waits_in_part);
    lua_pushinteger(L, to.number);
    lua_rawseti(L, debt, number_part);
    lua_pushinteger(L, now.values);
    lua_rawseti(L, debt, count_part);
    for (int value = 1; value <= now.values; ++value) {
        lua_pushvalue(L, value);
        lua_rawseti(L, debt, count_part + value);
    }
    ++now.hub.owed;
}

// Takes the oldest debt, on top of the stack, off the books.
void strike(lua_State* L, event_hub& hub) {
    lua_pushnil(L);
    lua_rawseti(L, lua_upvalueindex(debts_upvalue), ++hub.paid);
    if (hub.paid == hub.owed) {
        hub.paid = 0;
        hub.owed = 0;
    }
}

lua_Integer integer_of(lua_State* L, int table, int part) {
    lua_rawgeti(L, table, part);
    const lua_Integer value = lua_tointegerx(L, -1, nullptr);
    lua_pop(L, 1);
    return value;
}

// Whoever pays has just resumed somebody, so there is room for one more.
void pay(lua_State* L, event_hub& hub) {
    while (hub.paid < hub.owed) {
        const int debt = lua_gettop(L) + 1;
        lua_rawgeti(L, lua_upvalueindex(debts_upvalue), hub.paid + 1);
        const int count = static_cast<int>(integer_of(L, debt, count_part));
        luaL_checkstack(L, count + pushed_besides, nullptr);
        strike(L, hub);
        lua_rawgeti(L, debt, debtor_part);
        lua_rawgeti(L, debt, waits_in_part);
        lua_State* thread = lua_tothread(L, debt + 1);
        const lua_Integer number = integer_of(L, debt, number_part);
        if (waits_in(thread, lua_touserdata(L, debt + 2), number)) {
            for (int value = 1; value <= count; ++value) {
                lua_rawgeti(L, debt, count_part + value);
            }
            resume(L, hub, thread, count);
        }
        lua_settop(L, debt - 1);
    }
}

// --- taking ---------------------------------------------------------------------------------

// Raises unless who is first in line and on top of the stack has room for the values. The room
// stays, for a debt too.
void check_room(lua_State* L, const emission& now) {
    lua_State* thread = lua_tothread(L, -1);
    if (thread == nullptr) {
        lua_getiuservalue(L, -1, 1);
        thread = lua_tothread(L, -1);
        lua_pop(L, 1);
    }
    if (lua_checkstack(thread, now.values) == 0) {
        luaL_error(L, "too many values to resume with");
    }
}

// Takes out of the line who is first there and on top of the stack. May raise, and then nobody
// is taken.
taken_waiter take(lua_State* L, const emission& now, lua_Integer number) {
    if (now.values > few_values) {
        check_room(L, now);
    }
    now.in.line.next = number + 1;
    leave_line(L, now.in, number);
    if (lua_State* thread = lua_tothread(L, -1); thread != nullptr) {
        return {thread, now.in.at, number};
    }
    auto& wait = *static_cast<event_wait*>(lua_touserdata(L, -1));
    const int at = lua_gettop(L);
    --wait.missing;
    wait.over = wait.any || wait.missing == 0;
    lua_getiuservalue(L, at, 1);
    return {wait.over ? lua_tothread(L, -1) : nullptr, at, 0};
}

// Owes to the next in line instead of resuming it. False if there is nobody.
bool owe_next(lua_State* L, const emission& now) {
    prepare_debt(L, now);
    const int debt = lua_gettop(L);
    const lua_Integer number = first_in_line(L, now.in, now.limit);
    if (number == 0) {
        return false;
    }
    if (const taken_waiter waiter = take(L, now, number); waiter.thread != nullptr) {
        owe(L, now, waiter, debt);
    }
    return true;
}

// The coroutine could not be resumed, and why is on top of the stack.
void refuse(lua_State* L, const emission& now, const taken_waiter& waiter) {
    const int problem = lua_gettop(L);
    prepare_debt(L, now);
    owe(L, now, waiter, problem + 1);
    if (now.hub.depth == 0) {
        lua_settop(L, problem);
        lua_error(L);
    }
}

// Lets the next in line go on. False if there is nobody.
bool resume_next(lua_State* L, const emission& now) {
    const lua_Integer number = first_in_line(L, now.in, now.limit);
    if (number == 0) {
        return false;
    }
    const taken_waiter waiter = take(L, now, number);
    if (waiter.thread == nullptr) {
        return true;
    }
    for (int value = 1; value <= now.values; ++value) {
        lua_pushvalue(L, value);
    }
    if (!resume(L, now.hub, waiter.thread, now.values)) {
        refuse(L, now, waiter);
    } else if (now.hub.paid < now.hub.owed) {
        pay(L, now.hub);
    }
    return true;
}

} // namespace

int emit_event(lua_State* L, event_reach reach) {
    const int values = lua_gettop(L);
    event_line* line = values > 0 ? find_line(L, 1) : nullptr;
    if (line == nullptr) {
        lua_pushboolean(L, 0);
        return 1;
    }
    if (values > few_values) {
        luaL_checkstack(L, values + pushed_besides, nullptr);
    }
    lua_getiuservalue(L, values + 1, 1);
    event_hub& hub = event_hub_of(L);
    const emission now{hub, {hub, *line, 1, values + 1, values + 2}, line->last, values};
    bool anybody = false;
    while (now.hub.depth < deepest ? resume_next(L, now) : owe_next(L, now)) {
        anybody = true;
        lua_settop(L, values + 2);
        if (reach == event_reach::one) {
            break;
        }
    }
    lua_pushboolean(L, anybody ? 1 : 0);
    return 1;
}

} // namespace coring::lua
