// Manual: socket:write and socket:read of streams of domain share: stream sockets travel with
// the bytes. Behaviour 7.8.
#include "io/arrival.hpp"
#include "io/descriptor_inbox.hpp"
#include "io/recv.hpp"
#include "io/recv_share.hpp"
#include "lua/socket.hpp"
#include "lua/socket_data.hpp"
#include "lua/vm/gather.hpp"

#include <cerrno>
#include <new>

#include <unistd.h>

namespace coring::lua {

namespace {

constexpr vm::class_id share = vm::class_id::share_stream;

// --- read -----------------------------------------------------------------------------------

// The socket, the memory, i and j; and the block that a socket that comes along goes into, once
// there is one.
constexpr int read_arguments = 5;
constexpr int object_place = 5;
constexpr int read_base = read_arguments + 1;

// Room for a socket of any class, without a class yet: made before anything is received,
// because what was received could not be given back.
io::local_socket& push_blank_socket(lua_State* L, vm::scheduler& on) {
    auto* blank = new (lua_newuserdatauv(L, sizeof(io::local_socket), 0)) io::local_socket;
    blank->on = &on.on();
    return *blank;
}

// The blank at `place` becomes a socket of its class, on top of the stack. True unless the
// descriptor is of no use any more.
bool push_arrival(lua_State* L, int place, int fd) {
    const auto what = io::recognize(fd);
    if (!what) {
        ::close(fd);
        return false;
    }
    lua_pushvalue(L, place);
    io::adopt_arrival(*static_cast<io::local_socket*>(lua_touserdata(L, -1)), fd, *what);
    vm::set_class(L, stream_class_of(what->in));
    return true;
}

int reply_received(lua_State* L, const io::received& got) {
    const int results = read_reply(L, got.count);
    return got.fd >= 0 && push_arrival(L, object_place, got.fd) ? results + 1 : results;
}

int share_read_k(lua_State* L, int, lua_KContext context) {
    const vm::delivery_of here = vm::delivered(L, context);
    if (here.done == nullptr) {
        return vm::left_results(L, read_base);
    }
    vm::scheduler& on = *here.on;
    io::received got{here.done->result, -1};
    if (got.count == 0) {
        if (lua_isnil(L, object_place)) {
            static_cast<void>(push_blank_socket(L, on));
            lua_replace(L, object_place);
        }
        auto& from = *static_cast<io::local_socket*>(lua_touserdata(L, 1));
        const std::span<char> into = vm::range_now(L, 3, vm::memory_now(L, 2, on));
        if (!from.is_open()) { // a finalizer closed it just now
            got.count = -ECANCELED;
        } else if (into.empty()) {
            got.count = -ENOBUFS;
        } else {
            got = io::recv_share_now(from, into);
        }
        if (got.count == -EAGAIN) {
            io::recv_again(*here.done);
            return vm::suspend_again(L, on, *here.done, read_base, share_read_k);
        }
    }
    vm::take_results(on, *here.done);
    return reply_received(L, got);
}

// A socket that came with an earlier read and was not taken yet.
int reply_kept(lua_State* L, vm::scheduler& on, io::local_socket& from) {
    lua_settop(L, 1);
    static_cast<void>(push_blank_socket(L, on));
    lua_pushinteger(L, 0);
    const int fd = io::take_descriptor(from); // again: a finalizer may have closed the socket
    return fd >= 0 && push_arrival(L, 2, fd) ? 2 : 1;
}

int share_read(lua_State* L) {
    vm::scheduler& on = vm::scheduler_with_room(L);
    io::local_socket& from = check_local_socket<share>(L, on);
    if (from.plain) {
        return stream_methods<share>::read(L); // a pipe: no socket comes through it
    }
    if (from.inbox != nullptr) {
        return reply_kept(L, on, from);
    }
    const std::span<char> whole = vm::check_memory(L, 2, on);
    vm::check_range(L, 3);
    luaL_argcheck(L, from.reader == nullptr, 1, "already in use");
    vm::check_yieldable(L);
    if (const int refused = io::refuses_read(from); refused != 0) {
        return vm::fail(L, refused);
    }
    if (vm::range_now(L, 3, whole).empty()) {
        return vm::fail(L, ENOBUFS);
    }
    lua_settop(L, read_arguments - 1);
    op::operation& read = vm::new_operation(L, on, io::recv_type);
    io::recv_start(from, read);
    return vm::suspend(L, on, read, read_arguments, share_read_k);
}

// --- write ----------------------------------------------------------------------------------

constexpr int write_arguments = 2;
constexpr int passed_argument = 5;

// The socket to pass at argument 5, or null where nothing is to be passed.
const io::stream* check_passed(lua_State* L, const vm::scheduler& on) {
    if (lua_type(L, passed_argument) != LUA_TUSERDATA) {
        return nullptr;
    }
    for (const vm::class_id which :
         {vm::class_id::tcp_stream, vm::class_id::tcp_passive, vm::class_id::local_stream,
          vm::class_id::local_passive, vm::class_id::share_stream}) {
        if (void* block = vm::test_object(L, passed_argument, on, which); block != nullptr) {
            return static_cast<io::stream*>(block);
        }
    }
    luaL_argerror(L, passed_argument, "writable object expected");
    return nullptr;
}

int share_write(lua_State* L) {
    vm::scheduler& on = vm::scheduler_with_room(L);
    io::local_socket& to = check_local_socket<share>(L, on);
    vm::check_yieldable(L);
    const io::stream* passed = check_passed(L, on);
    if (passed == nullptr) {
        return stream_methods<share>::write(L);
    }
    if (lua_istable(L, 2)) {
        vm::join_gathered(L, 2, on);
    }
    const vm::input_bytes data = vm::check_input(L, 2, on);
    const std::string_view bytes = vm::check_input_range(L, 3, data.bytes);
    if (!passed->is_open() || passed->fd < 0) {
        return vm::fail(L, EBADF);
    }
    if (const int refused = io::refuses_write(to); refused != 0) {
        return vm::fail(L, refused);
    }
    op::operation& write = vm::new_operation(L, on, io::send_type);
    const int failed = bytes.empty() ? io::send_start(to, write, bytes, source_of(data.kind))
                                     : io::send_passing_start(to, write, bytes,
                                                              source_of(data.kind), passed->fd);
    return suspend_in_write(L, on, write, failed, request_k<write_arguments>,
                            io::lends(write) ? caring::yes : caring::no);
}

using common = common_methods<share>;
using address = address_methods<share>;
using stream = stream_methods<share>;

} // namespace

const luaL_Reg share_stream_methods[] = {
    {"bind", address::bind},
    {"close", common::close},
    {"connect", stream::connect},
    {"getaddress", address::getaddress},
    {"getdomain", common::getdomain},
    {"getoption", getoption<share>},
    {"read", share_read},
    {"setoption", setoption<share>},
    {"shutdown", stream::shutdown},
    {"write", share_write},
    {nullptr, nullptr},
};

} // namespace coring::lua
