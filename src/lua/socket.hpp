// Manual: system.socket and what sockets of all kinds share.
#pragma once

#include "io/local.hpp"
#include "lua/vm/await.hpp"
#include "lua/vm/object.hpp"
#include "lua/vm/reply.hpp"

namespace coring::lua {

extern const luaL_Reg socket_functions[];

// Makes the classes of all kinds. Requires the upvalues on top of the stack; they stay there.
void make_socket_classes(lua_State* L, vm::scheduler& on);

constexpr const char* socket_class_name(vm::class_id which) noexcept {
    switch (which) {
    case vm::class_id::datagram:
        return "coutil:udp";
    case vm::class_id::tcp_stream:
        return "coutil:tcpactive";
    case vm::class_id::tcp_passive:
        return "coutil:tcppassive";
    case vm::class_id::local_stream:
        return "coutil:pipeactive";
    case vm::class_id::share_stream:
        return "coutil:pipeshare";
    case vm::class_id::local_passive:
        return "coutil:pipepassive";
    case vm::class_id::terminal:
        return "coutil:terminal";
    default:
        return "";
    }
}

constexpr bool is_local_class(vm::class_id which) noexcept {
    return which == vm::class_id::local_stream || which == vm::class_id::share_stream ||
           which == vm::class_id::local_passive;
}

constexpr bool is_passive_class(vm::class_id which) noexcept {
    return which == vm::class_id::tcp_passive || which == vm::class_id::local_passive;
}

// Argument 1, a socket of the class, open or closed. Raises for another class.
template <vm::class_id Class>
[[nodiscard]] io::stream& check_socket_class(lua_State* L, const vm::scheduler& on) {
    return *static_cast<io::stream*>(
        vm::check_object(L, 1, on, Class, socket_class_name(Class)));
}

// Argument 1, an open socket of the class. Raises also "closed object".
template <vm::class_id Class>
[[nodiscard]] io::stream& check_socket(lua_State* L, const vm::scheduler& on) {
    auto& socket = check_socket_class<Class>(L, on);
    luaL_argcheck(L, socket.is_open(), 1, "closed object");
    return socket;
}

// The same, for a class of the domains local and share.
template <vm::class_id Class>
[[nodiscard]] io::local_socket& check_local_socket(lua_State* L, const vm::scheduler& on) {
    static_assert(is_local_class(Class));
    return static_cast<io::local_socket&>(check_socket<Class>(L, on));
}

// Pushes a socket without a descriptor: closed, but open in the domains local and share. The
// classes of IP domains have one kind of block, those of the other domains another.
io::stream& push_socket(lua_State* L, vm::scheduler& on, vm::class_id which, io::domain in);

// The class of streams of a domain.
constexpr vm::class_id stream_class_of(io::domain in) noexcept {
    switch (in) {
    case io::domain::local:
        return vm::class_id::local_stream;
    case io::domain::share:
        return vm::class_id::share_stream;
    default:
        return vm::class_id::tcp_stream;
    }
}

// Resumes, inside a call of close, the coroutine that waited on the object: its await function
// sees the result -ECANCELED.
void resume_closed(lua_State* L, vm::scheduler& on, op::operation& ready);

// Methods that all kinds have: close and getdomain, and the metamethods.
template <vm::class_id Class>
struct common_methods {
    static int close(lua_State* L);
    static int getdomain(lua_State* L);
    static int tobeclosed(lua_State* L);
    static int collect(lua_State* L);
};

extern template struct common_methods<vm::class_id::datagram>;
extern template struct common_methods<vm::class_id::tcp_stream>;
extern template struct common_methods<vm::class_id::tcp_passive>;
extern template struct common_methods<vm::class_id::local_stream>;
extern template struct common_methods<vm::class_id::share_stream>;
extern template struct common_methods<vm::class_id::local_passive>;
extern template struct common_methods<vm::class_id::terminal>;

// Methods that depend on what an address is.
template <vm::class_id Class>
struct address_methods {
    static int bind(lua_State* L);
    static int getaddress(lua_State* L);
};

extern template struct address_methods<vm::class_id::datagram>;
extern template struct address_methods<vm::class_id::tcp_stream>;
extern template struct address_methods<vm::class_id::tcp_passive>;
extern template struct address_methods<vm::class_id::local_stream>;
extern template struct address_methods<vm::class_id::share_stream>;
extern template struct address_methods<vm::class_id::local_passive>;

// The name of a local socket, a string. Fails where it cannot be one.
[[nodiscard]] base::result<io::local_name> check_local_name(lua_State* L, int arg);

// Methods of streams of all domains; read and write of domain share are others.
template <vm::class_id Class>
struct stream_methods {
    static int connect(lua_State* L);
    static int read(lua_State* L);
    static int shutdown(lua_State* L);
    static int write(lua_State* L);
};

extern template struct stream_methods<vm::class_id::tcp_stream>;
extern template struct stream_methods<vm::class_id::local_stream>;
extern template struct stream_methods<vm::class_id::share_stream>;
extern template int stream_methods<vm::class_id::terminal>::read(lua_State*);
extern template int stream_methods<vm::class_id::terminal>::shutdown(lua_State*);
extern template int stream_methods<vm::class_id::terminal>::write(lua_State*);

// The continuation of requests that answer true or a failure, whose frame keeps so many
// arguments.
template <int Arguments>
int request_k(lua_State* L, int, lua_KContext context) {
    constexpr int base = Arguments + 1;
    const vm::delivery_of here = vm::delivered(L, context);
    if (here.done == nullptr) {
        return vm::left_results(L, base);
    }
    const int answer = here.done->result;
    vm::take_results(*here.on, *here.done);
    return vm::succeed_or_fail(L, -answer);
}

// What a read answers: a count, or a failure. -ECANCELED means that the socket was closed.
int read_reply(lua_State* L, int answer);

// The kinds' own lists of methods.
extern const luaL_Reg datagram_methods[];
extern const luaL_Reg tcp_stream_methods[];
extern const luaL_Reg local_stream_methods[];
extern const luaL_Reg share_stream_methods[];
extern const luaL_Reg tcp_passive_methods[];
extern const luaL_Reg local_passive_methods[];

// Options: what a class has of them stands in one table.
template <vm::class_id Class>
int setoption(lua_State* L);
template <vm::class_id Class>
int getoption(lua_State* L);

} // namespace coring::lua
