// Manual: System Processes (system.emitsig, system.awaitsig). Behaviour 9.5.
#include "lua/system_signal.hpp"

#include "io/signal_names.hpp"
#include "io/wait_signal.hpp"
#include "lua/vm/await.hpp"
#include "lua/vm/reply.hpp"

#include <cerrno>
#include <climits>

namespace coring::lua {

namespace {

int raise_invalid(lua_State* L, int arg, const char* name) {
    return luaL_argerror(L, arg, lua_pushfstring(L, "invalid signal '%s'", name));
}

// The number behind a name. Raises for names that there are not.
int check_name(lua_State* L, int arg) {
    const char* name = luaL_checkstring(L, arg);
    const int number = io::signal_number(name);
    return number != 0 ? number : raise_invalid(L, arg, name);
}

int check_awaitable(lua_State* L, int arg) {
    const int number = check_name(L, arg);
    return io::can_be_awaited(number) ? number : raise_invalid(L, arg, lua_tostring(L, arg));
}

bool is_int(lua_Integer value) noexcept {
    return value >= INT_MIN && value <= INT_MAX;
}

int system_emitsig(lua_State* L) {
    const lua_Integer pid = luaL_checkinteger(L, 1);
    // Only an integer is a number here; a float or a numeric string would be a strange name.
    const lua_Integer signal =
        lua_isinteger(L, 2) != 0 ? lua_tointeger(L, 2) : check_name(L, 2);
    if (!is_int(signal)) {
        return vm::fail(L, EINVAL);
    }
    if (!is_int(pid)) { // cut to its size it might mean somebody
        return vm::fail(L, ESRCH);
    }
    return vm::succeed_or_fail(
        L, io::emit_signal(static_cast<int>(pid), static_cast<int>(signal)));
}

int awaitsig_k(lua_State* L, int, lua_KContext context) {
    constexpr int base = 2; // the name and the guard
    const vm::delivery_of here = vm::delivered(L, context);
    if (here.done == nullptr) {
        return vm::left_results(L, base);
    }
    vm::take_results(*here.on, *here.done);
    lua_pushvalue(L, 1);
    return 1;
}

int system_awaitsig(lua_State* L) {
    vm::check_yieldable(L);
    const int signal = check_awaitable(L, 1);
    vm::scheduler& on = vm::scheduler_with_room(L);
    auto claimed = io::claim_signal(on.on(), on.spent(L), signal);
    if (!claimed) {
        return vm::fail(L, claimed.error());
    }
    const io::signal_claim claim = claimed.value();
    op::operation& waiting = vm::new_operation(L, on, io::wait_signal_type);
    io::wait_signal_start(on.on(), waiting, claim);
    return vm::suspend(L, on, waiting, 1, awaitsig_k);
}

} // namespace

const luaL_Reg signal_functions[] = {
    {"emitsig", system_emitsig},
    {"awaitsig", system_awaitsig},
    {nullptr, nullptr},
};

} // namespace coring::lua
