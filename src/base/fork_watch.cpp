#include "base/fork_watch.hpp"

#include <atomic>

#include <pthread.h>

namespace coring::base {

namespace {

std::atomic<unsigned> generation{0};

void in_child() noexcept {
    generation.fetch_add(1, std::memory_order_relaxed);
}

} // namespace

unsigned fork_generation() noexcept {
    // A library that cannot register has no memory to go on with either way; children then go
    // unnoticed, as they do everywhere else.
    static const int registered = ::pthread_atfork(nullptr, nullptr, in_child);
    static_cast<void>(registered);
    return generation.load(std::memory_order_relaxed);
}

} // namespace coring::base
