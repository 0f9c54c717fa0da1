// The entry point of the Lua module `memory` (behaviour 16.1, 19): its table, which also is
// what the metatables give to memories as methods.
#include "lua/memory/functions.hpp"
#include "lua/memory/layout.hpp"
#include "lua/memory/luamem.h"
#include "lua/memory/metatables.hpp"

namespace coring::lua::memory {

namespace {

constexpr luaL_Reg functions[] = {
    {"create", memory_create}, {"type", memory_type}, {"len", memory_len},
    {"resize", memory_resize}, {"diff", memory_diff}, {"tostring", memory_tostring},
    {"get", memory_get},       {"set", memory_set},   {"find", memory_find},
    {"fill", memory_fill},     {"pack", memory_pack}, {"unpack", memory_unpack},
    {nullptr, nullptr},
};

constexpr luaL_Reg metamethods[] = {
    {"__len", memory_len},
    {"__tostring", memory_tostring_whole},
    {"__concat", memory_concat},
    {nullptr, nullptr},
};

// Requires the module table on top; adds to what the metatable has, whoever made it.
void add_metamethods(lua_State* state, const char* key) {
    luaL_getmetatable(state, key);
    luaL_setfuncs(state, metamethods, 0);
    lua_pushvalue(state, -2);
    lua_setfield(state, -2, "__index");
    lua_pop(state, 1);
}

} // namespace

} // namespace coring::lua::memory

int luaopen_memory(lua_State* L) {
    namespace memory = coring::lua::memory;
    luaL_checkversion(L);
    memory::ensure_metatables(L);
    luaL_newlib(L, memory::functions);
    memory::add_metamethods(L, memory::fixed_key);
    memory::add_metamethods(L, memory::reference_key);
    return 1;
}
