#include "lua/vm/call.hpp"

#include "lua/vm/reply.hpp"

namespace coring::lua::vm {

namespace {

// Returns only where the call cannot be started: with the errno, the job destroyed.
int start_in_call(lua_State* L,
                  scheduler& on,
                  threadpool::lane_kind lane,
                  io::call_job& job,
                  int arguments,
                  lua_KFunction k) {
    const auto opened = on.on().open_mailbox();
    int failed = opened ? 0 : opened.error();
    if (failed == 0) {
        op::operation& call = new_operation(L, on, io::call_type);
        failed = io::call_start(call, lane, job);
        if (failed == 0) {
            return suspend(L, on, call, arguments, k);
        }
        give_back(L, on, call);
    }
    job.destroy(job);
    return failed;
}

} // namespace

int suspend_in_call(lua_State* L,
                    scheduler& on,
                    threadpool::lane_kind lane,
                    io::call_job& job,
                    int arguments,
                    lua_KFunction k) {
    return fail(L, start_in_call(L, on, lane, job, arguments, k));
}

int suspend_in_call_or_raise(lua_State* L,
                             scheduler& on,
                             threadpool::lane_kind lane,
                             io::call_job& job,
                             int arguments,
                             lua_KFunction k) {
    return raise(L, start_in_call(L, on, lane, job, arguments, k));
}

int suspend_after_call(lua_State* L,
                       scheduler& on,
                       io::call_job& job,
                       int arguments,
                       lua_KFunction k) {
    op::operation& call = new_operation(L, on, io::call_type);
    io::call_settle(on.on(), call, job);
    return suspend(L, on, call, arguments, k);
}

int suspend_after_answer(lua_State* L, scheduler& on, int answer, int values, lua_KFunction k) {
    lua_rotate(L, 1, values);
    op::operation& call = new_operation(L, on, io::call_type);
    io::call_settle(on.on(), call, answer);
    return suspend_unguarded(L, on, call, values, k);
}

} // namespace coring::lua::vm
