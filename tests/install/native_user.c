/* A native module of somebody else, linked with -lluamem: makes a memory that can be resized.
 */
#include "luamem.h"

#include <string.h>

static int make(lua_State* L) {
    size_t len = 0;
    const char* bytes = luamem_checkarray(L, 1, &len);
    char* block = luamem_realloc(L, NULL, 0, len);
    if (block == NULL) {
        return luaL_error(L, "not enough memory");
    }
    memcpy(block, bytes, len);
    luamem_newref(L);
    luamem_setref(L, -1, block, len, luamem_free);
    return 1;
}

int luaopen_native_user(lua_State* L);

__attribute__((visibility("default"))) int luaopen_native_user(lua_State* L) {
    lua_pushcfunction(L, make);
    return 1;
}
