// How the await functions on files wait: for a result that is there already, or for work that a
// worker or the ring has.
#pragma once

#include "io/file_work.hpp"
#include "lua/vm/await.hpp"

namespace coring::lua {

// What stays on the stack of a function that needs nothing but the object while it waits.
inline constexpr int waiting_arguments = 1;

// The scheduler. Unless the call is a blocking one: with room for a wait, and the caller can
// yield, else raises.
[[nodiscard]] inline vm::scheduler& check_wait(lua_State* L, bool blocking) {
    if (blocking) {
        return vm::scheduler_of(L);
    }
    vm::scheduler& on = vm::scheduler_with_room(L);
    vm::check_yieldable(L);
    return on;
}

// Yields, and returns true or the failure: 0 or a negative errno.
int settle_and_wait(lua_State* L, vm::scheduler& on, int answer);

// Yields, and returns the count or the failure: a negative errno.
int settle_count_and_wait(lua_State* L, vm::scheduler& on, int answer);

// Starts the work, which is null when memory was short, and yields until `k` is called with
// `arguments` values below the guard.
int wait_for_work(lua_State* L,
                  vm::scheduler& on,
                  io::file_work* work,
                  lua_KFunction k,
                  int arguments = waiting_arguments);

// Continuations that return true or a failure: of work on a file, and of a call on a worker.
int work_done_k(lua_State* L, int status, lua_KContext context);
int worker_done_k(lua_State* L, int status, lua_KContext context);

} // namespace coring::lua
