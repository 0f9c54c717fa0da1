// Manual: system.findaddr, system.nameaddr. Behaviour 6.3, 6.4, 1.7 (order of checks), D42.
//
// Unlike other await functions these make room for the wait last: making strings of numbers may
// run finalizers, which may start operations. Nothing they change is looked at before that: the
// strings stay as they are, and an address is read after it.
#include "lua/system_resolve.hpp"

#include "io/resolve.hpp"
#include "io/resolve_name.hpp"
#include "lua/addresses.hpp"
#include "lua/system_address.hpp"
#include "lua/vm/call.hpp"
#include "lua/vm/mode.hpp"
#include "lua/vm/reply.hpp"

#include <cerrno>
#include <cstring>

namespace coring::lua {

namespace {

constexpr lua_Integer highest_port = 65535;

// A failure before anything was started; only want of memory raises.
int refuse(lua_State* L, int code) {
    return code == ENOMEM ? luaL_error(L, "not enough memory") : vm::fail(L, code);
}

// The job goes to a worker; or it is done now, if nobody has to be waited for.
int await_job(lua_State* L,
              vm::scheduler& on,
              io::call_job& job,
              bool may_block,
              lua_KFunction k) {
    if (may_block) {
        return vm::suspend_in_call(L, on, threadpool::lane_kind::names, job, 0, k);
    }
    job.answer = job.body(job);
    return vm::suspend_after_call(L, on, job, 0, k);
}

// The continuation of all: `Push` makes the results of a job that succeeded and returns their
// number. It may raise; the operation still owns the job then.
template <typename Job, int (*Push)(lua_State* L, const Job& job)>
int resolve_k(lua_State* L, int, lua_KContext context) {
    constexpr int base = 1;
    const vm::delivery_of here = vm::delivered(L, context);
    if (here.done == nullptr) {
        return vm::left_results(L, base);
    }
    const int answer = here.done->result;
    const int count = answer == 0 ? Push(L, vm::job_of<Job>(*here.done)) : 0;
    vm::take_results(*here.on, *here.done);
    return answer == 0 ? count : vm::fail(L, -answer);
}

// --- findaddr -------------------------------------------------------------------------------

struct find_mode {
    bool v4;
    bool v6;
    bool mapped;
    bool datagram;
    bool stream;
    bool numeric;
};

find_mode check_find_mode(lua_State* L, int arg) {
    find_mode mode{};
    for (const char* at = luaL_optstring(L, arg, ""); *at != '\0'; ++at) {
        switch (*at) {
        case '4':
            mode.v4 = true;
            break;
        case '6':
            mode.v6 = true;
            break;
        case 'm':
            mode.mapped = true;
            break;
        case 'd':
            mode.datagram = true;
            break;
        case 's':
            mode.stream = true;
            break;
        case 'n':
            mode.numeric = true;
            break;
        default:
            vm::raise_unknown_mode(L, *at);
        }
    }
    return mode;
}

io::families families_of(const find_mode& mode) noexcept {
    if (mode.mapped) {
        return mode.v6 && !mode.v4 ? io::families::v6_else_mapped : io::families::v6_and_mapped;
    }
    if (mode.v4) {
        return mode.v6 ? io::families::both : io::families::v4;
    }
    return mode.v6 ? io::families::v6 : io::families::configured;
}

io::transports transports_of(const find_mode& mode) noexcept {
    if (mode.datagram == mode.stream) {
        return io::transports::both;
    }
    return mode.datagram ? io::transports::datagram : io::transports::stream;
}

io::address_query check_query(lua_State* L) {
    const char* name = luaL_optstring(L, 1, nullptr);
    const char* service = luaL_optstring(L, 2, nullptr);
    const find_mode mode = check_find_mode(L, 3);
    const bool wildcard = name != nullptr && std::strcmp(name, "*") == 0;
    if (service == nullptr) {
        luaL_argcheck(L, name != nullptr, 1, "name or service must be provided");
        luaL_argcheck(L, !wildcard, 2, "service must be provided for '*'");
    }
    luaL_argcheck(L, !mode.mapped || !mode.v4 || mode.v6, 3, "'m' is invalid for IPv4");
    luaL_argcheck(L, service == nullptr || !io::is_wrong_port(service), 2, "invalid port");
    return {name, service, families_of(mode), transports_of(mode), wildcard, mode.numeric};
}

int push_found(lua_State* L, const io::address_job& job) {
    push_addresses(L, job.found());
    return 1;
}

int system_findaddr(lua_State* L) {
    vm::check_yieldable(L);
    const io::address_query query = check_query(L);
    vm::scheduler& on = vm::scheduler_with_room(L);
    auto job = io::make_address_job(on.on(), query);
    if (!job) {
        return refuse(L, job.error());
    }
    return await_job(L, on, *job.value(), io::may_block(query),
                     resolve_k<io::address_job, push_found>);
}

// --- nameaddr -------------------------------------------------------------------------------

io::name_query check_name_mode(lua_State* L, int arg) {
    io::name_query query{};
    for (const char* at = luaL_optstring(L, arg, ""); *at != '\0'; ++at) {
        switch (*at) {
        case 'l':
            query.local = true;
            break;
        case 'd':
            query.datagram = true;
            break;
        case 'i':
        case 'u':
        case 'a':
            query.idn = true;
            break;
        default:
            vm::raise_unknown_mode(L, *at);
        }
    }
    return query;
}

int push_canonical(lua_State* L, const io::canonical_job& job) {
    lua_pushstring(L, job.name());
    return 1;
}

int push_service(lua_State* L, const io::name_job& job) {
    lua_pushstring(L, job.service.data());
    return 1;
}

int push_host_and_service(lua_State* L, const io::name_job& job) {
    lua_pushstring(L, job.host.data());
    lua_pushstring(L, job.service.data());
    return 2;
}

int canonical_name(lua_State* L) {
    const char* name = lua_tostring(L, 1);
    vm::scheduler& on = vm::scheduler_with_room(L);
    auto job = io::make_canonical_job(on.on(), name);
    if (!job) {
        return refuse(L, job.error());
    }
    return await_job(L, on, *job.value(), !io::is_literal(name),
                     resolve_k<io::canonical_job, push_canonical>);
}

int port_name(lua_State* L, const io::name_query& query) {
    int integral = 0;
    const lua_Integer port = lua_tointegerx(L, 1, &integral);
    luaL_argcheck(L, integral != 0 && port >= 0 && port <= highest_port, 1, "invalid port");
    vm::scheduler& on = vm::scheduler_with_room(L);
    io::name_job* job =
        io::make_port_name_job(on.on(), static_cast<std::uint16_t>(port), query);
    if (job == nullptr) {
        return refuse(L, ENOMEM);
    }
    return await_job(L, on, *job, true, resolve_k<io::name_job, push_service>);
}

int host_name(lua_State* L, const io::name_query& query) {
    const io::ip_address& address = check_address(L, 1, vm::scheduler_of(L));
    vm::scheduler& on = vm::scheduler_with_room(L);
    io::name_job* job = io::make_host_name_job(on.on(), address, query);
    if (job == nullptr) {
        return refuse(L, ENOMEM);
    }
    return await_job(L, on, *job, true, resolve_k<io::name_job, push_host_and_service>);
}

int system_nameaddr(lua_State* L) {
    vm::check_yieldable(L);
    const int type = lua_type(L, 1);
    if (type == LUA_TSTRING) {
        return canonical_name(L);
    }
    const io::name_query query = check_name_mode(L, 2);
    return type == LUA_TNUMBER ? port_name(L, query) : host_name(L, query);
}

} // namespace

const luaL_Reg resolve_functions[] = {
    {"findaddr", system_findaddr},
    {"nameaddr", system_nameaddr},
    {nullptr, nullptr},
};

} // namespace coring::lua
