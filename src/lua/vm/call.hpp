// Await functions whose work is a blocking call: on a worker, or at once where the call cannot
// block. The job holds arguments and results; the continuation reads them from it.
#pragma once

#include "io/call.hpp"
#include "lua/vm/await.hpp"

namespace coring::lua::vm {

// Has a worker of the lane run the job, and yields until `k` is called. Takes the job over in
// any case: it is destroyed once the results were taken. Fails where it cannot be started.
int suspend_in_call(lua_State* L,
                    scheduler& on,
                    threadpool::lane_kind lane,
                    io::call_job& job,
                    int arguments,
                    lua_KFunction k);

// As suspend_in_call(), but raises where it cannot be started, for functions that never fail.
int suspend_in_call_or_raise(lua_State* L,
                             scheduler& on,
                             threadpool::lane_kind lane,
                             io::call_job& job,
                             int arguments,
                             lua_KFunction k);

// The job's answer is there already: yields all the same, as every await function does, until
// `k` is called by one of the next turns. Takes the job over.
int suspend_after_call(lua_State* L,
                       scheduler& on,
                       io::call_job& job,
                       int arguments,
                       lua_KFunction k);

// The same without a job: the answer is a number, and what else there is to return are the
// `values` on top of the stack, which are kept; nothing else is. There is no guard above them.
int suspend_after_answer(lua_State* L, scheduler& on, int answer, int values, lua_KFunction k);

// The job of a delivered call, for the continuation: until take_results(), which destroys it.
// What raises before that destroys it too.
template <typename Job>
[[nodiscard]] Job& job_of(const op::operation& delivered) noexcept {
    return *static_cast<Job*>(static_cast<io::call_job*>(delivered.data));
}

} // namespace coring::lua::vm
