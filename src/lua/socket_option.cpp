// Manual: socket:setoption, for TCP sockets. Behaviour 7.9.
#include "io/option.hpp"
#include "lua/socket.hpp"
#include "lua/vm/reply.hpp"

#include <climits>

namespace coring::lua {

namespace {

enum option { keepalive_option, nodelay_option };

// Seconds until the first probe; zero to turn them off. True is no number of seconds.
int check_keepalive(lua_State* L, int arg) {
    if (lua_isnil(L, arg) || (lua_isboolean(L, arg) && lua_toboolean(L, arg) == 0)) {
        return 0;
    }
    const lua_Integer seconds = luaL_checkinteger(L, arg);
    luaL_argcheck(L, seconds > 0 && seconds <= INT_MAX, arg, "invalid argument");
    return static_cast<int>(seconds);
}

} // namespace

int stream_setoption(lua_State* L) {
    static const char* const names[] = {"keepalive", "nodelay", nullptr};
    io::stream& of = check_socket<vm::class_id::tcp_stream>(L, vm::scheduler_of(L));
    const int option = luaL_checkoption(L, 2, nullptr, names);
    luaL_checkany(L, 3);
    const auto set = option == nodelay_option ? io::set_nodelay(of, lua_toboolean(L, 3) != 0)
                                              : io::set_keepalive(of, check_keepalive(L, 3));
    return vm::succeed_or_fail(L, set ? 0 : set.error());
}

} // namespace coring::lua
