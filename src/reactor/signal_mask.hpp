// Which signals the threads of the process let in.
#pragma once

namespace coring::reactor {

// Whether no thread lets the signal in, so that no handler would run. Usually answered by the
// mask of the calling thread alone; otherwise the kernel is asked about all of them. False when
// it does not tell.
[[nodiscard]] bool blocked_by_all_threads(int signal) noexcept;

} // namespace coring::reactor
