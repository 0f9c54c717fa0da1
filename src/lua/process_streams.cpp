#include "lua/process_streams.hpp"

#include "lua/socket.hpp"
#include "lua/vm/object.hpp"

#include <cerrno>
#include <optional>

#include <sys/socket.h>

namespace coring::lua {

namespace {

using kind = stream_choice::kind;
using origin = io::standard_stream::origin;

// --- fields ---------------------------------------------------------------------------------

struct stream_modes {
    bool readable = false;
    bool writable = false;
    bool share = false;
};

stream_modes check_modes(lua_State* L, const char* field, const char* text) {
    stream_modes modes;
    for (; *text != '\0'; ++text) {
        switch (*text) {
        case 'r':
            modes.readable = true;
            break;
        case 'w':
            modes.writable = true;
            break;
        case 's':
            modes.share = true;
            break;
        default:
            luaL_error(L, "unknown '%s' mode char (got '%c')", field, *text);
        }
    }
    return modes;
}

stream_choice create_stream(lua_State* L, vm::scheduler& on, const char* field, int place) {
    const stream_modes modes = check_modes(L, field, lua_tostring(L, place));
    const io::domain in = modes.share ? io::domain::share : io::domain::local;
    stream_choice made{
        .of = kind::created, .readable = modes.readable, .writable = modes.writable};
    made.socket = &push_socket(L, on, stream_class_of(in), in);
    lua_replace(L, place);
    lua_pushvalue(L, place);
    lua_setfield(L, 1, field);
    return made;
}

// The objects for our own standard streams, terminals among them. Nothing for others of their
// classes, whose descriptions a program that knows nothing of us cannot use.
std::optional<stream_choice> test_standard(lua_State* L, int place, const vm::scheduler& on) {
    for (const vm::class_id which :
         {vm::class_id::terminal, vm::class_id::share_stream, vm::class_id::datagram}) {
        auto* stream = static_cast<io::stream*>(vm::test_object(L, place, on, which));
        if (stream != nullptr && stream->foreign) {
            return stream_choice{.of = kind::socket, .socket = stream};
        }
    }
    return std::nullopt;
}

// Files, Lua's and ours; our own standard streams; and streams that programs which know nothing
// of us can use.
stream_choice check_given(lua_State* L, const vm::scheduler& on, const char* field, int place) {
    if (auto* file = static_cast<luaL_Stream*>(luaL_testudata(L, place, LUA_FILEHANDLE));
        file != nullptr) {
        return {.of = kind::file, .file = file};
    }
    if (void* block = vm::test_object(L, place, on, vm::class_id::file); block != nullptr) {
        return {.of = kind::our_file, .our_file = static_cast<const file_block*>(block)};
    }
    for (const vm::class_id which : {vm::class_id::tcp_stream, vm::class_id::local_stream}) {
        if (void* block = vm::test_object(L, place, on, which); block != nullptr) {
            return {.of = kind::socket, .socket = static_cast<io::stream*>(block)};
        }
    }
    if (const auto standard = test_standard(L, place, on); standard) {
        return *standard;
    }
    if (lua_type(L, place) == LUA_TUSERDATA || lua_getmetatable(L, place) != 0) {
        luaL_error(L, "bad field %s (invalid stream)", field);
    }
    return {.of = kind::discarded};
}

// --- descriptors ----------------------------------------------------------------------------

bool is_connectable(const io::stream& created) noexcept {
    return created.is_open() && created.fd < 0;
}

// Whether nobody else relies on the flags of its description.
bool is_ours(const stream_choice& given) noexcept {
    return given.of == kind::socket && !given.socket->foreign;
}

// The child shares the position of the file, and may move it.
int lend(io::file& shared) noexcept {
    shared.at_start = false;
    return shared.fd;
}

// The descriptor of what was given, or -1.
int descriptor_of(const stream_choice& given) noexcept {
    if (given.of == kind::our_file) {
        return given.our_file->open != nullptr ? lend(*given.our_file->open) : -1;
    }
    if (given.of == kind::file) {
        return given.file->closef != nullptr ? ::fileno(given.file->f) : -1;
    }
    return given.socket->is_open() ? given.socket->fd : -1;
}

} // namespace

stream_choice
check_stream_field(lua_State* L, vm::scheduler& on, const char* field, int place) {
    lua_getfield(L, 1, field);
    lua_replace(L, place);
    switch (lua_type(L, place)) {
    case LUA_TNIL:
        return {};
    case LUA_TBOOLEAN:
        if (lua_toboolean(L, place) != 0) {
            luaL_error(L, "bad field %s (got true)", field);
        }
        return {.of = kind::discarded};
    case LUA_TNUMBER:
        return {.of = kind::discarded};
    case LUA_TSTRING:
        return create_stream(L, on, field, place);
    default:
        return check_given(L, on, field, place);
    }
}

int stream_ends::open(const stream_choices& chosen) noexcept {
    int failed = 0;
    for (std::size_t place = 0; place < standard_count && failed == 0; ++place) {
        failed = open_one(chosen[place], place);
    }
    return failed;
}

int stream_ends::open_one(const stream_choice& chosen, std::size_t place) noexcept {
    io::standard_stream& made = for_child_[place];
    switch (chosen.of) {
    case kind::inherited:
        return 0;
    case kind::discarded:
        made.from = origin::null_device;
        return 0;
    case kind::file:
    case kind::socket:
    case kind::our_file:
        made.from = is_ours(chosen) ? origin::socket : origin::given;
        made.fd = descriptor_of(chosen);
        return made.fd < 0 ? EINVAL : 0;
    case kind::created:
        return is_connectable(*chosen.socket) ? open_pair(place) : EINVAL;
    }
    return 0;
}

int stream_ends::open_pair(std::size_t place) noexcept {
    std::array<int, 2> pair{-1, -1};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data()) != 0) {
        return errno;
    }
    near_[place].reset(pair[0]);
    far_[place].reset(pair[1]);
    for_child_[place] = {origin::socket, pair[1]};
    return 0;
}

void stream_ends::connect(const stream_choices& chosen) noexcept {
    for (std::size_t place = 0; place < standard_count; ++place) {
        if (near_[place].valid()) {
            io::stream& created = *chosen[place].socket;
            io::adopt_descriptor(created, near_[place].release());
            created.unreadable = !chosen[place].readable;
            created.unwritable = !chosen[place].writable;
        }
    }
}

} // namespace coring::lua
