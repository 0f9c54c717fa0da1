// Manual: system.socket and what sockets of all kinds share.
#pragma once

#include "io/stream.hpp"
#include "lua/vm/object.hpp"

namespace coring::lua {

extern const luaL_Reg socket_functions[];

// Makes the classes of all kinds. Requires the upvalues on top of the stack; they stay there.
void make_socket_classes(lua_State* L, vm::scheduler& on);

inline constexpr const char* tcp_stream_name = "coutil:tcpactive";
inline constexpr const char* tcp_passive_name = "coutil:tcppassive";

// Argument 1, an open socket of the class. Raises for another class, and "closed object".
[[nodiscard]] inline io::stream&
check_socket(lua_State* L, const vm::scheduler& on, vm::class_id which, const char* name) {
    auto& socket = *static_cast<io::stream*>(vm::check_object(L, 1, on, which, name));
    luaL_argcheck(L, socket.is_open(), 1, "closed object");
    return socket;
}

// Pushes a closed socket of the class. Both classes have the same block, a stream's.
[[nodiscard]] io::stream&
push_socket(lua_State* L, vm::scheduler& on, vm::class_id which, io::domain in);

// Resumes, inside a call of close, the coroutine that waited on the object: its await function
// sees the result -ECANCELED.
void resume_closed(lua_State* L, vm::scheduler& on, op::operation& ready);

// Methods that do not depend on the kind: close, getdomain, getaddress, bind.
template <vm::class_id Class>
struct common_methods {
    static int close(lua_State* L);
    static int getdomain(lua_State* L);
    static int getaddress(lua_State* L);
    static int bind(lua_State* L);
    static int tobeclosed(lua_State* L);
    static int collect(lua_State* L);
};

extern template struct common_methods<vm::class_id::tcp_stream>;
extern template struct common_methods<vm::class_id::tcp_passive>;

extern const luaL_Reg stream_methods[];
extern const luaL_Reg passive_methods[];

int stream_setoption(lua_State* L);

} // namespace coring::lua
