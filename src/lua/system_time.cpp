// Manual: Time Measure (system.nanosecs, system.time, system.suspend). Behaviour 11.
#include "lua/system_time.hpp"

#include "io/sleep.hpp"
#include "lua/vm/await.hpp"
#include "lua/vm/mode.hpp"

#include <cmath>

namespace coring::lua {

namespace {

constexpr lua_Number ms_per_second = 1000.0;
constexpr lua_Number ms_limit = 18446744073709551616.0; // 2^64
constexpr lua_Number blocking_ms_limit = 4294967296.0;  // 2^32

int system_nanosecs(lua_State* L) {
    lua_pushinteger(L, static_cast<lua_Integer>(base::monotonic_ns()));
    return 1;
}

std::uint64_t cached_ms(vm::scheduler& on) noexcept {
    return on.on().now_ns() / base::ns_per_ms;
}

int system_time(lua_State* L) {
    static const char* const names[] = {"cached", "updated", "epoch", nullptr};
    const int mode = luaL_checkoption(L, 1, "cached", names);
    if (mode == 2) {
        lua_pushnumber(L, static_cast<lua_Number>(base::epoch_us()) / 1e6);
        return 1;
    }
    vm::scheduler& on = vm::scheduler_of(L);
    if (mode == 1) {
        on.on().update_time();
    }
    lua_pushnumber(L, static_cast<lua_Number>(cached_ms(on)) / ms_per_second);
    return 1;
}

int return_true(lua_State* L) {
    lua_pushboolean(L, 1);
    return 1;
}

int suspend_k(lua_State* L, int, lua_KContext context) {
    constexpr int base = 1;
    const vm::delivery_of here = vm::delivered(L, context, base);
    if (here.done == nullptr) {
        return vm::left_results(L, base);
    }
    vm::take_results(*here.on, *here.done);
    return return_true(L);
}

// A pause is in no index and holds nothing: there is nothing to take.
int pause_k(lua_State* L, int, lua_KContext context) {
    const vm::delivery_of here = vm::delivered(L, context, 0);
    if (here.done == nullptr) {
        return vm::left_results(L, 0);
    }
    here.on->taken();
    return return_true(L);
}

int suspend_blocking(lua_State* L, lua_Number ms) {
    if (ms > 0) {
        luaL_argcheck(L, ms < blocking_ms_limit, 1, "out of range");
        io::sleep_blocking(static_cast<std::uint64_t>(ms) * base::ns_per_ms);
    }
    return return_true(L);
}

// Deadlines are whole milliseconds: one of m is due when the clock reaches m + 1, so that no
// delay is ever short. Less than a millisecond is due in the next turn (docs/decisions/0005).
std::uint64_t deadline_ns(vm::scheduler& on, std::uint64_t delay_ms) noexcept {
    if (delay_ms == 0) {
        return on.on().now_ns();
    }
    constexpr std::uint64_t never = UINT64_MAX;
    const std::uint64_t now = cached_ms(on);
    if (delay_ms >= never / base::ns_per_ms - now - 1) {
        return never;
    }
    return (now + delay_ms + 1) * base::ns_per_ms;
}

// Requires an empty stack.
int pause(lua_State* L) {
    vm::check_yieldable(L);
    vm::scheduler& on = vm::scheduler_with_room(L);
    op::operation& pausing = vm::new_operation(L, on, io::sleep_type);
    io::pause_start(on.on(), pausing);
    return vm::suspend_unguarded(L, on, pausing, 0, pause_k);
}

int system_suspend(lua_State* L) {
    if (lua_gettop(L) == 0) {
        return pause(L);
    }
    const lua_Number ms = luaL_optnumber(L, 1, 0) * ms_per_second;
    if (vm::check_blocking_mode(L, 2)) {
        return suspend_blocking(L, ms);
    }
    const bool positive = ms > 0; // false for NaN
    luaL_argcheck(L, !positive || ms < ms_limit, 1, "out of range");
    if (!positive) {
        lua_settop(L, 0);
        return pause(L);
    }
    vm::check_yieldable(L);
    vm::scheduler& on = vm::scheduler_with_room(L);
    if (!on.on().reserve_timer()) {
        return luaL_error(L, "not enough memory");
    }
    op::operation& timer = vm::new_operation(L, on, io::sleep_type);
    io::sleep_start(on.on(), timer, deadline_ns(on, static_cast<std::uint64_t>(ms)));
    return vm::suspend(L, on, timer, 0, suspend_k);
}

} // namespace

const luaL_Reg time_functions[] = {
    {"nanosecs", system_nanosecs},
    {"time", system_time},
    {"suspend", system_suspend},
    {nullptr, nullptr},
};

} // namespace coring::lua
