#include "lua/vm/task_link.hpp"

namespace coring::lua::vm {

namespace {

// Its address is a key of the registry.
constexpr char task_key = 0;

} // namespace

void link_task(lua_State* L, task_link& task) {
    lua_pushlightuserdata(L, &task);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &task_key);
}

task_link* task_of(lua_State* L) noexcept {
    lua_rawgetp(L, LUA_REGISTRYINDEX, &task_key);
    auto* found = static_cast<task_link*>(lua_touserdata(L, -1));
    lua_pop(L, 1);
    return found;
}

} // namespace coring::lua::vm
