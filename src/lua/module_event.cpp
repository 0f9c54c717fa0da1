// The module coutil.event. Manual: Events (event.await, event.awaitall, event.awaitany,
// event.emitall, event.emitone, event.pending). Behaviour 14.1. It needs no scheduler: who
// emits resumes who waits.
#include "lua/event_emission.hpp"
#include "lua/event_wait.hpp"

namespace coring::lua {

namespace {

int event_emitone(lua_State* L) {
    return emit_event(L, event_reach::one);
}

int event_emitall(lua_State* L) {
    return emit_event(L, event_reach::all);
}

int event_pending(lua_State* L) {
    lua_settop(L, 1);
    event_line* line = find_line(L, 1);
    if (line != nullptr) {
        lua_getiuservalue(L, 2, 1);
    }
    const bool pending =
        line != nullptr && first_in_line(L, {event_hub_of(L), *line, 1, 2, 3}, line->last) != 0;
    lua_pushboolean(L, pending ? 1 : 0);
    return 1;
}

constexpr luaL_Reg functions[] = {
    {"await", await_event},     {"awaitall", await_all_events}, {"awaitany", await_any_event},
    {"emitall", event_emitall}, {"emitone", event_emitone},     {"pending", event_pending},
    {nullptr, nullptr},
};

} // namespace

} // namespace coring::lua

extern "C" __attribute__((visibility("default"))) int luaopen_coutil_event(lua_State* L);

extern "C" int luaopen_coutil_event(lua_State* L) {
    luaL_newlibtable(L, coring::lua::functions);
    lua_pushliteral(L, "1.0 alpha");
    lua_setfield(L, -2, "version");
    coring::lua::push_event_upvalues(L);
    luaL_setfuncs(L, coring::lua::functions, coring::lua::event_upvalue_count);
    return 1;
}
