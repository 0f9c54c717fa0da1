// Manual: system.fileinfo, file:info. Behaviour 12.5. They never fail: they raise.
#include "io/file_verb.hpp"
#include "lua/file.hpp"
#include "lua/file_info_fields.hpp"
#include "lua/file_wait.hpp"
#include "lua/path_call.hpp"
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

// What is asked about.
enum class subject : std::uint8_t { path, file };

constexpr const char* prefixes_of(subject of) noexcept {
    return of == subject::path ? "~l" : "~";
}

info_mode split_mode(const char* mode, subject of) noexcept {
    const std::size_t size = std::strspn(mode, prefixes_of(of));
    return {mode + size, std::memchr(mode, '~', size) != nullptr,
            std::memchr(mode, 'l', size) != nullptr};
}

// The letters of a mode that was checked: no letter of a file is one that may begin the mode of
// a path.
const char* letters_of(const char* mode) noexcept {
    return split_mode(mode, subject::path).letters;
}

// Whether the letter asks for a value that the subject has.
bool is_known(char letter, subject of) noexcept {
    const info_source source = source_of(letter);
    return of == subject::path ? source != info_source::none : source == info_source::status;
}

info_mode check_info_mode(lua_State* L, subject of) {
    const info_mode mode = split_mode(luaL_checkstring(L, 2), of);
    for (const char* at = mode.letters; *at != '\0'; ++at) {
        if (std::strchr(prefixes_of(of), *at) != nullptr) {
            luaL_error(L, "'%c' must be in the begin of 'mode'", *at);
        }
        if (!is_known(*at, of)) {
            vm::raise_unknown_mode(L, *at);
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

// The mode lies below the values, and says how many there are.
int known_k(lua_State* L, int, lua_KContext context) {
    const int count = static_cast<int>(std::strlen(letters_of(lua_tostring(L, mode_place))));
    const int base = mode_place + count + 1;
    const vm::delivery_of here = vm::delivered(L, context);
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
    const vm::delivery_of here = vm::delivered(L, context);
    if (here.done == nullptr) {
        return vm::left_results(L, base);
    }
    const int answer = here.done->result;
    vm::take_results(*here.on, *here.done);
    return vm::raise(L, -answer);
}

// Making the values may run finalizers, which may use up the room: it is made after them.
int info_at_once(lua_State* L, int answer, const info_mode& mode, const io::stat_call& call) {
    if (answer < 0) {
        return vm::suspend_after_answer(L, vm::scheduler_with_room(L), answer, 0, refused_k);
    }
    lua_pushvalue(L, 2);
    const int values = push_values(L, mode.letters, call) + 1;
    return vm::suspend_after_answer(L, vm::scheduler_with_room(L), 0, values, known_k);
}

// --- by a worker ----------------------------------------------------------------------------

// Where the answers are, by what asked for them.
const io::stat_call& answers_of(const op::operation& done, subject of) noexcept {
    return of == subject::path ? vm::job_of<io::path_job<io::stat_call>>(done).verb
                               : io::work_of<io::file_verb<io::stat_call>>(done).verb;
}

template <subject Subject>
int worker_k(lua_State* L, int, lua_KContext context) {
    constexpr int base = mode_place + 1;
    const vm::delivery_of here = vm::delivered(L, context);
    if (here.done == nullptr) {
        return vm::left_results(L, base);
    }
    if (const int answer = here.done->result; answer < 0) {
        vm::take_results(*here.on, *here.done);
        return vm::raise(L, -answer);
    }
    const int count = push_values(L, letters_of(lua_tostring(L, mode_place)),
                                  answers_of(*here.done, Subject));
    vm::take_results(*here.on, *here.done);
    return count;
}

// Puts the mode where the continuation looks for it.
void keep_mode(lua_State* L) {
    lua_pushvalue(L, 2);
    lua_replace(L, mode_place);
}

int path_info_by_worker(lua_State* L, vm::scheduler& on, const io::stat_call& call) {
    auto& job = make_job(L, on, call);
    if (call.wants_texts() && !job.verb.own_texts()) {
        job.destroy(job);
        return luaL_error(L, "not enough memory");
    }
    keep_mode(L);
    return vm::suspend_in_call_or_raise(L, on, threadpool::lane_kind::files, job, mode_place,
                                        worker_k<subject::path>);
}

int file_info_by_worker(lua_State* L,
                        vm::scheduler& on,
                        io::file& of,
                        const io::stat_call& call) {
    if (const auto opened = on.on().open_mailbox(); !opened) {
        return vm::raise(L, opened.error());
    }
    auto* work = io::file_verb<io::stat_call>::make(of, io::file_order::free, call);
    keep_mode(L);
    return wait_for_work(L, on, work, worker_k<subject::file>, mode_place);
}

int system_fileinfo(lua_State* L) {
    const info_mode mode = check_info_mode(L, subject::path);
    if (*mode.letters == '\0') {
        return 0;
    }
    const bool blocking = check_caller(L, mode.blocking);
    io::stat_call call = asked_for(mode);
    call.path = luaL_checkstring(L, 1);
    if (blocking) {
        return info_blocking(L, mode, call);
    }
    const int answer = call.attempt(); // what the kernel has in memory costs no worker
    return answer == -EAGAIN ? path_info_by_worker(L, vm::scheduler_with_room(L), call)
                             : info_at_once(L, answer, mode, call);
}

} // namespace

// A mode without letters waits like any other (behaviour 12.4).
int file_info(lua_State* L) {
    const info_mode mode = check_info_mode(L, subject::file);
    vm::scheduler& on = check_wait(L, mode.blocking);
    io::file& of = check_file(L, 1, on);
    io::stat_call call = asked_for(mode);
    call.fd = of.fd;
    call.is_local = of.traits.local;
    if (mode.blocking) {
        return info_blocking(L, mode, call);
    }
    const int answer = call.attempt();
    return answer == -EAGAIN ? file_info_by_worker(L, on, of, call)
                             : info_at_once(L, answer, mode, call);
}

const luaL_Reg file_info_functions[] = {
    {"fileinfo", system_fileinfo},
    {nullptr, nullptr},
};

} // namespace coring::lua
