// How the functions on paths run their verb: on the spot in blocking mode, else on a worker.
#pragma once

#include "io/path_job.hpp"
#include "lua/file_mode.hpp"
#include "lua/vm/call.hpp"
#include "lua/vm/reply.hpp"

namespace coring::lua {

// Passes a blocking call on; for others, raises where the caller cannot yield.
[[nodiscard]] inline bool check_caller(lua_State* L, bool blocking) {
    if (!blocking) {
        vm::check_yieldable(L);
    }
    return blocking;
}

// A job made of the verb, whose paths may lie in arguments. Raises when memory is short.
template <typename Verb>
[[nodiscard]] io::path_job<Verb>& make_job(lua_State* L, vm::scheduler& on, const Verb& asked) {
    auto* job = io::path_job<Verb>::make(on.on(), asked);
    if (job == nullptr) {
        luaL_error(L, "not enough memory");
    }
    return *job;
}

// The continuation of calls that answer true or fail and keep no argument.
int path_call_k(lua_State* L, int status, lua_KContext context);

// Has a worker make the call; returns true or fails. Requires that the caller may yield.
template <typename Verb>
int await_path_call(lua_State* L, const Verb& asked) {
    vm::scheduler& on = vm::scheduler_with_room(L);
    return vm::suspend_in_call(L, on, threadpool::lane_kind::files, make_job(L, on, asked), 0,
                               path_call_k);
}

// Makes the call here, or has a worker make it.
template <typename Verb>
int path_call(lua_State* L, bool blocking, const Verb& asked) {
    return blocking ? vm::succeed_or_fail(L, -asked.run()) : await_path_call(L, asked);
}

} // namespace coring::lua
