// The verb of system.execute: a child, from its start until its end has been told or nobody
// wants to know any more.
#pragma once

#include "io/spawn.hpp"
#include "loop/loop.hpp"

namespace coring::io {

extern const op::operation_type wait_child_type;

// A running child, on a loop. Its end is kept until somebody waits for it.
struct child;

// Starts a process and watches it. The caller then either has somebody wait for it or abandons
// it, and touches it no more. Failures leave nothing behind.
[[nodiscard]] base::result<child*> child_start(loop::loop& on,
                                               const spawn_request& wanted) noexcept;

[[nodiscard]] pid_t child_pid(const child& of) noexcept;

// The operation waits for the child's end, which becomes its result in the words of
// reactor/child_watch. If it is left, the child is abandoned.
void wait_child_start(child& awaited, op::operation& idle) noexcept;

// Nobody will ask how it ended: it runs on, and is reaped when it is over, whatever becomes of
// the loop.
void child_abandon(child& unwanted) noexcept;

} // namespace coring::io
