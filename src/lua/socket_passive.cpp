// Manual: socket:listen, socket:accept. Behaviour 7.4, 7.5.
#include "io/accept.hpp"
#include "lua/socket.hpp"
#include "lua/vm/await.hpp"
#include "lua/vm/reply.hpp"

#include <cerrno>
#include <climits>

namespace coring::lua {

namespace {

// The passive socket, and the stream that the next connection goes into, once there is one.
constexpr int accept_arguments = 2;
constexpr int stream_place = 2;
constexpr int accept_base = accept_arguments + 1;

template <vm::class_id Class>
int passive_listen(lua_State* L) {
    io::stream& of = check_socket<Class>(L, vm::scheduler_of(L));
    const lua_Integer backlog = luaL_checkinteger(L, 2);
    luaL_argcheck(L, !of.listening, 1, "already listening");
    luaL_argcheck(L, backlog >= 0 && backlog <= INT_MAX, 2, "out of range");
    if (of.fd < 0) { // a local socket that was not bound
        return vm::fail(L, EINVAL);
    }
    const auto listening = io::listen_on(of, static_cast<int>(backlog));
    return vm::succeed_or_fail(L, listening ? 0 : listening.error());
}

int accept_k(lua_State* L, int, lua_KContext context) {
    const vm::delivery_of here = vm::delivered(L, context);
    if (here.done == nullptr) {
        return vm::left_results(L, accept_base);
    }
    vm::scheduler& on = *here.on;
    op::operation* done = here.done;
    auto& from = *static_cast<io::stream*>(lua_touserdata(L, 1));
    if (done->result == -ECANCELED) {
        vm::take_results(on, *done);
        return vm::fail_text(L, "closed");
    }
    // The object is there before the connection, which could not be given back; if no
    // connection comes after all, it is kept for the next one.
    if (lua_isnil(L, stream_place)) {
        static_cast<void>(push_socket(L, on, stream_class_of(from.in), from.in));
        lua_replace(L, stream_place);
    }
    const int answer = from.is_open() ? io::accept_now(from) : -ECANCELED;
    if (answer == -EAGAIN) {
        io::accept_again(*done);
        return vm::suspend_again(L, on, *done, accept_base, accept_k);
    }
    vm::take_results(on, *done);
    if (answer == -ECANCELED) { // a finalizer closed it just now
        return vm::fail_text(L, "closed");
    }
    if (answer < 0) {
        return vm::fail(L, -answer);
    }
    lua_pushvalue(L, stream_place);
    io::adopt_descriptor(*static_cast<io::stream*>(lua_touserdata(L, -1)), answer);
    return 1;
}

template <vm::class_id Class>
int passive_accept(lua_State* L) {
    vm::scheduler& on = vm::scheduler_with_room(L);
    io::stream& from = check_socket<Class>(L, on);
    luaL_argcheck(L, from.listening, 1, "not listening");
    luaL_argcheck(L, from.reader == nullptr, 1, "already in use");
    vm::check_yieldable(L);
    op::operation& accept = vm::new_operation(L, on, io::accept_type);
    io::accept_start(from, accept);
    lua_settop(L, 1);
    return vm::suspend(L, on, accept, accept_arguments, accept_k);
}

using tcp_common = common_methods<vm::class_id::tcp_passive>;
using tcp_address = address_methods<vm::class_id::tcp_passive>;
using local_common = common_methods<vm::class_id::local_passive>;
using local_address = address_methods<vm::class_id::local_passive>;

} // namespace

const luaL_Reg tcp_passive_methods[] = {
    {"accept", passive_accept<vm::class_id::tcp_passive>},
    {"bind", tcp_address::bind},
    {"close", tcp_common::close},
    {"getaddress", tcp_address::getaddress},
    {"getdomain", tcp_common::getdomain},
    {"getoption", getoption<vm::class_id::tcp_passive>},
    {"listen", passive_listen<vm::class_id::tcp_passive>},
    {"setoption", setoption<vm::class_id::tcp_passive>},
    {nullptr, nullptr},
};

const luaL_Reg local_passive_methods[] = {
    {"accept", passive_accept<vm::class_id::local_passive>},
    {"bind", local_address::bind},
    {"close", local_common::close},
    {"getaddress", local_address::getaddress},
    {"getdomain", local_common::getdomain},
    {"getoption", getoption<vm::class_id::local_passive>},
    {"listen", passive_listen<vm::class_id::local_passive>},
    {"setoption", setoption<vm::class_id::local_passive>},
    {nullptr, nullptr},
};

} // namespace coring::lua
