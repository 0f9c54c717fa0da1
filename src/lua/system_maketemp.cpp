// Manual: system.maketemp. Behaviour 12.1, 12.8, D7.
#include "io/make_temp.hpp"
#include "lua/file.hpp"
#include "lua/path_call.hpp"
#include "lua/system_paths.hpp"

#include <cstring>

namespace coring::lua {

namespace {

using make_temp_job = io::path_job<io::make_temp_call>;

// What stays on the stack while the coroutine waits: the mode, to be read again, and the file
// object that will be returned, or nil.
constexpr int mode_place = 1;
constexpr int file_place = 2;

const char* letters_of(const char* mode) noexcept {
    return mode + std::strspn(mode, "~");
}

void check_letters(lua_State* L, const char* letters) {
    for (const char* at = letters; *at != '\0'; ++at) {
        if (*at == '~') {
            luaL_error(L, "'~' must be in the begin of 'mode'");
        }
        if (*at != 'f' && *at != 'o') {
            vm::raise_unknown_mode(L, *at, 2);
        }
    }
}

io::temporary_kind kind_of(const char* letters) noexcept {
    if (*letters == '\0') {
        return io::temporary_kind::directory;
    }
    return std::strchr(letters, 'o') != nullptr ? io::temporary_kind::open_file
                                                : io::temporary_kind::closed_file;
}

// Pushes the file object, or nil, on a stack that has just the prefix and the mode.
void push_place(lua_State* L, vm::scheduler& on, io::temporary_kind kind) {
    if (kind == io::temporary_kind::open_file) {
        static_cast<void>(push_file(L, on));
    } else {
        lua_pushnil(L);
    }
}

io::file& new_file(lua_State* L) {
    return *static_cast<file_block*>(lua_touserdata(L, file_place))->open;
}

// Makes room for the values and pushes the path; then nothing can raise any more.
int push_path(lua_State* L, const char* letters, const io::make_temp_call& made) {
    const int count = static_cast<int>(std::strlen(letters));
    luaL_checkstack(L, count + LUA_MINSTACK, nullptr);
    lua_pushstring(L, made.name.data());
    return count;
}

// Pushes the values that the letters name. The path is on top.
int push_values(lua_State* L, const char* letters, int count) {
    const int path_place = lua_gettop(L);
    if (count == 0) {
        return 1;
    }
    for (const char* at = letters; *at != '\0'; ++at) {
        lua_pushvalue(L, *at == 'f' ? path_place : file_place);
    }
    return count;
}

void take_over(lua_State* L, io::make_temp_call& made) {
    const io::file_traits traits = made.traits;
    if (const int fd = made.take(); fd >= 0) {
        io::adopt(new_file(L), fd, traits);
    }
}

int maketemp_k(lua_State* L, int, lua_KContext context) {
    constexpr int base = file_place + 1;
    const vm::delivery_of here = vm::delivered(L, context);
    if (here.done == nullptr) {
        return vm::left_results(L, base);
    }
    if (const int answer = here.done->result; answer < 0) {
        vm::take_results(*here.on, *here.done);
        return vm::fail(L, -answer);
    }
    const char* letters = letters_of(lua_tostring(L, mode_place));
    io::make_temp_call& made = vm::job_of<make_temp_job>(*here.done).verb;
    const int count = push_path(L, letters, made);
    take_over(L, made);
    vm::take_results(*here.on, *here.done);
    return push_values(L, letters, count);
}

int maketemp_blocking(lua_State* L, const char* letters, io::make_temp_call& call) {
    const int answer = call.run();
    lua_remove(L, 1); // the prefix
    if (answer < 0) {
        return vm::fail(L, -answer);
    }
    take_over(L, call);
    const int count = push_path(L, letters, call);
    return push_values(L, letters, count);
}

int system_maketemp(lua_State* L) {
    io::make_temp_call call;
    call.path = luaL_checkstring(L, 1);
    const char* mode = luaL_optstring(L, 2, "");
    luaL_argcheck(L, std::strlen(call.path) <= io::make_temp_call::longest_prefix, 1,
                  "too long");
    const char* letters = letters_of(mode);
    check_letters(L, letters);
    const bool blocking = check_caller(L, letters != mode);
    call.kind = kind_of(letters);
    lua_settop(L, 2);
    if (lua_isnil(L, 2)) {
        lua_pushliteral(L, "");
        lua_replace(L, 2);
    }
    push_place(L, vm::scheduler_of(L), call.kind);
    if (blocking) {
        return maketemp_blocking(L, letters, call);
    }
    vm::scheduler& on = vm::scheduler_with_room(L); // last: making the object may use it up
    auto& job = make_job(L, on, call);
    lua_remove(L, 1); // the prefix, of which the job has a copy
    return vm::suspend_in_call(L, on, threadpool::lane_kind::files, job, file_place,
                               maketemp_k);
}

} // namespace

const luaL_Reg maketemp_functions[] = {
    {"maketemp", system_maketemp},
    {nullptr, nullptr},
};

} // namespace coring::lua
