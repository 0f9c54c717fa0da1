// Manual: system.getpriority, system.setpriority. Behaviour 10.4.
#include "lua/system_priority.hpp"

#include "lua/vm/reply.hpp"

#include <array>
#include <cerrno>
#include <limits>

#include <sys/resource.h>
#include <sys/types.h>

namespace coring::lua {

namespace {

constexpr int highest = -20;
constexpr int lowest = 19;

// The priorities that have a name, in the order of `values`.
const char* const names[] = {"highest", "high", "above", "normal", "below", "low", nullptr};
constexpr std::array values{highest, -14, -7, 0, 10, lowest};

const char* name_of(int value) noexcept {
    for (std::size_t at = 0; at < values.size(); ++at) {
        if (values[at] == value) {
            return names[at];
        }
    }
    return "other";
}

// A number that names no process the system could have is taken for one that is not there.
id_t check_process(lua_State* L, int arg) {
    const lua_Integer process = luaL_checkinteger(L, arg);
    constexpr lua_Integer most = std::numeric_limits<pid_t>::max();
    return static_cast<id_t>(process >= 0 && process <= most ? process : most);
}

int system_getpriority(lua_State* L) {
    const id_t process = check_process(L, 1);
    errno = 0; // -1 is a priority as well
    const int value = ::getpriority(PRIO_PROCESS, process);
    if (value == -1 && errno != 0) {
        return vm::fail(L, errno);
    }
    lua_pushstring(L, name_of(value));
    lua_pushinteger(L, value);
    return 2;
}

// An integer is a value, all else has to be a name.
int check_value(lua_State* L, int arg) {
    if (lua_isinteger(L, arg) == 0) {
        return values[static_cast<std::size_t>(luaL_checkoption(L, arg, nullptr, names))];
    }
    const lua_Integer value = lua_tointeger(L, arg);
    luaL_argcheck(L, value >= highest && value <= lowest, arg, "out of range");
    return static_cast<int>(value);
}

int system_setpriority(lua_State* L) {
    const id_t process = check_process(L, 1);
    const int value = check_value(L, 2);
    const int failed = ::setpriority(PRIO_PROCESS, process, value) == 0 ? 0 : errno;
    return vm::succeed_or_fail(L, failed);
}

} // namespace

const luaL_Reg priority_functions[] = {
    {"getpriority", system_getpriority},
    {"setpriority", system_setpriority},
    {nullptr, nullptr},
};

} // namespace coring::lua
