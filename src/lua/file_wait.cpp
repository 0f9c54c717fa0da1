#include "lua/file_wait.hpp"

#include "lua/vm/reply.hpp"

namespace coring::lua {

namespace {

// What lies below the values of an explicit resume: a mark if the result was known at once,
// else what waited for the work, and the guard.
constexpr int known_base = 1;
constexpr int work_base = waiting_arguments + 1;

template <int Base>
int done_k(lua_State* L, int, lua_KContext context) {
    const vm::delivery_of here = vm::delivered(L, context);
    if (here.done == nullptr) {
        return vm::left_results(L, Base);
    }
    const int answer = here.done->result;
    vm::take_results(*here.on, *here.done);
    return vm::succeed_or_fail(L, -answer);
}

int count_k(lua_State* L, int, lua_KContext context) {
    const vm::delivery_of here = vm::delivered(L, context);
    if (here.done == nullptr) {
        return vm::left_results(L, known_base);
    }
    const int answer = here.done->result;
    vm::take_results(*here.on, *here.done);
    if (answer < 0) {
        return vm::fail(L, -answer);
    }
    lua_pushinteger(L, answer);
    return 1;
}

// The record holds nothing but the result, and there is nothing to keep meanwhile.
int settle(lua_State* L, vm::scheduler& on, int answer, lua_KFunction k) {
    op::operation& known = vm::new_operation(L, on, io::file_result_type);
    io::settle_result(on.on(), known, answer);
    return vm::suspend_unguarded(L, on, known, 0, k);
}

} // namespace

int settle_and_wait(lua_State* L, vm::scheduler& on, int answer) {
    return settle(L, on, answer, done_k<known_base>);
}

int settle_count_and_wait(lua_State* L, vm::scheduler& on, int answer) {
    return settle(L, on, answer, count_k);
}

int wait_for_work(lua_State* L,
                  vm::scheduler& on,
                  io::file_work* work,
                  lua_KFunction k,
                  int arguments) {
    if (work == nullptr) {
        return luaL_error(L, "not enough memory");
    }
    if (const auto opened = on.on().open_mailbox(); !opened) {
        work->destroy(*work);
        return vm::fail(L, opened.error());
    }
    op::operation& waiting = vm::new_operation(L, on, io::file_work_type);
    io::file_work_start(waiting, *work);
    return vm::suspend(L, on, waiting, arguments, k);
}

int work_done_k(lua_State* L, int status, lua_KContext context) {
    return done_k<work_base>(L, status, context);
}

int worker_done_k(lua_State* L, int status, lua_KContext context) {
    return done_k<work_base>(L, status, context);
}

} // namespace coring::lua
