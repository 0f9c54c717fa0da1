// How a Lua function waits: make room (may raise, and run finalizers), check the arguments,
// take a record and start the operation (cannot fail), suspend. When the coroutine goes on, its
// continuation asks whether the loop or the program resumed it.
#pragma once

#include "lua/vm/scheduler.hpp"

namespace coring::lua::vm {

// Raises "unable to yield" where the running coroutine cannot.
void check_yieldable(lua_State* L);

// The state's scheduler, with room for one more wait. Comes first in an await function: it may
// allocate, so finalizers may run and change the very objects that are checked next. Raises
// when memory is short, the scheduler has ended, or the process was forked. Checks that
// allocate may run finalizers too, and those may start operations: each of them makes room for
// itself and leaves one place, and finalizers do not nest, so the room stays.
[[nodiscard]] scheduler& scheduler_with_room(lua_State* L);

// A record for the running coroutine, idle. Requires the room. Nothing that can raise may come
// between this and suspend().
[[nodiscard]] op::operation&
new_operation(lua_State* L, scheduler& on, const op::operation_type& type) noexcept;

// Yields until `k` is called. The stack holds `arguments` values, to which the guard is added:
// `k` finds what the coroutine was resumed with above arguments + 1.
int suspend(lua_State* L,
            scheduler& on,
            op::operation& waiting,
            int arguments,
            lua_KFunction k);

// As suspend(), without a guard: `k` finds what the coroutine was resumed with above the
// `arguments`. For operations that the next turn delivers in any case and that hold nothing: if
// the coroutine was closed meanwhile, the delivery sees it.
int suspend_unguarded(lua_State* L,
                      scheduler& on,
                      op::operation& waiting,
                      int arguments,
                      lua_KFunction k);

// What a continuation learns: the operation being delivered, or null after an explicit resume;
// the scheduler goes with the former.
struct delivery_of {
    op::operation* done;
    scheduler* on;
};

// For a continuation. After an explicit resume the operation was left, and the continuation
// returns what left_results() says.
[[nodiscard]] delivery_of delivered(lua_State* L, lua_KContext context, int base);

// The values of an explicit resume, which lie above `base`.
[[nodiscard]] inline int left_results(lua_State* L, int base) {
    return lua_gettop(L) - base;
}

// The continuation found nothing to take and the operation was queued again: yields once more.
int suspend_again(lua_State* L,
                  scheduler& on,
                  op::operation& waiting,
                  int base,
                  lua_KFunction k);

// The continuation has all it needs of the operation: the object is free for others, and an
// error while results are made costs nothing. The record serves the next await of the
// coroutine, or is reclaimed by the deliverer once resume returned.
void take_results(scheduler& on, op::operation& done) noexcept;

// For a record whose operation could not be started after all. Requires the state idle.
void give_back(lua_State* L, scheduler& on, op::operation& idle) noexcept;

// Reclaims the record of an operation that was delivered or never started. Never raises.
void conclude(lua_State* L, scheduler& on, op::operation& done) noexcept;

// An operation whose coroutine is not to be resumed any more (its state is closing).
void drop(lua_State* L, scheduler& on, op::operation& ready) noexcept;

// Pushes the guard that sits in the frame of an await. Requires the upvalues before it on top.
void push_guard(lua_State* L);

} // namespace coring::lua::vm
