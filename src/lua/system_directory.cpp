// Manual: system.getdir, system.setdir. Behaviour 10.1.
#include "lua/system_directory.hpp"

#include "lua/vm/reply.hpp"

#include <cerrno>

#include <unistd.h>

namespace coring::lua {

namespace {

// Pushes the path, or raises. A directory may be deeper than any path that a call takes.
void push_directory(lua_State* L) {
    for (std::size_t room = 512;; room *= 2) {
        auto* text = static_cast<char*>(lua_newuserdatauv(L, room, 0));
        if (::getcwd(text, room) != nullptr) {
            lua_pushstring(L, text);
            return;
        }
        if (errno != ERANGE) {
            vm::raise(L, errno);
        }
        lua_pop(L, 1);
    }
}

int system_getdir(lua_State* L) {
    push_directory(L);
    return 1;
}

int system_setdir(lua_State* L) {
    const char* path = luaL_checkstring(L, 1);
    return vm::succeed_or_fail(L, ::chdir(path) == 0 ? 0 : errno);
}

} // namespace

const luaL_Reg directory_functions[] = {
    {"getdir", system_getdir},
    {"setdir", system_setdir},
    {nullptr, nullptr},
};

} // namespace coring::lua
