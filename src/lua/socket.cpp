// Manual: system.socket; socket:close, socket:getdomain, socket:getaddress, socket:bind.
// Behaviour 4, 7.1 to 7.3.
#include "lua/socket.hpp"

#include "io/listener.hpp"
#include "lua/system_address.hpp"
#include "lua/vm/await.hpp"
#include "lua/vm/reply.hpp"

#include <cerrno>
#include <new>

#include <unistd.h>

namespace coring::lua {

namespace {

constexpr vm::class_id stream_class = vm::class_id::tcp_stream;
constexpr vm::class_id passive_class = vm::class_id::tcp_passive;

constexpr const char* name_of(vm::class_id which) noexcept {
    return which == stream_class ? tcp_stream_name : tcp_passive_name;
}

enum domain_choice { ipv4_choice, ipv6_choice };

enum type_choice { stream_choice, passive_choice };

int system_socket(lua_State* L) {
    static const char* const types[] = {"stream", "passive", nullptr};
    static const char* const domains[] = {"ipv4", "ipv6", nullptr};
    const int type = luaL_checkoption(L, 1, nullptr, types);
    const int domain = luaL_checkoption(L, 2, nullptr, domains);
    vm::scheduler& on = vm::scheduler_of(L);
    io::stream& socket =
        push_socket(L, on, type == stream_choice ? stream_class : passive_class,
                    domain == ipv4_choice ? io::domain::ipv4 : io::domain::ipv6);
    if (const auto opened = io::open_socket(socket); !opened) {
        return vm::fail(L, opened.error());
    }
    return 1;
}

// All but the descriptor is gone, or belongs to the process we were forked from.
void close_inherited(io::stream& socket) {
    ::close(socket.fd);
    socket.fd = -1;
}

// Takes the coroutine that waits on the socket out, and closes the descriptor.
template <vm::class_id Class>
op::operation* close_descriptor(io::stream& socket) {
    if constexpr (Class == stream_class) {
        return io::close_stream(socket);
    } else {
        return io::close_listener(socket);
    }
}

} // namespace

io::stream& push_socket(lua_State* L, vm::scheduler& on, vm::class_id which, io::domain in) {
    auto* socket = new (lua_newuserdatauv(L, sizeof(io::stream), 0)) io::stream;
    socket->on = &on.on();
    socket->in = in;
    vm::set_class(L, which);
    return *socket;
}

void resume_closed(lua_State* L, vm::scheduler& on, op::operation& ready) {
    luaL_checkstack(L, 4, nullptr);
    on.deliver_from(L, ready, "object:close", "(null)");
}

template <vm::class_id Class>
int common_methods<Class>::close(lua_State* L) {
    vm::scheduler& on = vm::scheduler_of(L);
    io::stream& socket = check_socket(L, on, Class, name_of(Class));
    luaL_checkstack(L, 4, nullptr);
    if (on.forked()) {
        close_inherited(socket);
    } else {
        vm::check_place(L, on);
        if (op::operation* waiting = close_descriptor<Class>(socket); waiting != nullptr) {
            resume_closed(L, on, *waiting);
        }
    }
    lua_pushboolean(L, 1);
    return 1;
}

// As close, but silent on a closed object.
template <vm::class_id Class>
int common_methods<Class>::tobeclosed(lua_State* L) {
    vm::scheduler& on = vm::scheduler_of(L);
    const auto& socket =
        *static_cast<io::stream*>(vm::check_object(L, 1, on, Class, name_of(Class)));
    return socket.is_open() ? close(L) : 0;
}

// The object is garbage, or its state closes: nobody is resumed from here. Abandoned writes of
// a stream go on without it.
template <vm::class_id Class>
int common_methods<Class>::collect(lua_State* L) {
    vm::scheduler* on = vm::scheduler_if_any(L);
    auto* socket = static_cast<io::stream*>(lua_touserdata(L, 1));
    if (socket == nullptr || !socket->is_open()) {
        return 0;
    }
    if (on == nullptr || !on->belongs_here()) {
        close_inherited(*socket);
        return 0;
    }
    if (vm::test_object(L, 1, *on, Class) == nullptr) {
        return 0;
    }
    if (Class == stream_class && io::outlives_object(*socket)) {
        io::release_stream(*socket);
        return 0;
    }
    if (op::operation* waiting = close_descriptor<Class>(*socket); waiting != nullptr) {
        vm::drop(L, *on, *waiting);
    }
    return 0;
}

// Keeps working on a closed socket.
template <vm::class_id Class>
int common_methods<Class>::getdomain(lua_State* L) {
    const auto& socket = *static_cast<io::stream*>(
        vm::check_object(L, 1, vm::scheduler_of(L), Class, name_of(Class)));
    lua_pushstring(L, socket.in == io::domain::ipv6 ? "ipv6" : "ipv4");
    return 1;
}

template <vm::class_id Class>
int common_methods<Class>::getaddress(lua_State* L) {
    static const char* const sites[] = {"self", "peer", nullptr};
    vm::scheduler& on = vm::scheduler_of(L);
    io::stream& socket = check_socket(L, on, Class, name_of(Class));
    const io::site which =
        luaL_checkoption(L, 2, "self", sites) == 0 ? io::site::self : io::site::peer;
    const io::ip_version version = io::version_of(socket.in);
    io::ip_address found{version};
    io::ip_address* into = test_address(L, 3, on);
    if (into != nullptr) {
        luaL_argcheck(L, into->version() == version, 3, "wrong domain");
    }
    if (const auto got = io::socket_address(socket, which, found); !got) {
        return vm::fail(L, got.error());
    }
    if (into == nullptr) {
        push_address(L, version) = found;
    } else {
        *into = found;
        lua_pushvalue(L, 3);
    }
    return 1;
}

template <vm::class_id Class>
int common_methods<Class>::bind(lua_State* L) {
    vm::scheduler& on = vm::scheduler_of(L);
    io::stream& socket = check_socket(L, on, Class, name_of(Class));
    const io::ip_address& to = check_address(L, 2, on, io::version_of(socket.in));
    const auto bound = io::bind_socket(socket, to);
    return vm::succeed_or_fail(L, bound ? 0 : bound.error());
}

template struct common_methods<vm::class_id::tcp_stream>;
template struct common_methods<vm::class_id::tcp_passive>;

void make_socket_classes(lua_State* L, vm::scheduler& on) {
    using stream_common = common_methods<stream_class>;
    using passive_common = common_methods<passive_class>;
    static const luaL_Reg stream_meta[] = {
        {"__gc", stream_common::collect},
        {"__close", stream_common::tobeclosed},
        {nullptr, nullptr},
    };
    static const luaL_Reg passive_meta[] = {
        {"__gc", passive_common::collect},
        {"__close", passive_common::tobeclosed},
        {nullptr, nullptr},
    };
    vm::make_class(L, on, stream_class, tcp_stream_name, stream_meta, stream_methods);
    vm::make_class(L, on, passive_class, tcp_passive_name, passive_meta, passive_methods);
}

const luaL_Reg socket_functions[] = {
    {"socket", system_socket},
    {nullptr, nullptr},
};

} // namespace coring::lua
