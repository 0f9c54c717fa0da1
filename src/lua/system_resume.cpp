// Manual: system.resume. Behaviour 1.4, 1.7 (order of checks), 15.2.
#include "lua/system_resume.hpp"

#include "lua/state_coroutine.hpp"
#include "lua/vm/call.hpp"
#include "lua/vm/reply.hpp"

namespace coring::lua {

namespace {

constexpr int kept_arguments = 1; // the state coroutine

int push_results(lua_State* L, const state_coroutine& of) {
    if (of.starved) {
        return vm::fail_text(L, "not enough memory");
    }
    if (of.failed) {
        return push_chunk_error(L, of);
    }
    lua_pushboolean(L, of.packed.done() ? 1 : 0);
    if (of.packed.done()) {
        return 1 + vm::unpack(L, of.values);
    }
    vm::push_refusal(L, of.packed, "return value", 0);
    return 2;
}

int resume_k(lua_State* L, int, lua_KContext context) {
    constexpr int base = kept_arguments + 1;
    const vm::delivery_of here = vm::delivered(L, context);
    if (here.done == nullptr) {
        return vm::left_results(L, base);
    }
    const int count = push_results(L, vm::job_of<state_coroutine>(*here.done));
    vm::take_results(*here.on, *here.done);
    return count;
}

int system_resume(lua_State* L) {
    vm::scheduler& on = vm::scheduler_with_room(L);
    state_coroutine* resumed = check_state_coroutine(L, 1, on);
    if (phase_of(resumed) == coroutine_phase::running) {
        return vm::fail_text(L, "cannot resume running coroutine");
    }
    if (phase_of(resumed) == coroutine_phase::dead) {
        return vm::fail_text(L, "cannot resume dead coroutine");
    }
    vm::check_yieldable(L);
    const vm::packing arguments = vm::pack(L, 2, resumed->values);
    if (!arguments.done()) {
        lua_pushboolean(L, 0);
        vm::push_refusal(L, arguments, "argument", 1);
        return 2;
    }
    resumed->begin();
    return vm::suspend_in_call(L, on, threadpool::lane_kind::states, *resumed, kept_arguments,
                               resume_k);
}

} // namespace

const luaL_Reg resume_functions[] = {
    {"resume", system_resume},
    {nullptr, nullptr},
};

} // namespace coring::lua
