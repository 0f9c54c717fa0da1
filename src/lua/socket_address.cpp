// Manual: socket:bind, socket:getaddress. Behaviour 7.2, 7.3.
#include "lua/socket.hpp"
#include "lua/system_address.hpp"
#include "lua/vm/memory.hpp"
#include "lua/vm/reply.hpp"

namespace coring::lua {

namespace {

io::site check_site(lua_State* L) {
    static const char* const sites[] = {"self", "peer", nullptr};
    return luaL_checkoption(L, 2, "self", sites) == 0 ? io::site::self : io::site::peer;
}

int reply_ip_address(lua_State* L, const vm::scheduler& on, io::stream& socket) {
    const io::site which = check_site(L);
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

int reply_local_address(lua_State* L, const io::local_socket& socket) {
    io::local_name name;
    if (const auto got = io::local_address(socket, check_site(L), name); !got) {
        return vm::fail(L, got.error());
    }
    lua_pushlstring(L, name.text().data(), name.text().size());
    return 1;
}

} // namespace

base::result<io::local_name> check_local_name(lua_State* L, int arg) {
    std::size_t size = 0;
    const char* text = luaL_checklstring(L, arg, &size);
    return io::local_name::from({text, size});
}

template <vm::class_id Class>
int address_methods<Class>::getaddress(lua_State* L) {
    const vm::scheduler& on = vm::scheduler_of(L);
    if constexpr (is_local_class(Class)) {
        return reply_local_address(L, check_local_socket<Class>(L, on));
    } else {
        return reply_ip_address(L, on, check_socket<Class>(L, on));
    }
}

template <vm::class_id Class>
int address_methods<Class>::bind(lua_State* L) {
    const vm::scheduler& on = vm::scheduler_of(L);
    if constexpr (is_local_class(Class)) {
        vm::spell_number(L, 2);
        io::local_socket& socket = check_local_socket<Class>(L, on);
        auto name = check_local_name(L, 2);
        if (!name) {
            return vm::fail(L, name.error());
        }
        const auto bound = io::bind_local(socket, name.value());
        return vm::succeed_or_fail(L, bound ? 0 : bound.error());
    } else {
        io::stream& socket = check_socket<Class>(L, on);
        const io::ip_address& to = check_address(L, 2, on, io::version_of(socket.in));
        const auto bound = Class == vm::class_id::datagram ? io::bind_plainly(socket, to)
                                                           : io::bind_socket(socket, to);
        return vm::succeed_or_fail(L, bound ? 0 : bound.error());
    }
}

template struct address_methods<vm::class_id::datagram>;
template struct address_methods<vm::class_id::tcp_stream>;
template struct address_methods<vm::class_id::tcp_passive>;
template struct address_methods<vm::class_id::local_stream>;
template struct address_methods<vm::class_id::share_stream>;
template struct address_methods<vm::class_id::local_passive>;

} // namespace coring::lua
