// Assertions of the engine. They stay in release builds: an engine that goes on after a broken
// invariant corrupts its host's memory, and a check costs a predicted branch.
#pragma once

namespace coring::base {

// Prints where and what, then aborts. Never returns.
[[noreturn]] void assertion_failed(const char* text, const char* file, int line) noexcept;

} // namespace coring::base

// Requires `condition`; states a bug of ours when it does not hold, never a bad input.
#define CORING_ASSERT(condition)                                                               \
    (__builtin_expect(static_cast<bool>(condition), 1)                                         \
         ? static_cast<void>(0)                                                                \
         : ::coring::base::assertion_failed(#condition, __FILE__, __LINE__))
