#include "lua/vm/call.hpp"

#include "lua/vm/reply.hpp"

namespace coring::lua::vm {

int suspend_in_call(lua_State* L,
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
    return fail(L, failed);
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

} // namespace coring::lua::vm
