// What the scheduler of a task's state has to do with the task (behaviour 15.5): `run` may
// suspend the task instead of sleeping.
#pragma once

#include "base/mailbox.hpp"

#include <lua.hpp>

namespace coring::lua::vm {

// Kept by the task, which outlives its state.
struct task_link {
    lua_State* chunk = nullptr;              // the coroutine that a thread of the pool resumes
    base::mail_listener* listener = nullptr; // told of mail for the state's loop
    bool sleeps = false; // `run` has yielded: the task goes on when mail comes
};

// Notes the task in its state's registry. May raise.
void link_task(lua_State* L, task_link& task);

// The task whose state this is, or null.
[[nodiscard]] task_link* task_of(lua_State* L) noexcept;

} // namespace coring::lua::vm
