// The settings that terminals had before this process changed them. A terminal belongs to
// whoever uses it next: so they come back when the process ends, in whatever way a process can
// do something about. Of the process, not of a state: several objects may be one terminal.
// (Behaviour 8.3; docs/decisions/0036.)
#pragma once

#include "base/result.hpp"

#include <termios.h>

namespace coring::io {

// The settings that the terminal had when it was changed first, which are those it has now if
// it is not changed at present. From now on it is, until give_back_modes(). Fails with an errno
// where it cannot be remembered.
[[nodiscard]] base::result<termios> save_modes(int fd) noexcept;

// The terminal has its settings back. True also if it was not changed. Fails with an errno.
[[nodiscard]] base::result<void> give_back_modes(int fd) noexcept;

} // namespace coring::io
