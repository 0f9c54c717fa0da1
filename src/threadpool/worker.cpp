#include "threadpool/worker.hpp"

#include <atomic>
#include <initializer_list>

#include <pthread.h>
#include <signal.h> // pthread_sigmask

namespace coring::threadpool {

namespace {

// Signed: a short-lived thread may end before its creator has counted it.
std::atomic<long> threads{0};

void* thread_main(void* argument) noexcept {
    auto& record = *static_cast<worker*>(argument);
    // The name is for people who look at the process; a failure to set it harms nobody.
    static_cast<void>(::pthread_setname_np(::pthread_self(), record.name));
    record.body(record); // may free the record
    threads.fetch_sub(1, std::memory_order_release);
    return nullptr;
}

sigset_t all_but_faults() noexcept {
    sigset_t set;
    static_cast<void>(::sigfillset(&set));
    for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS}) {
        static_cast<void>(::sigdelset(&set, fault));
    }
    return set;
}

int create(worker& record, const pthread_attr_t& attributes) noexcept {
    // The new thread inherits the mask: there is no moment at which it could take a signal.
    const sigset_t blocked = all_but_faults();
    sigset_t before;
    static_cast<void>(::pthread_sigmask(SIG_SETMASK, &blocked, &before));
    pthread_t thread{};
    const int error = ::pthread_create(&thread, &attributes, thread_main, &record);
    static_cast<void>(::pthread_sigmask(SIG_SETMASK, &before, nullptr));
    return error;
}

} // namespace

base::result<void> start(worker& record, std::size_t stack_bytes) noexcept {
    pthread_attr_t attributes;
    int error = ::pthread_attr_init(&attributes);
    if (error != 0) {
        return base::failure{error};
    }
    error = ::pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    if (error == 0 && stack_bytes != default_stack) {
        error = ::pthread_attr_setstacksize(&attributes, stack_bytes);
    }
    if (error == 0) {
        error = create(record, attributes);
    }
    static_cast<void>(::pthread_attr_destroy(&attributes));
    if (error != 0) {
        return base::failure{error};
    }
    threads.fetch_add(1, std::memory_order_relaxed);
    return {};
}

long live_threads() noexcept {
    return threads.load(std::memory_order_acquire);
}

} // namespace coring::threadpool
