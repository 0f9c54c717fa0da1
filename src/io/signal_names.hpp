// The names that programs know signals by, and their numbers.
// (Manual: system.awaitsig, system.emitsig, and the results of system.execute.)
#pragma once

#include <string_view>

namespace coring::io {

// The number of a name, or 0 if there is none of that name.
[[nodiscard]] int signal_number(std::string_view name) noexcept;

// The name of a number, or null for signals without one (SIGSEGV, real-time signals, ...). It
// lives as long as the program.
[[nodiscard]] const char* signal_name(int number) noexcept;

// Whether a process can do anything about the signal: SIGKILL and SIGSTOP can only be sent.
[[nodiscard]] bool can_be_awaited(int number) noexcept;

} // namespace coring::io
