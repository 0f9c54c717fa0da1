// Manual: system.socket; socket:close, socket:getdomain. Behaviour 4, 7.1.
#include "lua/socket.hpp"

#include "base/errc.hpp"
#include "io/listener.hpp"
#include "lua/vm/await.hpp"
#include "lua/vm/reply.hpp"

#include <new>

#include <unistd.h>

namespace coring::lua {

namespace {

constexpr const char* domain_names[] = {"ipv4", "ipv6", "local", "share", nullptr};

enum type_choice { datagram_choice, stream_choice, passive_choice };

vm::class_id class_of(int type, io::domain in) noexcept {
    const bool local = in >= io::domain::local;
    if (type == passive_choice) {
        return local ? vm::class_id::local_passive : vm::class_id::tcp_passive;
    }
    return type == stream_choice ? stream_class_of(in) : vm::class_id::datagram;
}

int system_socket(lua_State* L) {
    static const char* const types[] = {"datagram", "stream", "passive", nullptr};
    const int type = luaL_checkoption(L, 1, nullptr, types);
    const auto in = static_cast<io::domain>(luaL_checkoption(L, 2, nullptr, domain_names));
    vm::scheduler& on = vm::scheduler_of(L);
    const bool local = in >= io::domain::local;
    if (type == datagram_choice && local) {
        return vm::fail(L, base::resolver_bad_socket_type);
    }
    io::stream& socket = push_socket(L, on, class_of(type, in), in);
    if (!local) {
        const int kind = type == datagram_choice ? SOCK_DGRAM : SOCK_STREAM;
        if (const auto opened = io::open_socket(socket, kind); !opened) {
            return vm::fail(L, opened.error());
        }
    }
    return 1;
}

// All but the descriptor is gone, or belongs to the process we were forked from.
template <vm::class_id Class>
void close_inherited(io::stream& socket) {
    if constexpr (is_local_class(Class)) {
        io::forget_traces(static_cast<io::local_socket&>(socket));
    }
    if (socket.fd >= 0) {
        ::close(socket.fd);
    }
    socket.fd = -1;
    socket.open = false;
}

// Takes the coroutine that waits on the socket out, and closes the descriptor.
template <vm::class_id Class>
op::operation* close_socket(io::stream& socket) {
    if constexpr (is_local_class(Class)) {
        io::remove_traces(static_cast<io::local_socket&>(socket));
    }
    if constexpr (is_passive_class(Class)) {
        return io::close_listener(socket);
    } else {
        return io::close_stream(socket);
    }
}

} // namespace

io::stream& push_socket(lua_State* L, vm::scheduler& on, vm::class_id which, io::domain in) {
    io::stream* socket = nullptr;
    if (is_local_class(which)) {
        socket = new (lua_newuserdatauv(L, sizeof(io::local_socket), 0)) io::local_socket;
        socket->open = true;
    } else {
        socket = new (lua_newuserdatauv(L, sizeof(io::stream), 0)) io::stream;
    }
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
    io::stream& socket = check_socket<Class>(L, on);
    luaL_checkstack(L, 4, nullptr);
    if (on.forked()) {
        close_inherited<Class>(socket);
    } else {
        vm::check_place(L, on);
        if (op::operation* waiting = close_socket<Class>(socket); waiting != nullptr) {
            resume_closed(L, on, *waiting);
        }
    }
    lua_pushboolean(L, 1);
    return 1;
}

// As close, but silent on a closed object.
template <vm::class_id Class>
int common_methods<Class>::tobeclosed(lua_State* L) {
    return check_socket_class<Class>(L, vm::scheduler_of(L)).is_open() ? close(L) : 0;
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
        close_inherited<Class>(*socket);
        return 0;
    }
    if (vm::test_object(L, 1, *on, Class) == nullptr) {
        return 0;
    }
    io::for_each_in_line(*socket,
                         [&](op::operation& waiting) { vm::leave_if_closed(L, *on, waiting); });
    if (!is_passive_class(Class) && io::outlives_object(*socket)) {
        if constexpr (is_local_class(Class)) {
            io::remove_traces(static_cast<io::local_socket&>(*socket));
        }
        io::release_stream(*socket);
        return 0;
    }
    if (op::operation* waiting = close_socket<Class>(*socket); waiting != nullptr) {
        vm::drop(L, *on, *waiting);
    }
    return 0;
}

// Keeps working on a closed socket of an IP domain.
template <vm::class_id Class>
int common_methods<Class>::getdomain(lua_State* L) {
    const vm::scheduler& on = vm::scheduler_of(L);
    const io::stream& socket =
        is_local_class(Class) ? check_socket<Class>(L, on) : check_socket_class<Class>(L, on);
    lua_pushstring(L, domain_names[static_cast<std::size_t>(socket.in)]);
    return 1;
}

template struct common_methods<vm::class_id::datagram>;
template struct common_methods<vm::class_id::tcp_stream>;
template struct common_methods<vm::class_id::tcp_passive>;
template struct common_methods<vm::class_id::local_stream>;
template struct common_methods<vm::class_id::share_stream>;
template struct common_methods<vm::class_id::local_passive>;
template struct common_methods<vm::class_id::terminal>;

namespace {

template <vm::class_id Class>
void make_socket_class(lua_State* L, vm::scheduler& on, const luaL_Reg* methods) {
    static const luaL_Reg metamethods[] = {
        {"__gc", common_methods<Class>::collect},
        {"__close", common_methods<Class>::tobeclosed},
        {nullptr, nullptr},
    };
    vm::make_class(L, on, Class, socket_class_name(Class), metamethods, methods);
}

} // namespace

void make_socket_classes(lua_State* L, vm::scheduler& on) {
    make_socket_class<vm::class_id::datagram>(L, on, datagram_methods);
    make_socket_class<vm::class_id::tcp_stream>(L, on, tcp_stream_methods);
    make_socket_class<vm::class_id::tcp_passive>(L, on, tcp_passive_methods);
    make_socket_class<vm::class_id::local_stream>(L, on, local_stream_methods);
    make_socket_class<vm::class_id::share_stream>(L, on, share_stream_methods);
    make_socket_class<vm::class_id::local_passive>(L, on, local_passive_methods);
}

const luaL_Reg socket_functions[] = {
    {"socket", system_socket},
    {nullptr, nullptr},
};

} // namespace coring::lua
