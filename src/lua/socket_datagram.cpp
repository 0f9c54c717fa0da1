// Manual: socket:connect, socket:write, socket:read, for datagram sockets.
// Behaviour 1.7 (order of checks), 5.3, 7.7.
#include "io/datagram.hpp"
#include "io/recv.hpp"
#include "io/recv_datagram.hpp"
#include "io/send_datagram.hpp"
#include "lua/socket.hpp"
#include "lua/socket_data.hpp"
#include "lua/system_address.hpp"
#include "lua/vm/gather.hpp"
#include "lua/vm/memory.hpp"

#include <cerrno>

namespace coring::lua {

namespace {

constexpr vm::class_id datagram = vm::class_id::datagram;

// Of read and write, both.
constexpr int address_argument = 5;

// --- read -----------------------------------------------------------------------------------

// The socket, the memory, i, j, and where the sender's address goes.
constexpr int read_arguments = 5;
constexpr int read_base = read_arguments + 1;

// Null for what is no address: then nobody asks for the sender.
io::ip_address* check_sender(lua_State* L, const vm::scheduler& on, const io::stream& from) {
    io::ip_address* sender = test_address(L, address_argument, on);
    luaL_argcheck(L, sender == nullptr || sender->version() == io::version_of(from.in),
                  address_argument, "wrong domain");
    return sender;
}

int read_k(lua_State* L, int, lua_KContext context) {
    const vm::delivery_of here = vm::delivered(L, context);
    if (here.done == nullptr) {
        return vm::left_results(L, read_base);
    }
    io::received_datagram got{here.done->result, false};
    if (got.count == 0) {
        auto& from = static_cast<io::stream&>(*here.done->target);
        // The buffer and the range are looked up now, as in streams.
        const std::span<char> into = vm::range_now(L, 3, vm::memory_now(L, 2, *here.on));
        got = into.empty() ? io::received_datagram{-ENOBUFS, false}
                           : io::recv_datagram_now(from, into,
                                                   test_address(L, address_argument, *here.on));
        if (got.count == -EAGAIN) {
            io::recv_again(*here.done);
            return vm::suspend_again(L, *here.on, *here.done, read_base, read_k);
        }
    }
    vm::take_results(*here.on, *here.done);
    const int results = read_reply(L, got.count);
    if (got.count < 0) {
        return results;
    }
    lua_pushboolean(L, got.truncated ? 1 : 0);
    return results + 1;
}

int datagram_read(lua_State* L) {
    vm::scheduler& on = vm::scheduler_with_room(L);
    io::stream& from = check_socket<datagram>(L, on);
    const std::span<char> whole = vm::check_memory(L, 2, on);
    vm::check_range(L, 3);
    static_cast<void>(check_sender(L, on, from));
    luaL_argcheck(L, from.reader == nullptr, 1, "already in use");
    vm::check_yieldable(L);
    if (vm::range_now(L, 3, whole).empty()) {
        return vm::fail(L, ENOBUFS);
    }
    op::operation& read = vm::new_operation(L, on, io::recv_type);
    io::recv_datagram_start(from, read);
    return vm::suspend(L, on, read, read_arguments, read_k);
}

// --- write ----------------------------------------------------------------------------------

// The socket, and the bytes, which are not needed any more.
constexpr int write_arguments = 2;

int start_write(lua_State* L,
                vm::scheduler& on,
                io::stream& from,
                std::span<const iovec> parts,
                std::size_t size,
                const io::ip_address* to) {
    // Making text of a number may run finalizers, which may close the socket.
    luaL_argcheck(L, from.is_open(), 1, "closed object");
    op::operation& write = vm::new_operation(L, on, io::send_datagram_type);
    const int failed = io::send_datagram_start(from, write, parts, size, to);
    return suspend_in_write(L, on, write, failed, request_k<write_arguments>, caring::no);
}

// Apart from the common case, for the room on the stack that it takes.
[[gnu::noinline]] int
write_gathered(lua_State* L, vm::scheduler& on, io::stream& from, const io::ip_address* to) {
    vm::gathered_bytes data;
    data.check(L, 2, on);
    return start_write(L, on, from, data.parts(), data.size(), to);
}

int datagram_write(lua_State* L) {
    vm::scheduler& on = vm::scheduler_with_room(L);
    io::stream& from = check_socket<datagram>(L, on);
    vm::check_yieldable(L);
    const bool connected = from.phase == io::stream_phase::connected;
    const io::ip_address* to =
        connected ? nullptr : &check_address(L, address_argument, on, io::version_of(from.in));
    if (lua_istable(L, 2)) {
        return write_gathered(L, on, from, to);
    }
    const vm::input_bytes data = vm::check_input(L, 2, on);
    const std::string_view bytes =
        lua_gettop(L) == 2 ? data.bytes : vm::check_input_range(L, 3, data.bytes);
    const iovec part{const_cast<char*>(bytes.data()), bytes.size()}; // NOLINT: not written to
    return start_write(L, on, from, {&part, 1}, bytes.size(), to);
}

// --- connect --------------------------------------------------------------------------------

// Not an await function: there is nobody to wait for. No address means no peer any more.
int datagram_connect(lua_State* L) {
    const vm::scheduler& on = vm::scheduler_of(L);
    io::stream& of = check_socket<datagram>(L, on);
    const auto done =
        lua_isnoneornil(L, 2)
            ? io::disconnect_datagram(of)
            : io::connect_datagram(of, check_address(L, 2, on, io::version_of(of.in)));
    return vm::succeed_or_fail(L, done ? 0 : done.error());
}

using common = common_methods<datagram>;
using address = address_methods<datagram>;

} // namespace

const luaL_Reg datagram_methods[] = {
    {"bind", address::bind},          {"close", common::close},
    {"connect", datagram_connect},    {"getaddress", address::getaddress},
    {"getdomain", common::getdomain}, {"getoption", getoption<datagram>},
    {"read", datagram_read},          {"setoption", setoption<datagram>},
    {"write", datagram_write},        {nullptr, nullptr},
};

} // namespace coring::lua
