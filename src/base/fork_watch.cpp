#include "base/fork_watch.hpp"

#include <pthread.h>

namespace coring::base {

namespace {

void in_child() noexcept {
    detail::fork_count.fetch_add(1, std::memory_order_relaxed);
}

} // namespace

void watch_forks() noexcept {
    // A process that cannot register has no memory to go on with either way; its children then
    // go unnoticed, as they do everywhere else.
    static const int registered = ::pthread_atfork(nullptr, nullptr, in_child);
    static_cast<void>(registered);
}

} // namespace coring::base
