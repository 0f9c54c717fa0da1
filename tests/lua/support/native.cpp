// What the tests need of the system and no Lua library offers: other processes, raw calls on
// descriptors of ours, limits, and an allocator that fails on demand. Loaded as `native`.
#include "native.hpp"

#include <initializer_list>

extern "C" __attribute__((visibility("default"))) int luaopen_native(lua_State* L);

extern "C" int luaopen_native(lua_State* L) {
    lua_newtable(L);
    for (const luaL_Reg* functions :
         {process_functions, socket_functions, file_functions, memory_functions}) {
        luaL_setfuncs(L, functions, 0);
    }
    return 1;
}
