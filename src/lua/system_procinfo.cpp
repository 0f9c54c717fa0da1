// Manual: system.procinfo. Behaviour 13.1, D43.
#include "lua/system_procinfo.hpp"

#include "io/memory_limit.hpp"
#include "io/process_info.hpp"
#include "lua/environment.hpp"
#include "lua/vm/iterator.hpp"
#include "lua/vm/reply.hpp"

#include <cerrno>

#include <unistd.h>

namespace coring::lua {

namespace {

// Where the texts of the user database are kept while values are pushed behind them.
constexpr int user_room = 2;

// What the system tells in one go is asked for once in a call, when first needed.
template <typename Value>
struct fact {
    bool known;
    Value value;
};

struct facts {
    fact<utsname> names;
    fact<rusage> used;
    fact<std::array<double, 3>> loads;
    fact<io::memory_amounts> memory;
    fact<io::user_entry> user;
};

static_assert(std::is_trivially_destructible_v<facts>);

// The answer, or its failure as an error: the one place where this function differs from those
// that fail.
template <typename Value>
Value checked(lua_State* L, base::result<Value> answer) {
    static_assert(std::is_trivially_destructible_v<base::result<Value>>);
    if (!answer) {
        vm::raise(L, answer.error());
    }
    return answer.value();
}

template <auto Ask, typename Value>
const Value& ask(lua_State* L, fact<Value>& about) {
    if (!about.known) {
        about.value = checked(L, Ask());
        about.known = true;
    }
    return about.value;
}

void push_executable(lua_State* L, facts&) {
    std::array<char, io::path_room> room{};
    const std::string_view path = checked(L, io::executable_path(room));
    lua_pushlstring(L, path.data(), path.size());
}

// --- names ----------------------------------------------------------------------------------

template <auto Member>
void push_name(lua_State* L, facts& all) {
    lua_pushstring(L, ask<io::system_names>(L, all.names).*Member);
}

void push_temporary_directory(lua_State* L, facts&) {
    const bool set = push_variable(L, "TMPDIR") || push_variable(L, "TMP") ||
                     push_variable(L, "TEMP") || push_variable(L, "TEMPDIR");
    if (!set) {
        lua_pushliteral(L, "/tmp");
        return;
    }
    std::string_view path = lua_tostring(L, -1);
    const std::size_t size = path.size();
    while (path.size() > 1 && path.back() == '/') {
        path.remove_suffix(1);
    }
    if (path.size() < size) {
        lua_pushlstring(L, path.data(), path.size());
        lua_remove(L, -2);
    }
}

// --- the user -------------------------------------------------------------------------------

const io::user_entry& user_of(lua_State* L, facts& all) {
    constexpr std::size_t most = std::size_t{1} << 24U;
    std::size_t size = 1024;
    while (!all.user.known) {
        auto* room = static_cast<char*>(lua_newuserdatauv(L, size, 0));
        lua_replace(L, user_room);
        base::result<io::user_entry> found = io::find_user({room, size});
        if (!found && found.error() == ERANGE && size < most) {
            size *= 2;
            continue;
        }
        all.user.value = checked(L, found);
        all.user.known = true;
    }
    return all.user.value;
}

template <auto Member>
void push_user_text(lua_State* L, facts& all) {
    lua_pushstring(L, user_of(L, all).*Member);
}

template <auto Member>
void push_user_number(lua_State* L, facts& all) {
    lua_pushinteger(L, static_cast<lua_Integer>(user_of(L, all).*Member));
}

// --- resources ------------------------------------------------------------------------------

template <auto Member, lua_Integer Unit = 1>
void push_used(lua_State* L, facts& all) {
    lua_pushinteger(L, ask<io::resources_used>(L, all.used).*Member * Unit);
}

constexpr lua_Integer kilobyte = 1024;

template <auto Member>
void push_seconds(lua_State* L, facts& all) {
    const timeval time = ask<io::resources_used>(L, all.used).*Member;
    lua_pushnumber(L, static_cast<lua_Number>(time.tv_sec) +
                          static_cast<lua_Number>(time.tv_usec) / 1e6);
}

// --- the system -----------------------------------------------------------------------------

template <std::size_t Which>
void push_load(lua_State* L, facts& all) {
    lua_pushnumber(L, ask<io::load_averages>(L, all.loads)[Which]);
}

template <auto Member>
void push_memory(lua_State* L, facts& all) {
    lua_pushinteger(L, ask<io::machine_memory>(L, all.memory).*Member);
}

void push_memory_limit(lua_State* L, facts&) {
    lua_pushinteger(L, io::memory_limit_bytes());
}

void push_resident(lua_State* L, facts&) {
    lua_pushinteger(L, checked(L, io::resident_bytes()));
}

void push_uptime(lua_State* L, facts&) {
    lua_pushnumber(L, io::uptime_seconds());
}

void push_process(lua_State* L, facts&) {
    lua_pushinteger(L, ::getpid());
}

void push_parent(lua_State* L, facts&) {
    lua_pushinteger(L, ::getppid());
}

// --- characters -----------------------------------------------------------------------------

struct choice {
    char character;
    void (*push)(lua_State* L, facts& all);
};

constexpr choice choices[] = {
    {'e', push_executable},
    {'n', push_name<&utsname::nodename>},
    {'T', push_temporary_directory},
    {'h', push_name<&utsname::machine>},
    {'k', push_name<&utsname::sysname>},
    {'v', push_name<&utsname::release>},
    {'V', push_name<&utsname::version>},
    {'$', push_user_text<&io::user_entry::shell>},
    {'H', push_user_text<&io::user_entry::home>},
    {'U', push_user_text<&io::user_entry::name>},
    {'u', push_user_number<&io::user_entry::user>},
    {'g', push_user_number<&io::user_entry::group>},
    {'=', push_used<&rusage::ru_isrss, kilobyte>},
    {'d', push_used<&rusage::ru_idrss, kilobyte>},
    {'m', push_used<&rusage::ru_ixrss, kilobyte>},
    {'R', push_used<&rusage::ru_maxrss, kilobyte>},
    {'<', push_used<&rusage::ru_msgrcv>},
    {'>', push_used<&rusage::ru_msgsnd>},
    {'i', push_used<&rusage::ru_inblock>},
    {'o', push_used<&rusage::ru_oublock>},
    {'p', push_used<&rusage::ru_minflt>},
    {'P', push_used<&rusage::ru_majflt>},
    {'S', push_used<&rusage::ru_nsignals>},
    {'w', push_used<&rusage::ru_nswap>},
    {'x', push_used<&rusage::ru_nvcsw>},
    {'X', push_used<&rusage::ru_nivcsw>},
    {'c', push_seconds<&rusage::ru_utime>},
    {'s', push_seconds<&rusage::ru_stime>},
    {'1', push_load<0>},
    {'l', push_load<1>},
    {'L', push_load<2>},
    {'t', push_uptime},
    {'#', push_process},
    {'^', push_parent},
    {'b', push_memory<&io::memory_amounts::total_bytes>},
    {'f', push_memory<&io::memory_amounts::available_bytes>},
    {'M', push_memory_limit},
    {'r', push_resident},
};

void push_choice(lua_State* L, facts& all, char character) {
    for (const choice& each : choices) {
        if (each.character == character) {
            each.push(L, all);
            return;
        }
    }
    vm::raise_unknown_mode(L, character);
}

int system_procinfo(lua_State* L) {
    const char* which = luaL_checkstring(L, 1);
    lua_settop(L, user_room);
    facts all{};
    int count = 0;
    for (; which[count] != '\0'; ++count) {
        luaL_checkstack(L, LUA_MINSTACK, "too many values");
        push_choice(L, all, which[count]);
    }
    return count;
}

} // namespace

const luaL_Reg procinfo_functions[] = {
    {"procinfo", system_procinfo},
    {nullptr, nullptr},
};

} // namespace coring::lua
