// A mutex whose use clang checks at compile time (-Wthread-safety); elsewhere the words mean
// nothing. Plain pthreads beneath: their calls do not throw, and waits use the monotonic clock.
#pragma once

#include "base/assert.hpp"
#include "base/clock.hpp"

#include <cerrno>
#include <cstdint>

#include <pthread.h>
#include <time.h>

#if defined(__clang__)
#define CORING_CHECKED(attribute) __attribute__((attribute))
#else
#define CORING_CHECKED(attribute)
#endif
#define CORING_GUARDED_BY(mutex) CORING_CHECKED(guarded_by(mutex))
#define CORING_REQUIRES(mutex) CORING_CHECKED(requires_capability(mutex))
#define CORING_EXCLUDES(mutex) CORING_CHECKED(locks_excluded(mutex))

namespace coring::threadpool {

// Not recursive. Requires that it outlives whoever may lock it.
class CORING_CHECKED(capability("mutex")) mutex {
public:
    mutex() noexcept = default;
    mutex(const mutex&) = delete;
    mutex& operator=(const mutex&) = delete;
    mutex(mutex&&) = delete;
    mutex& operator=(mutex&&) = delete;
    ~mutex() = default; // a pthread mutex of Linux holds nothing

    void lock() noexcept CORING_CHECKED(acquire_capability()) {
        const int error = ::pthread_mutex_lock(&mutex_);
        CORING_ASSERT(error == 0);
    }

    void unlock() noexcept CORING_CHECKED(release_capability()) {
        const int error = ::pthread_mutex_unlock(&mutex_);
        CORING_ASSERT(error == 0);
    }

private:
    friend class condition;

    pthread_mutex_t mutex_ = PTHREAD_MUTEX_INITIALIZER;
};

// Holds a mutex for a scope.
class CORING_CHECKED(scoped_lockable) lock {
public:
    explicit lock(mutex& of) noexcept CORING_CHECKED(acquire_capability(of)) : of_{of} {
        of_.lock();
    }

    lock(const lock&) = delete;
    lock& operator=(const lock&) = delete;
    lock(lock&&) = delete;
    lock& operator=(lock&&) = delete;

    ~lock() CORING_CHECKED(release_capability()) { of_.unlock(); }

private:
    mutex& of_;
};

// What threads wait for. Every wait may return without cause: callers loop on what they wait
// for.
class condition {
public:
    static constexpr std::uint64_t never = UINT64_MAX;

    condition() noexcept {
        pthread_condattr_t how;
        int error = ::pthread_condattr_init(&how);
        CORING_ASSERT(error == 0);
        error = ::pthread_condattr_setclock(&how, CLOCK_MONOTONIC);
        CORING_ASSERT(error == 0);
        error = ::pthread_cond_init(&condition_, &how);
        CORING_ASSERT(error == 0);
        error = ::pthread_condattr_destroy(&how);
        CORING_ASSERT(error == 0);
    }

    condition(const condition&) = delete;
    condition& operator=(const condition&) = delete;
    condition(condition&&) = delete;
    condition& operator=(condition&&) = delete;
    ~condition() = default; // nor does a condition

    void wake_one() noexcept {
        const int error = ::pthread_cond_signal(&condition_);
        CORING_ASSERT(error == 0);
    }

    void wake_all() noexcept {
        const int error = ::pthread_cond_broadcast(&condition_);
        CORING_ASSERT(error == 0);
    }

    // False once the monotonic clock has reached `deadline_ns`, which may be `never`.
    [[nodiscard]] bool wait(mutex& held, std::uint64_t deadline_ns) noexcept
        CORING_REQUIRES(held) {
        if (deadline_ns == never) {
            const int error = ::pthread_cond_wait(&condition_, &held.mutex_);
            CORING_ASSERT(error == 0);
            return true;
        }
        const timespec until{static_cast<time_t>(deadline_ns / base::ns_per_s),
                             static_cast<long>(deadline_ns % base::ns_per_s)};
        const int error = ::pthread_cond_timedwait(&condition_, &held.mutex_, &until);
        CORING_ASSERT(error == 0 || error == ETIMEDOUT);
        return error == 0;
    }

private:
    pthread_cond_t condition_{};
};

} // namespace coring::threadpool
