// Manual: socket:connect, socket:write, socket:read, socket:shutdown, for streams.
// Behaviour 1.7 (order of checks), 5, 7.6.
#include "io/connect.hpp"
#include "io/connect_local.hpp"
#include "io/recv.hpp"
#include "io/send.hpp"
#include "io/shutdown.hpp"
#include "lua/socket.hpp"
#include "lua/socket_data.hpp"
#include "lua/system_address.hpp"
#include "lua/vm/gather.hpp"
#include "lua/vm/memory.hpp"

#include <cerrno>

namespace coring::lua {

namespace {

// --- read -----------------------------------------------------------------------------------

// Where the bytes go, and with that how many arguments are kept: a range means i and j too.
enum class landing : std::uint8_t { whole_fixed, whole, ranged };

constexpr int arguments_of(landing where) noexcept {
    return where == landing::ranged ? 4 : 2;
}

// The buffer and the range are looked up now, not when the call was made (behaviour 5.4). A
// fixed memory is what it was.
template <landing Where>
std::span<char> landing_place(lua_State* L, const vm::scheduler& on) {
    if constexpr (Where == landing::whole_fixed) {
        return vm::fixed_memory(L, 2);
    } else if constexpr (Where == landing::whole) {
        return vm::memory_now(L, 2, on);
    } else {
        return vm::range_now(L, 3, vm::memory_now(L, 2, on));
    }
}

template <landing Where>
int read_k(lua_State* L, int, lua_KContext context) {
    constexpr int base = arguments_of(Where) + 1;
    const vm::delivery_of here = vm::delivered(L, context);
    if (here.done == nullptr) {
        return vm::left_results(L, base);
    }
    int answer = here.done->result;
    if (answer == 0) {
        auto& from = static_cast<io::stream&>(*here.done->target);
        const std::span<char> into = landing_place<Where>(L, *here.on);
        answer = into.empty() ? -ENOBUFS : io::recv_now(from, into);
        if (answer == -EAGAIN) {
            io::recv_again(*here.done);
            return vm::suspend_again(L, *here.on, *here.done, base, read_k<Where>);
        }
    }
    vm::take_results(*here.on, *here.done);
    return read_reply(L, answer);
}

// Requires that the arguments were checked and that `into` is where the bytes would go now.
template <landing Where>
int read_into(lua_State* L, vm::scheduler& on, io::stream& from, std::span<char> into) {
    luaL_argcheck(L, from.reader == nullptr, 1, "already in use");
    vm::check_yieldable(L);
    if (const int refused = io::refuses_read(from); refused != 0) {
        return vm::fail(L, refused);
    }
    if (into.empty()) {
        return vm::fail(L, ENOBUFS);
    }
    op::operation& read = vm::new_operation(L, on, io::recv_type);
    io::recv_start(from, read);
    return vm::suspend(L, on, read, arguments_of(Where), read_k<Where>);
}

// --- write ----------------------------------------------------------------------------------

// The socket, and the bytes while they are on their way.
constexpr int write_arguments = 2;

// Apart from the common case, for the room on the stack that it takes.
[[gnu::noinline]] int write_gathered(lua_State* L, vm::scheduler& on, io::stream& to) {
    vm::gathered_bytes data;
    data.check(L, 2, on);
    if (const int refused = io::refuses_write(to); refused != 0) {
        return vm::fail(L, refused);
    }
    op::operation& write = vm::new_operation(L, on, io::send_type);
    const int failed = io::send_gathered_start(to, write, data.parts(), data.size());
    return suspend_in_write(L, on, write, failed, request_k<write_arguments>,
                            io::lends(write) ? caring::yes : caring::no);
}

} // namespace

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

template <vm::class_id Class>
int stream_methods<Class>::read(lua_State* L) {
    vm::scheduler& on = vm::scheduler_with_room(L);
    io::stream& from = check_socket<Class>(L, on);
    const vm::memory_bytes whole = vm::check_memory_of_kind(L, 2, on);
    if (lua_gettop(L) > arguments_of(landing::whole)) {
        vm::check_range(L, 3);
        return read_into<landing::ranged>(L, on, from, vm::range_now(L, 3, whole.bytes));
    }
    return whole.kind == vm::bytes_kind::fixed_memory
               ? read_into<landing::whole_fixed>(L, on, from, whole.bytes)
               : read_into<landing::whole>(L, on, from, whole.bytes);
}

template <vm::class_id Class>
int stream_methods<Class>::write(lua_State* L) {
    vm::scheduler& on = vm::scheduler_with_room(L);
    io::stream& to = check_socket<Class>(L, on);
    vm::check_yieldable(L);
    if (lua_istable(L, 2)) {
        return write_gathered(L, on, to);
    }
    const vm::input_bytes data = vm::check_input(L, 2, on);
    const std::string_view bytes =
        lua_gettop(L) == 2 ? data.bytes : vm::check_input_range(L, 3, data.bytes);
    if (const int refused = io::refuses_write(to); refused != 0) {
        return vm::fail(L, refused);
    }
    op::operation& write = vm::new_operation(L, on, io::send_type);
    const int failed = io::send_start(to, write, bytes, source_of(data.kind));
    return suspend_in_write(L, on, write, failed, request_k<write_arguments>,
                            io::lends(write) ? caring::yes : caring::no);
}

template <vm::class_id Class>
int stream_methods<Class>::connect(lua_State* L) {
    constexpr int arguments = 1;
    vm::spell_number(L, 2);
    vm::scheduler& on = vm::scheduler_with_room(L);
    io::stream& from = check_socket<Class>(L, on);
    vm::check_yieldable(L);
    if constexpr (is_local_class(Class)) {
        auto name = check_local_name(L, 2);
        const int bad = name ? 0 : name.error();
        if (const int refused = io::refuses_connect(from); refused != 0 || bad != 0) {
            return vm::fail(L, refused != 0 ? refused : bad);
        }
        op::operation& connect = vm::new_operation(L, on, io::connect_local_type);
        io::connect_local_start(static_cast<io::local_socket&>(from), connect, name.value());
        return vm::suspend(L, on, connect, arguments, request_k<arguments>);
    } else {
        const io::ip_address& to = check_address(L, 2, on, io::version_of(from.in));
        if (const int refused = io::refuses_connect(from); refused != 0) {
            return vm::fail(L, refused);
        }
        op::operation& connect = vm::new_operation(L, on, io::connect_type);
        io::connect_start(from, connect, to);
        return vm::suspend(L, on, connect, arguments, request_k<arguments>);
    }
}

template <vm::class_id Class>
int stream_methods<Class>::shutdown(lua_State* L) {
    constexpr int arguments = 1;
    vm::scheduler& on = vm::scheduler_with_room(L);
    io::stream& of = check_socket<Class>(L, on);
    vm::check_yieldable(L);
    if (const int refused = io::refuses_shutdown(of); refused != 0) {
        return vm::fail(L, refused);
    }
    op::operation& ending = vm::new_operation(L, on, io::shutdown_type);
    io::shutdown_start(of, ending);
    return vm::suspend(L, on, ending, arguments, request_k<arguments>);
}

template struct stream_methods<vm::class_id::tcp_stream>;
template struct stream_methods<vm::class_id::local_stream>;
template struct stream_methods<vm::class_id::share_stream>;
template int stream_methods<vm::class_id::terminal>::read(lua_State*);
template int stream_methods<vm::class_id::terminal>::shutdown(lua_State*);
template int stream_methods<vm::class_id::terminal>::write(lua_State*);

namespace {

using tcp_common = common_methods<vm::class_id::tcp_stream>;
using tcp_address = address_methods<vm::class_id::tcp_stream>;
using tcp = stream_methods<vm::class_id::tcp_stream>;

using local_common = common_methods<vm::class_id::local_stream>;
using local_address = address_methods<vm::class_id::local_stream>;
using local = stream_methods<vm::class_id::local_stream>;

} // namespace

const luaL_Reg tcp_stream_methods[] = {
    {"bind", tcp_address::bind},
    {"close", tcp_common::close},
    {"connect", tcp::connect},
    {"getaddress", tcp_address::getaddress},
    {"getdomain", tcp_common::getdomain},
    {"getoption", getoption<vm::class_id::tcp_stream>},
    {"read", tcp::read},
    {"setoption", setoption<vm::class_id::tcp_stream>},
    {"shutdown", tcp::shutdown},
    {"write", tcp::write},
    {nullptr, nullptr},
};

const luaL_Reg local_stream_methods[] = {
    {"bind", local_address::bind},
    {"close", local_common::close},
    {"connect", local::connect},
    {"getaddress", local_address::getaddress},
    {"getdomain", local_common::getdomain},
    {"getoption", getoption<vm::class_id::local_stream>},
    {"read", local::read},
    {"setoption", setoption<vm::class_id::local_stream>},
    {"shutdown", local::shutdown},
    {"write", local::write},
    {nullptr, nullptr},
};

} // namespace coring::lua
