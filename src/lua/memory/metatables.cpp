// Creates the metatables of memories and the finalizer of references (behaviour 16.2).
#include "lua/memory/metatables.hpp"

#include "lua/memory/layout.hpp"

#include <utility>

namespace coring::lua::memory {

namespace {

// Both __gc and __close: may come twice for one object, and after the program closed it. The
// fields are cleared before the call because what unref does is not ours to know: it could end
// up here.
int release(lua_State* state) {
    auto* target = static_cast<reference*>(luaL_testudata(state, 1, reference_key));
    if (target != nullptr && target->size != 0) {
        const reference old = std::exchange(*target, reference{nullptr, 0, nullptr});
        if (old.unref != nullptr) {
            old.unref(state, old.bytes, old.size);
        }
    }
    return 0;
}

enum class finalizer { absent, present };

// luaL_newmetatable would publish the table before it is complete, and a memory error in
// between would leave a metatable without __gc for good. So the registry gets the table last.
void ensure_one(lua_State* state, const char* key, finalizer wanted) {
    if (luaL_getmetatable(state, key) == LUA_TNIL) {
        lua_createtable(state, 0, 8);
        lua_pushstring(state, key);
        lua_setfield(state, -2, "__name");
        if (wanted == finalizer::present) {
            lua_pushcfunction(state, release);
            lua_setfield(state, -2, "__gc");
            lua_pushcfunction(state, release);
            lua_setfield(state, -2, "__close");
        }
        lua_setfield(state, LUA_REGISTRYINDEX, key);
    }
    lua_pop(state, 1);
}

} // namespace

void ensure_metatables(lua_State* state) {
    luaL_checkstack(state, 4, "cannot create the metatables of memories");
    ensure_one(state, fixed_key, finalizer::absent);
    ensure_one(state, reference_key, finalizer::present);
}

} // namespace coring::lua::memory
