// Manual: socket:setoption. Behaviour 7.9. And socket:getoption, ours.
#include "io/multicast.hpp"
#include "io/option.hpp"
#include "lua/socket.hpp"

#include <climits>
#include <cstring>
#include <optional>
#include <string_view>

namespace coring::lua {

namespace {

// The value is argument 3; what follows belongs to it.
constexpr int value_argument = 3;

int reply_done(lua_State* L, const base::result<void>& done) {
    return vm::succeed_or_fail(L, done ? 0 : done.error());
}

// --- values of several options --------------------------------------------------------------

// The manual's options of datagram sockets take an absent value for false, those of streams do
// not; ours are like the latter.
enum class presence : std::uint8_t { optional, required };

template <io::flag Which, presence Needed>
int set_flag(lua_State* L, io::stream& of) {
    if constexpr (Needed == presence::required) {
        luaL_checkany(L, value_argument);
    }
    return reply_done(L, io::set_flag(of, Which, lua_toboolean(L, value_argument) != 0));
}

template <io::flag Which>
int get_flag(lua_State* L, io::stream& of) {
    auto on = io::get_flag(of, Which);
    if (!on) {
        return vm::fail(L, on.error());
    }
    lua_pushboolean(L, on.value() ? 1 : 0);
    return 1;
}

template <io::amount Which>
int get_amount(lua_State* L, io::stream& of) {
    auto value = io::get_amount(of, Which);
    if (!value) {
        return vm::fail(L, value.error());
    }
    lua_pushinteger(L, value.value());
    return 1;
}

template <io::amount Which>
int set_buffer_size(lua_State* L, io::stream& of) {
    const lua_Integer bytes = luaL_checkinteger(L, value_argument);
    luaL_argcheck(L, bytes >= 0 && bytes <= INT_MAX, value_argument, "out of range");
    return reply_done(L, io::set_amount(of, Which, static_cast<int>(bytes)));
}

// Whether nil or false is given, which turn things off; true is no number.
bool check_off(lua_State* L) {
    luaL_checkany(L, value_argument);
    return lua_isnil(L, value_argument) ||
           (lua_isboolean(L, value_argument) && lua_toboolean(L, value_argument) == 0);
}

int check_at_least(lua_State* L, int arg, lua_Integer least, lua_Integer value) {
    luaL_argcheck(L, value >= least && value <= INT_MAX, arg, "invalid argument");
    return static_cast<int>(value);
}

// --- streams and passive sockets of IP domains ----------------------------------------------

int set_keepalive(lua_State* L, io::stream& of) {
    if (check_off(L)) {
        return reply_done(L, io::set_keepalive(of, std::nullopt));
    }
    const lua_Integer idle = luaL_checkinteger(L, value_argument);
    const io::keepalive probing{
        check_at_least(L, value_argument, 1, idle),
        check_at_least(L, value_argument + 1, 1,
                       luaL_optinteger(L, value_argument + 1, io::usual_probe_interval)),
        check_at_least(L, value_argument + 2, 1,
                       luaL_optinteger(L, value_argument + 2, io::usual_probe_count))};
    return reply_done(L, io::set_keepalive(of, probing));
}

int get_keepalive(lua_State* L, io::stream& of) {
    auto found = io::get_keepalive(of);
    if (!found) {
        return vm::fail(L, found.error());
    }
    if (!found.value()) {
        lua_pushnil(L);
        return 1;
    }
    lua_pushinteger(L, found.value()->idle_seconds);
    lua_pushinteger(L, found.value()->interval_seconds);
    lua_pushinteger(L, found.value()->count);
    return 3;
}

int set_linger(lua_State* L, io::stream& of) {
    if (check_off(L)) {
        return reply_done(L, io::set_linger(of, std::nullopt));
    }
    const lua_Integer seconds = luaL_checkinteger(L, value_argument);
    return reply_done(L, io::set_linger(of, check_at_least(L, value_argument, 0, seconds)));
}

int get_linger(lua_State* L, io::stream& of) {
    auto found = io::get_linger(of);
    if (!found) {
        return vm::fail(L, found.error());
    }
    if (found.value()) {
        lua_pushinteger(L, *found.value());
    } else {
        lua_pushnil(L);
    }
    return 1;
}

// --- datagrams ------------------------------------------------------------------------------

int set_multicast_hops(lua_State* L, io::stream& of) {
    const lua_Integer hops = luaL_checkinteger(L, value_argument);
    luaL_argcheck(L, hops >= 1 && hops <= 255, value_argument, "must be from 1 upto 255");
    return reply_done(L,
                      io::set_amount(of, io::amount::multicast_hops, static_cast<int>(hops)));
}

std::optional<std::string_view> check_literal(lua_State* L, int arg) {
    const char* text = luaL_optstring(L, arg, nullptr);
    return text != nullptr ? std::optional<std::string_view>{text} : std::nullopt;
}

int set_multicast_interface(lua_State* L, io::stream& of) {
    return reply_done(L, io::set_multicast_interface(of, check_literal(L, value_argument)));
}

int get_multicast_interface(lua_State* L, io::stream& of) {
    io::interface_room room;
    auto literal = io::multicast_interface(of, room);
    if (!literal) {
        return vm::fail(L, literal.error());
    }
    if (literal.value().empty()) {
        lua_pushnil(L);
    } else {
        lua_pushlstring(L, literal.value().data(), literal.value().size());
    }
    return 1;
}

template <io::membership What>
int change_membership(lua_State* L, io::stream& of) {
    const io::multicast_group in{luaL_checkstring(L, value_argument),
                                 check_literal(L, value_argument + 1),
                                 check_literal(L, value_argument + 2)};
    return reply_done(L, io::change_membership(of, What, in));
}

// --- sockets of the domains local and share -------------------------------------------------

int set_permission(lua_State* L, io::stream& of) {
    io::permission added{false, false};
    for (const char* at = luaL_optstring(L, value_argument, ""); *at != '\0'; ++at) {
        if (*at == 'r') {
            added.read = true;
        } else if (*at == 'w') {
            added.write = true;
        } else {
            return luaL_error(L, "unknown option (got '%c')", *at);
        }
    }
    return reply_done(L, io::permit(static_cast<io::local_socket&>(of), added));
}

int get_permission(lua_State* L, io::stream& of) {
    auto found = io::permitted(static_cast<io::local_socket&>(of));
    if (!found) {
        return vm::fail(L, found.error());
    }
    lua_pushfstring(L, "%s%s", found.value().read ? "r" : "", found.value().write ? "w" : "");
    return 1;
}

// --- all ------------------------------------------------------------------------------------

// Not a failure: the error that is pending is the value.
int get_error(lua_State* L, io::stream& of) {
    auto pending = io::take_error(of);
    if (!pending) {
        return vm::fail(L, pending.error());
    }
    if (pending.value() == 0) {
        lua_pushnil(L);
        return 1;
    }
    const int results = vm::fail(L, pending.value());
    lua_remove(L, -results); // the false
    return results - 1;
}

constexpr unsigned bit(vm::class_id which) noexcept {
    return 1U << static_cast<unsigned>(which);
}

constexpr unsigned datagram = bit(vm::class_id::datagram);
constexpr unsigned tcp = bit(vm::class_id::tcp_stream) | bit(vm::class_id::tcp_passive);
constexpr unsigned local = bit(vm::class_id::local_stream) | bit(vm::class_id::share_stream) |
                           bit(vm::class_id::local_passive);

struct option {
    const char* name;
    unsigned classes;
    int (*set)(lua_State* L, io::stream& of); // null where there is nothing to set
    int (*get)(lua_State* L, io::stream& of); // null where there is nothing to get
};

template <io::flag Which, presence Needed>
constexpr option flag_option(const char* name, unsigned classes) noexcept {
    return {name, classes, set_flag<Which, Needed>, get_flag<Which>};
}

constexpr option options[] = {
    flag_option<io::flag::broadcast, presence::optional>("broadcast", datagram),
    flag_option<io::flag::multicast_loop, presence::optional>("mcastloop", datagram),
    {"mcastttl", datagram, set_multicast_hops, get_amount<io::amount::multicast_hops>},
    {"mcastiface", datagram, set_multicast_interface, get_multicast_interface},
    {"mcastjoin", datagram, change_membership<io::membership::join>, nullptr},
    {"mcastleave", datagram, change_membership<io::membership::leave>, nullptr},
    {"keepalive", tcp, set_keepalive, get_keepalive},
    flag_option<io::flag::nodelay, presence::required>("nodelay", tcp),
    flag_option<io::flag::cork, presence::required>("cork", tcp),
    {"linger", tcp, set_linger, get_linger},
    {"permission", local, set_permission, get_permission},
    flag_option<io::flag::reuse_address, presence::required>("reuseaddr", datagram | tcp),
    flag_option<io::flag::reuse_port, presence::required>("reuseport", datagram | tcp),
    {"rcvbuf", datagram | tcp | local, set_buffer_size<io::amount::receive_buffer>,
     get_amount<io::amount::receive_buffer>},
    {"sndbuf", datagram | tcp | local, set_buffer_size<io::amount::send_buffer>,
     get_amount<io::amount::send_buffer>},
    {"error", datagram | tcp | local, nullptr, get_error},
};

using access = int (*option::*)(lua_State*, io::stream&);

int use_option(lua_State* L, io::stream& of, vm::class_id which, access how) {
    const char* name = luaL_checkstring(L, 2);
    for (const option& each : options) {
        if ((each.classes & bit(which)) != 0 && each.*how != nullptr &&
            std::strcmp(each.name, name) == 0) {
            return (each.*how)(L, of);
        }
    }
    return luaL_argerror(L, 2, lua_pushfstring(L, "invalid option '%s'", name));
}

} // namespace

template <vm::class_id Class>
int setoption(lua_State* L) {
    return use_option(L, check_socket<Class>(L, vm::scheduler_of(L)), Class, &option::set);
}

template <vm::class_id Class>
int getoption(lua_State* L) {
    return use_option(L, check_socket<Class>(L, vm::scheduler_of(L)), Class, &option::get);
}

template int setoption<vm::class_id::datagram>(lua_State* L);
template int setoption<vm::class_id::tcp_stream>(lua_State* L);
template int setoption<vm::class_id::tcp_passive>(lua_State* L);
template int setoption<vm::class_id::local_stream>(lua_State* L);
template int setoption<vm::class_id::share_stream>(lua_State* L);
template int setoption<vm::class_id::local_passive>(lua_State* L);
template int getoption<vm::class_id::datagram>(lua_State* L);
template int getoption<vm::class_id::tcp_stream>(lua_State* L);
template int getoption<vm::class_id::tcp_passive>(lua_State* L);
template int getoption<vm::class_id::local_stream>(lua_State* L);
template int getoption<vm::class_id::share_stream>(lua_State* L);
template int getoption<vm::class_id::local_passive>(lua_State* L);

} // namespace coring::lua
