// Manual: system.touchfile, system.ownfile, system.grantfile; file:touch, file:own, file:grant.
// Behaviour 12.1, 12.2, 12.7, 12.8.
#include "base/clock.hpp"
#include "io/file_attributes.hpp"
#include "io/file_verb.hpp"
#include "lua/file.hpp"
#include "lua/file_wait.hpp"
#include "lua/path_call.hpp"
#include "lua/system_paths.hpp"

#include <cerrno>
#include <cstdint>
#include <cstring>

namespace coring::lua {

namespace {

// Makes the call on the file here, or has a worker make it when its turn has come.
template <typename Verb>
int file_call(lua_State* L,
              vm::scheduler& on,
              io::file& of,
              bool blocking,
              io::file_order order,
              Verb& asked) {
    if (blocking) {
        asked.fd = of.fd;
        return vm::succeed_or_fail(L, -asked.run());
    }
    return wait_for_work(L, on, io::file_verb<Verb>::make(of, order, asked), work_done_k);
}

// --- times ----------------------------------------------------------------------------------

constexpr std::int64_t us_per_second = 1'000'000;
constexpr std::int64_t ns_per_us = 1000;

timespec from_us(std::int64_t us) noexcept {
    timespec time{};
    time.tv_sec = us / us_per_second;
    time.tv_nsec = us % us_per_second * ns_per_us;
    return time;
}

// Down to microseconds, as long as a float has them. What no clock will ever show becomes the
// last second there is; the file system makes the best of it.
timespec time_of(lua_Number seconds) noexcept {
    constexpr lua_Number exact_us = 9007199254740992.0; // 2^53
    constexpr lua_Number all_seconds = 9223372036854775807.0;
    const lua_Number us = seconds * static_cast<lua_Number>(us_per_second);
    if (us < exact_us) {
        return from_us(static_cast<std::int64_t>(us));
    }
    timespec time{};
    time.tv_sec =
        seconds < all_seconds ? static_cast<std::int64_t>(seconds) : std::int64_t{INT64_MAX};
    return time;
}

struct touch_mode {
    timespec access;
    timespec modification;
    bool blocking;
    bool keeps_links;
};

// One character and the time it takes, at `arg`. The time is looked at first.
void check_time(lua_State* L, int arg, char letter, const char* prefixes, touch_mode& into) {
    const lua_Number seconds = luaL_checknumber(L, arg);
    luaL_argcheck(L, seconds >= 0, arg, "invalid time");
    const timespec time = time_of(seconds);
    switch (letter) {
    case 'a':
        into.access = time;
        return;
    case 'm':
        into.modification = time;
        return;
    case 'b':
        into.access = time;
        into.modification = time;
        return;
    default:
        break;
    }
    if (std::strchr(prefixes, letter) != nullptr) {
        luaL_error(L, "'%c' must be in the begin of 'mode'", letter);
    }
    vm::raise_unknown_mode(L, letter, arg);
}

touch_mode check_touch_mode(lua_State* L, const char* prefixes) {
    constexpr int first_time = 3;
    const timespec now = from_us(static_cast<std::int64_t>(base::epoch_us()));
    const char* text = luaL_optstring(L, 2, "");
    const std::size_t prefix = std::strspn(text, prefixes);
    touch_mode mode{now, now, std::memchr(text, '~', prefix) != nullptr,
                    std::memchr(text, 'l', prefix) != nullptr};
    text += prefix;
    for (int index = 0; text[index] != '\0'; ++index) {
        check_time(L, first_time + index, text[index], prefixes, mode);
    }
    return mode;
}

io::touch_call touch_call_of(const touch_mode& mode) noexcept {
    io::touch_call call;
    call.through = mode.keeps_links ? io::links::kept : io::links::followed;
    call.access = mode.access;
    call.modification = mode.modification;
    return call;
}

int system_touchfile(lua_State* L) {
    const touch_mode mode = check_touch_mode(L, "~l");
    const bool blocking = check_caller(L, mode.blocking);
    io::touch_call call = touch_call_of(mode);
    call.path = luaL_checkstring(L, 1);
    return path_call(L, blocking, call);
}

// --- owners ---------------------------------------------------------------------------------

// -1 stands for the id that stays; what no id can be is told by the result.
struct owner_ids {
    lua_Integer user;
    lua_Integer group;

    [[nodiscard]] bool valid() const noexcept { return fits(user) && fits(group); }

    static bool fits(lua_Integer id) noexcept {
        return id >= -1 && id <= lua_Integer{UINT32_MAX};
    }
};

// The ids are the arguments 2 and 3 of either function.
owner_ids check_ids(lua_State* L) {
    const lua_Integer user = luaL_checkinteger(L, 2);
    return {user, luaL_checkinteger(L, 3)};
}

io::own_call own_call_of(const owner_ids& ids) noexcept {
    io::own_call call;
    call.user = static_cast<uid_t>(ids.user);
    call.group = static_cast<gid_t>(ids.group);
    return call;
}

int system_ownfile(lua_State* L) {
    constexpr std::uint32_t keeps_links = 2;
    const std::uint32_t mode = vm::check_mode(L, 4, "~l", 4);
    const bool blocking = check_caller(L, (mode & 1U) != 0);
    const char* path = luaL_checkstring(L, 1);
    const owner_ids ids = check_ids(L);
    if (!ids.valid()) {
        return vm::fail(L, EINVAL);
    }
    io::own_call call = own_call_of(ids);
    call.path = path;
    call.through = (mode & keeps_links) != 0 ? io::links::kept : io::links::followed;
    return path_call(L, blocking, call);
}

// --- permissions ----------------------------------------------------------------------------

int system_grantfile(lua_State* L) {
    io::grant_call call;
    call.permissions = check_permissions(L, 2);
    const bool blocking = check_caller(L, vm::check_blocking_mode(L, 3));
    call.path = luaL_checkstring(L, 1);
    return path_call(L, blocking, call);
}

} // namespace

// Among writes, since these set a time too. A pipe may keep those waiting for ever.
int file_touch(lua_State* L) {
    const touch_mode mode = check_touch_mode(L, "~");
    vm::scheduler& on = check_wait(L, mode.blocking);
    io::file& of = check_file(L, 1, on);
    io::touch_call call = touch_call_of(mode);
    const bool stored = of.traits.kind == io::file_kind::stored;
    return file_call(L, on, of, mode.blocking,
                     stored ? io::file_order::in_line : io::file_order::free, call);
}

int file_own(lua_State* L) {
    const bool blocking = vm::check_blocking_mode(L, 4);
    vm::scheduler& on = check_wait(L, blocking);
    io::file& of = check_file(L, 1, on);
    const owner_ids ids = check_ids(L);
    if (!ids.valid()) {
        return vm::fail(L, EINVAL);
    }
    io::own_call call = own_call_of(ids);
    return file_call(L, on, of, blocking, io::file_order::free, call);
}

int file_grant(lua_State* L) {
    io::grant_call call;
    call.permissions = check_permissions(L, 2);
    const bool blocking = vm::check_blocking_mode(L, 3);
    vm::scheduler& on = check_wait(L, blocking);
    io::file& of = check_file(L, 1, on);
    return file_call(L, on, of, blocking, io::file_order::free, call);
}

const luaL_Reg access_functions[] = {
    {"touchfile", system_touchfile},
    {"ownfile", system_ownfile},
    {"grantfile", system_grantfile},
    {nullptr, nullptr},
};

} // namespace coring::lua
