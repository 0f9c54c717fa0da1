// Tells whether the process is a fork of the one that set something up.
#pragma once

namespace coring::base {

// A number that differs in a process and in its forked children. The first call arranges for
// that (pthread_atfork(3)), so it must come before the fork that matters.
[[nodiscard]] unsigned fork_generation() noexcept;

} // namespace coring::base
