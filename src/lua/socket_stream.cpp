// Manual: socket:connect, socket:write, socket:read, socket:shutdown, for streams.
// Behaviour 1.7 (order of checks), 5, 7.6.
#include "io/connect.hpp"
#include "io/recv.hpp"
#include "io/send.hpp"
#include "io/shutdown.hpp"
#include "lua/socket.hpp"
#include "lua/system_address.hpp"
#include "lua/vm/await.hpp"
#include "lua/vm/memory.hpp"
#include "lua/vm/reply.hpp"

#include <cerrno>

namespace coring::lua {

namespace {

io::stream& check_stream(lua_State* L, const vm::scheduler& on) {
    return check_socket(L, on, vm::class_id::tcp_stream, tcp_stream_name);
}

// --- read -----------------------------------------------------------------------------------

// A read of a whole memory keeps two arguments, one with a range keeps i and j too.
constexpr int whole_arguments = 2;
constexpr int ranged_arguments = 4;

int read_reply(lua_State* L, int answer) {
    if (answer == -ECANCELED) {
        return vm::fail_text(L, "closed");
    }
    if (answer < 0) {
        return vm::fail(L, -answer);
    }
    lua_pushinteger(L, answer);
    return 1;
}

// The buffer and the range are looked up now, not when the call was made (behaviour 5.4).
template <int Arguments>
std::span<char> landing_place(lua_State* L, std::span<char> whole) {
    if constexpr (Arguments == ranged_arguments) {
        return vm::range_now(L, 3, whole);
    } else {
        return whole;
    }
}

template <int Arguments>
int read_k(lua_State* L, int, lua_KContext context) {
    constexpr int base = Arguments + 1;
    const vm::delivery_of here = vm::delivered(L, context, base);
    if (here.done == nullptr) {
        return vm::left_results(L, base);
    }
    int answer = here.done->result;
    if (answer == 0) {
        auto& from = static_cast<io::stream&>(*here.done->target);
        const std::span<char> into =
            landing_place<Arguments>(L, vm::memory_now(L, 2, *here.on));
        answer = into.empty() ? -ENOBUFS : io::recv_now(from, into);
        if (answer == -EAGAIN) {
            io::recv_again(*here.done);
            return vm::suspend_again(L, *here.on, *here.done, base, read_k<Arguments>);
        }
    }
    vm::take_results(*here.on, *here.done);
    return read_reply(L, answer);
}

template <int Arguments>
int read_into(lua_State* L, vm::scheduler& on, io::stream& from, std::span<char> whole) {
    luaL_argcheck(L, from.reader == nullptr, 1, "already in use");
    vm::check_yieldable(L);
    if (const int refused = io::refuses_read(from); refused != 0) {
        return vm::fail(L, refused);
    }
    if (landing_place<Arguments>(L, whole).empty()) {
        return vm::fail(L, ENOBUFS);
    }
    op::operation& read = vm::new_operation(L, on, io::recv_type);
    io::recv_start(from, read);
    return vm::suspend(L, on, read, Arguments, read_k<Arguments>);
}

int stream_read(lua_State* L) {
    vm::scheduler& on = vm::scheduler_with_room(L);
    io::stream& from = check_stream(L, on);
    const std::span<char> whole = vm::check_memory(L, 2, on);
    if (lua_gettop(L) == whole_arguments) {
        return read_into<whole_arguments>(L, on, from, whole);
    }
    vm::check_range(L, 3);
    return read_into<ranged_arguments>(L, on, from, whole);
}

// --- write, connect, shutdown: requests that answer true or a failure
// --------------------------

template <int Arguments>
int request_k(lua_State* L, int, lua_KContext context) {
    constexpr int base = Arguments + 1;
    const vm::delivery_of here = vm::delivered(L, context, base);
    if (here.done == nullptr) {
        return vm::left_results(L, base);
    }
    const int answer = here.done->result;
    vm::take_results(*here.on, *here.done);
    return vm::succeed_or_fail(L, -answer);
}

constexpr io::source source_of(vm::bytes_kind kind) noexcept {
    switch (kind) {
    case vm::bytes_kind::string:
        return io::source::stays;
    case vm::bytes_kind::fixed_memory:
        return io::source::changes;
    case vm::bytes_kind::resizable_memory:
        return io::source::moves;
    }
    return io::source::moves;
}

int stream_write(lua_State* L) {
    constexpr int arguments = 2; // the socket, and the bytes while they are on their way
    vm::scheduler& on = vm::scheduler_with_room(L);
    io::stream& to = check_stream(L, on);
    vm::check_yieldable(L);
    const vm::input_bytes data = vm::check_input(L, 2, on);
    const std::string_view bytes =
        lua_gettop(L) == 2 ? data.bytes : vm::check_input_range(L, 3, data.bytes);
    if (const int refused = io::refuses_write(to); refused != 0) {
        return vm::fail(L, refused);
    }
    op::operation& write = vm::new_operation(L, on, io::send_type);
    if (io::send_start(to, write, bytes, source_of(data.kind)) != 0) {
        vm::give_back(L, on, write);
        return luaL_error(L, "not enough memory");
    }
    return vm::suspend(L, on, write, arguments, request_k<arguments>);
}

int stream_connect(lua_State* L) {
    constexpr int arguments = 1;
    vm::scheduler& on = vm::scheduler_with_room(L);
    io::stream& from = check_stream(L, on);
    vm::check_yieldable(L);
    const io::ip_address& to = check_address(L, 2, on, io::version_of(from.in));
    if (const int refused = io::refuses_connect(from); refused != 0) {
        return vm::fail(L, refused);
    }
    op::operation& connect = vm::new_operation(L, on, io::connect_type);
    io::connect_start(from, connect, to);
    return vm::suspend(L, on, connect, arguments, request_k<arguments>);
}

int stream_shutdown(lua_State* L) {
    constexpr int arguments = 1;
    vm::scheduler& on = vm::scheduler_with_room(L);
    io::stream& of = check_stream(L, on);
    vm::check_yieldable(L);
    if (const int refused = io::refuses_shutdown(of); refused != 0) {
        return vm::fail(L, refused);
    }
    op::operation& ending = vm::new_operation(L, on, io::shutdown_type);
    io::shutdown_start(of, ending);
    return vm::suspend(L, on, ending, arguments, request_k<arguments>);
}

using common = common_methods<vm::class_id::tcp_stream>;

} // namespace

const luaL_Reg stream_methods[] = {
    {"bind", common::bind},           {"close", common::close},
    {"connect", stream_connect},      {"getaddress", common::getaddress},
    {"getdomain", common::getdomain}, {"read", stream_read},
    {"setoption", stream_setoption},  {"shutdown", stream_shutdown},
    {"write", stream_write},          {nullptr, nullptr},
};

} // namespace coring::lua
