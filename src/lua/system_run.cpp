// Manual: Event Processing (system.run, system.isrunning, system.halt), and what we add about
// the engine: system.engine. Behaviour 2.
#include "lua/system_run.hpp"

#include "base/errc.hpp"
#include "lua/vm/reply.hpp"
#include "lua/vm/scheduler.hpp"
#include "op/descriptor.hpp"

#include <array>
#include <cstdio>
#include <string_view>

namespace coring::lua {

namespace {

// The stock interpreter answers an interrupt with a hook that raises in the main program's next
// instruction. The loop runs none, so one is run for it: an interrupted run then ends with the
// error that any Lua code would end with.
void let_hook_run(lua_State* L) {
    if ((lua_gethookmask(L) & (LUA_MASKCOUNT | LUA_MASKLINE)) == 0) {
        return;
    }
    if (luaL_loadstring(L, "return") != LUA_OK) {
        lua_error(L);
    }
    lua_call(L, 0, 0);
}

// The whole task may be suspended by its own coroutine, and by nobody else (behaviour 15.5).
vm::idling when_idle(lua_State* L, const vm::scheduler& on, vm::run_mode mode) {
    const vm::task_link* task = on.task();
    const bool suspends = mode == vm::run_mode::loop && task != nullptr && task->chunk == L &&
                          lua_isyieldable(L) != 0;
    return suspends ? vm::idling::suspend : vm::idling::sleep;
}

int run_k(lua_State* L, int status, lua_KContext context);

int run_on(lua_State* L, vm::run_mode mode) {
    vm::scheduler& on = vm::scheduler_of(L);
    for (;;) {
        if (!on.on().adopt_thread()) {
            return luaL_error(L, "scheduler cannot run in this thread");
        }
        switch (on.run(L, mode, when_idle(L, on, mode))) {
        case vm::run_end::done:
            lua_pushboolean(L, on.on().alive() ? 1 : 0);
            return 1;
        case vm::run_end::interrupted:
            let_hook_run(L);
            break;
        case vm::run_end::refused:
            return luaL_error(L, "C stack overflow");
        case vm::run_end::suspended:
            on.task()->sleeps = true;
            return lua_yieldk(L, 0, 0, run_k);
        case vm::run_end::stranded:
            return vm::raise(L, on.failure());
        }
    }
}

// The task goes on, perhaps on another thread.
int run_k(lua_State* L, int, lua_KContext) {
    lua_settop(L, 0);
    return run_on(L, vm::run_mode::loop);
}

int system_run(lua_State* L) {
    static const char* const names[] = {"loop", "step", "ready", nullptr};
    static constexpr std::array modes{vm::run_mode::loop, vm::run_mode::step,
                                      vm::run_mode::ready};
    const vm::run_mode mode =
        modes[static_cast<std::size_t>(luaL_checkoption(L, 1, "loop", names))];
    vm::scheduler& on = vm::scheduler_of(L);
    if (on.running()) {
        return luaL_error(L, "already running");
    }
    vm::check_place(L, on);
    luaL_checkstack(L, 8, nullptr);
    return run_on(L, mode);
}

int system_isrunning(lua_State* L) {
    lua_pushboolean(L, vm::scheduler_of(L).running() ? 1 : 0);
    return 1;
}

int system_halt(lua_State* L) {
    vm::scheduler& on = vm::scheduler_of(L);
    if (!on.running()) {
        return luaL_error(L, "not running");
    }
    on.on().halt();
    return 0;
}

void set_count(lua_State* L, const char* name, std::uint32_t value) {
    lua_pushinteger(L, value);
    lua_setfield(L, -2, name);
}

int push_counters(lua_State* L, vm::scheduler& on) {
    const loop::counters counters = on.on().count();
    lua_createtable(L, 0, 4);
    set_count(L, "awaiting", counters.awaiting);
    set_count(L, "goingon", counters.going_on);
    set_count(L, "inkernel", counters.in_kernel);
    set_count(L, "records", counters.records);
    return 1;
}

// Which engine runs this state's operations and, for epoll, why there is no ring. With
// "counters": a table of how many operations there are, for diagnostics and tests.
int system_engine(lua_State* L) {
    static const char* const names[] = {"name", "counters", nullptr};
    vm::scheduler& on = vm::scheduler_of(L);
    if (luaL_checkoption(L, 1, "name", names) == 1) {
        return push_counters(L, on);
    }
    const std::string_view name = on.on().engine_name();
    lua_pushlstring(L, name.data(), name.size());
    if (name == "uring") {
        return 1;
    }
    if (const int refusal = on.on().refusal(); refusal != 0) {
        std::array<char, base::error_text_room> scratch{};
        const std::string_view text = base::error_text(refusal, scratch);
        lua_pushlstring(L, text.data(), text.size());
    } else {
        lua_pushliteral(L, "requested");
    }
    return 2;
}

// A line for each operation, on standard error (behaviour 2.7).
int system_printall(lua_State* L) {
    vm::scheduler_of(L).on().for_each_operation([](op::operation& record) {
        const int fd = record.target != nullptr ? record.target->fd : -1;
        static_cast<void>(std::fprintf(stderr, "[%u] %s: %s, descriptor %d\n", record.slot,
                                       record.type->name, op::state_name(record.at), fd));
    });
    return 0;
}

} // namespace

const luaL_Reg run_functions[] = {
    {"run", system_run},       {"isrunning", system_isrunning}, {"halt", system_halt},
    {"engine", system_engine}, {"printall", system_printall},   {nullptr, nullptr},
};

} // namespace coring::lua
