// Manual: system.fileinfo, file:info. Behaviour 12.5. They never fail: they raise.
#include "lua/file_info_fields.hpp"
#include "lua/path_call.hpp"
#include "lua/path_mode.hpp"
#include "lua/system_paths.hpp"

#include <cerrno>
#include <cstring>

namespace coring::lua {

namespace {

// The mode stays at this place while the coroutine waits, to be read again.
constexpr int mode_place = 1;

// What begins a mode, and the letters after it, one for each value.
struct info_mode {
    const char* letters;
    bool blocking;
    bool keeps_links;
};

info_mode split_mode(const char* mode, const char* prefixes) noexcept {
    const std::size_t size = std::strspn(mode, prefixes);
    return {mode + size, std::memchr(mode, '~', size) != nullptr,
            std::memchr(mode, 'l', size) != nullptr};
}

// The characters that may begin the mode of a path, or of a file; and what a letter may not ask
// of a file.
constexpr const char* path_prefixes = "~l";
constexpr const char* file_prefixes = "~";

// Whether the character asks for a value of this kind of object.
bool is_known(char letter, const char* prefixes) noexcept {
    const info_source source = source_of(letter);
    return prefixes == path_prefixes ? source != info_source::none
                                     : source == info_source::status;
}

info_mode check_info_mode(lua_State* L, const char* prefixes) {
    const info_mode mode = split_mode(luaL_checkstring(L, 2), prefixes);
    for (const char* at = mode.letters; *at != '\0'; ++at) {
        if (holds(prefixes, *at)) {
            luaL_error(L, "'%c' must be in the begin of 'mode'", *at);
        }
        if (!is_known(*at, prefixes)) {
            luaL_error(L, "unknown mode char (got '%c')", *at);
        }
    }
    return mode;
}

io::stat_call asked_for(const info_mode& mode) noexcept {
    io::stat_call call;
    call.through = mode.keeps_links ? io::links::kept : io::links::followed;
    for (const char* at = mode.letters; *at != '\0'; ++at) {
        const info_source source = source_of(*at);
        call.wants_status = call.wants_status || source == info_source::status;
        call.wants_system = call.wants_system || source == info_source::system;
        call.wants_real = call.wants_real || source == info_source::real_path;
        call.wants_link = call.wants_link || source == info_source::link;
    }
    return call;
}

int push_values(lua_State* L, const char* letters, const io::stat_call& from) {
    const int count = static_cast<int>(std::strlen(letters));
    luaL_checkstack(L, count + LUA_MINSTACK, nullptr);
    for (const char* at = letters; *at != '\0'; ++at) {
        push_info(L, *at, from);
    }
    return count;
}

// --- in blocking mode -----------------------------------------------------------------------

int answer_here(lua_State* L, const info_mode& mode, io::stat_call& call) {
    if (const int answer = call.run(); answer < 0) {
        return vm::raise(L, -answer);
    }
    return push_values(L, mode.letters, call);
}

int answer_here_with_texts(lua_State* L, const info_mode& mode, io::stat_call& call) {
    io::stat_texts texts;
    call.texts = &texts;
    return answer_here(L, mode, call);
}

int info_blocking(lua_State* L, const info_mode& mode, io::stat_call& call) {
    return call.wants_texts() ? answer_here_with_texts(L, mode, call)
                              : answer_here(L, mode, call);
}

// --- known at once --------------------------------------------------------------------------

// The mode lies below the values and says how many there are. Paths and files differ only in
// what may begin it, and no value has a letter that may.
int known_values(lua_State* L) {
    return static_cast<int>(
        std::strlen(split_mode(lua_tostring(L, mode_place), path_prefixes).letters));
}

int known_k(lua_State* L, int, lua_KContext context) {
    const int count = known_values(L);
    const int base = mode_place + count + 1;
    const vm::delivery_of here = vm::delivered(L, context, base);
    if (here.done == nullptr) {
        return vm::left_results(L, base);
    }
    vm::take_results(*here.on, *here.done);
    luaL_checkstack(L, count, nullptr);
    for (int index = 1; index <= count; ++index) {
        lua_pushvalue(L, mode_place + index);
    }
    return count;
}

int refused_k(lua_State* L, int, lua_KContext context) {
    constexpr int base = 1;
    const vm::delivery_of here = vm::delivered(L, context, base);
    if (here.done == nullptr) {
        return vm::left_results(L, base);
    }
    const int answer = here.done->result;
    vm::take_results(*here.on, *here.done);
    return vm::raise(L, -answer);
}

int info_at_once(lua_State* L,
                 vm::scheduler& on,
                 int answer,
                 const info_mode& mode,
                 const io::stat_call& call) {
    if (answer < 0) {
        return vm::suspend_after_answer(L, on, answer, 0, refused_k);
    }
    lua_pushvalue(L, 2);
    const int values = push_values(L, mode.letters, call) + 1;
    return vm::suspend_after_answer(L, on, 0, values, known_k);
}

// --- by a worker ----------------------------------------------------------------------------

int worker_k(lua_State* L, int, lua_KContext context) {
    constexpr int base = mode_place + 1;
    const vm::delivery_of here = vm::delivered(L, context, base);
    if (here.done == nullptr) {
        return vm::left_results(L, base);
    }
    if (const int answer = here.done->result; answer < 0) {
        vm::take_results(*here.on, *here.done);
        return vm::raise(L, -answer);
    }
    const char* letters = split_mode(lua_tostring(L, mode_place), path_prefixes).letters;
    const int count =
        push_values(L, letters, vm::job_of<io::path_job<io::stat_call>>(*here.done).verb);
    vm::take_results(*here.on, *here.done);
    return count;
}

int info_by_worker(lua_State* L, vm::scheduler& on, const io::stat_call& call) {
    auto& job = make_job(L, on, call);
    if (call.wants_texts() && !job.verb.own_texts()) {
        job.destroy(job);
        return luaL_error(L, "not enough memory");
    }
    lua_pushvalue(L, 2);
    lua_replace(L, mode_place); // and of what was there the job has a copy
    return vm::suspend_in_call_or_raise(L, on, threadpool::lane_kind::files, job, mode_place,
                                        worker_k);
}

// What the kernel has in memory costs no worker. Requires the room.
int info_await(lua_State* L, vm::scheduler& on, const info_mode& mode, io::stat_call& call) {
    const int answer = call.attempt();
    return answer == -EAGAIN ? info_by_worker(L, on, call)
                             : info_at_once(L, on, answer, mode, call);
}

int system_fileinfo(lua_State* L) {
    const info_mode mode = check_info_mode(L, path_prefixes);
    if (*mode.letters == '\0') {
        return 0;
    }
    if (!mode.blocking) {
        vm::check_yieldable(L);
    }
    io::stat_call call = asked_for(mode);
    call.path = luaL_checkstring(L, 1);
    if (mode.blocking) {
        return info_blocking(L, mode, call);
    }
    return info_await(L, vm::scheduler_with_room(L), mode, call);
}

} // namespace

const luaL_Reg file_info_functions[] = {
    {"fileinfo", system_fileinfo},
    {nullptr, nullptr},
};

} // namespace coring::lua
