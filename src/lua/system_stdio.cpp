// Manual: system.stdin, system.stdout, system.stderr. Behaviour 8.1, D6.
#include "lua/system_stdio.hpp"

#include "base/errc.hpp"
#include "io/standard_stream.hpp"
#include "lua/file.hpp"
#include "lua/socket.hpp"
#include "lua/vm/reply.hpp"

#include <array>
#include <cstdio>
#include <string_view>
#include <utility>

namespace coring::lua {

namespace {

using kind = io::standard_kind;
using adopt_stream = void (*)(io::stream&, base::unique_fd) noexcept;

constexpr std::array names{"stdin", "stdout", "stderr"};

void warn_of_kind(lua_State* L, const char* name) {
    std::array<char, base::error_text_room> scratch{};
    const std::string_view text = base::error_text(base::resolver_bad_socket_type, scratch);
    std::array<char, 96> line{};
    static_cast<void>(std::snprintf(line.data(), line.size(), "[coutil] %s: %.*s", name,
                                    static_cast<int>(text.size()), text.data()));
    lua_warning(L, line.data(), 0);
}

// The object is there before the descriptor that goes into it. Zero, or an errno: then the
// object has none, and is thrown away.
int fill(base::result<base::unique_fd> made, io::stream& object, adopt_stream adopt) noexcept {
    if (!made) {
        object.open = false;
        return made.error();
    }
    adopt(object, std::move(made.value()));
    return 0;
}

int fill(base::result<base::unique_fd> made, io::file& object) noexcept {
    if (!made) {
        return made.error();
    }
    io::adopt_standard_file(object, std::move(made.value()));
    return 0;
}

// Pushes the object for a descriptor of a useful kind. Zero, or an errno.
int push_stream(lua_State* L, vm::scheduler& on, kind found, int fd) {
    using vm::class_id;
    switch (found) {
    case kind::none:
        lua_pushnil(L);
        return 0;
    case kind::file: {
        io::file& object = push_file(L, on);
        return fill(io::duplicate_standard(fd), object);
    }
    case kind::terminal: {
        auto& object = push_socket(L, on, class_id::terminal, io::domain::ipv4);
        return fill(io::duplicate_terminal(fd), object, io::adopt_plain);
    }
    case kind::pipe: {
        auto& object = push_socket(L, on, class_id::share_stream, io::domain::share);
        return fill(io::duplicate_standard(fd), object, io::adopt_plain);
    }
    case kind::local_stream: {
        auto& object = push_socket(L, on, class_id::share_stream, io::domain::share);
        return fill(io::duplicate_standard(fd), object, io::adopt_socket);
    }
    case kind::ip_stream: {
        auto& object = push_socket(L, on, class_id::tcp_stream, io::domain::ipv4);
        return fill(io::duplicate_standard(fd), object, io::adopt_socket);
    }
    case kind::datagram: {
        auto& object = push_socket(L, on, class_id::datagram, io::domain::ipv4);
        return fill(io::duplicate_standard(fd), object, io::adopt_socket);
    }
    }
    return 0;
}

// Its address is the key of the registry's entry: a table of the objects. A state that loads
// the module once more gets the same ones.
constexpr char registry_key = 0;

// Pushes that table.
void push_objects(lua_State* L) {
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &registry_key) == LUA_TTABLE) {
        return;
    }
    vm::scheduler& on = vm::scheduler_of(L);
    lua_newtable(L);
    const int objects = lua_gettop(L);
    for (int fd = 0; fd < static_cast<int>(names.size()); ++fd) {
        const char* name = names[static_cast<std::size_t>(fd)];
        const kind found = io::kind_of_standard(fd);
        if (found == kind::none) {
            warn_of_kind(L, name);
        }
        if (const int failed = push_stream(L, on, found, fd); failed != 0) {
            vm::raise_no_start(L, "", failed);
        }
        lua_setfield(L, objects, name);
    }
    lua_pushvalue(L, objects);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &registry_key);
}

} // namespace

int add_standard_streams(lua_State* L) {
    push_objects(L);
    for (const char* name : names) {
        lua_getfield(L, -1, name);
        lua_setfield(L, 1, name);
    }
    return 0;
}

} // namespace coring::lua
