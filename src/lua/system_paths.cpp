// Manual: system.linkfile, system.movefile, system.removefile, system.makedir. Behaviour 12.1,
// 12.8.
#include "lua/system_paths.hpp"

#include "io/path_ops.hpp"
#include "lua/path_call.hpp"

namespace coring::lua {

namespace {

int system_linkfile(lua_State* L) {
    const std::uint32_t mode = vm::check_mode(L, 3, "~sdj", 3);
    const bool blocking = check_caller(L, (mode & 1U) != 0);
    const bool symbolic = (mode & ~1U) != 0;
    const char* path = luaL_checkstring(L, 1);
    const char* destiny = luaL_checkstring(L, 2);
    return path_call(L, blocking,
                     io::link_call{{path, destiny},
                                   symbolic ? io::link_kind::symbolic : io::link_kind::hard});
}

int system_movefile(lua_State* L) {
    const bool blocking = check_caller(L, vm::check_blocking_mode(L, 3));
    const char* path = luaL_checkstring(L, 1);
    const char* destiny = luaL_checkstring(L, 2);
    return path_call(L, blocking, io::move_call{{path, destiny}});
}

int system_removefile(lua_State* L) {
    constexpr std::uint32_t directory = 2;
    const std::uint32_t mode = vm::check_mode(L, 2, "~d", 2);
    const bool blocking = check_caller(L, (mode & 1U) != 0);
    const char* path = luaL_checkstring(L, 1);
    return path_call(L, blocking,
                     io::remove_call{{path},
                                     (mode & directory) != 0 ? io::remove_kind::directory
                                                             : io::remove_kind::file});
}

int system_makedir(lua_State* L) {
    const bool blocking = check_caller(L, vm::check_blocking_mode(L, 3));
    const char* path = luaL_checkstring(L, 1);
    return path_call(L, blocking, io::make_directory_call{{path}, check_permissions(L, 2)});
}

} // namespace

int path_call_k(lua_State* L, int, lua_KContext context) {
    constexpr int base = 1;
    const vm::delivery_of here = vm::delivered(L, context);
    if (here.done == nullptr) {
        return vm::left_results(L, base);
    }
    const int answer = here.done->result;
    vm::take_results(*here.on, *here.done);
    return vm::succeed_or_fail(L, -answer);
}

const luaL_Reg path_functions[] = {
    {"linkfile", system_linkfile},
    {"movefile", system_movefile},
    {"removefile", system_removefile},
    {"makedir", system_makedir},
    {nullptr, nullptr},
};

} // namespace coring::lua
