#include "reactor/signal_hub.hpp"

#include "base/assert.hpp"
#include "reactor/signal_mask.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <new>

#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

namespace coring::reactor {

namespace {

using lock = std::lock_guard<std::mutex>;

// All that the handler touches. The descriptors stay open once they are: a handler on another
// thread may be about to write.
constinit std::array<std::atomic<std::uint32_t>, signal_limit> counts{};
constinit std::atomic<int> knocker{-1};
constinit std::atomic<int> pending{-1};
constinit std::atomic<last_act> last{nullptr};
static_assert(std::atomic<std::uint32_t>::is_always_lock_free);
static_assert(std::atomic<int>::is_always_lock_free);
static_assert(std::atomic<last_act>::is_always_lock_free);

// What ends a process that does nothing about it, and can be caught.
constexpr std::array endings{SIGHUP,  SIGINT,  SIGQUIT,   SIGILL,  SIGABRT, SIGBUS,  SIGFPE,
                             SIGUSR1, SIGSEGV, SIGUSR2,   SIGPIPE, SIGALRM, SIGTERM, SIGXCPU,
                             SIGXFSZ, SIGPROF, SIGVTALRM, SIGIO,   SIGPWR,  SIGSYS};

// Makes an edge for all who watch. The counter needs no reader: at 2^64 it would merely stay.
void knock() noexcept {
    const std::uint64_t one = 1;
    ssize_t written = 0;
    do {
        written = ::write(knocker.load(std::memory_order_relaxed), &one, sizeof one);
    } while (written < 0 && errno == EINTR);
}

void count(std::uint32_t signal) noexcept {
    if (signal < signal_limit) {
        counts[signal].fetch_add(1, std::memory_order_release);
    }
}

extern "C" void coring_on_signal(int signal) {
    const int code = errno;
    count(static_cast<std::uint32_t>(signal));
    knock();
    errno = code;
}

// Ends the process as the signal would have: raised again, it waits until the handler returns.
extern "C" void coring_on_end(int signal) {
    const int code = errno;
    if (const last_act act = last.load(std::memory_order_acquire); act != nullptr) {
        act();
    }

    struct sigaction plain {};

    plain.sa_handler = SIG_DFL;
    static_cast<void>(::sigaction(signal, &plain, nullptr));
    static_cast<void>(::raise(signal));
    errno = code;
}

bool is_handled_by(const struct sigaction& action, void (*handler)(int)) noexcept {
    return (action.sa_flags & SA_SIGINFO) == 0 && action.sa_handler == handler;
}

// Whether the kernel reaps children by itself under this disposition of SIGCHLD.
bool reaps(int signal, const struct sigaction& action) noexcept {
    return signal == SIGCHLD &&
           ((action.sa_flags & SA_NOCLDWAIT) != 0 || action.sa_handler == SIG_IGN);
}

void close_now(std::atomic<int>& fd) noexcept {
    if (const int old = fd.exchange(-1); old >= 0) {
        ::close(old);
    }
}

} // namespace

signal_hub& signal_hub::process() noexcept {
    // In static storage, without a destructor: signals come until the process is gone.
    alignas(signal_hub) static std::byte storage[sizeof(signal_hub)];
    static signal_hub* const only = new (storage) signal_hub;
    return *only;
}

std::uint32_t signal_hub::caught(int signal) noexcept {
    return counts[static_cast<std::size_t>(signal)].load(std::memory_order_acquire);
}

int signal_hub::pending_fd() const noexcept {
    return pending.load(std::memory_order_relaxed);
}

base::result<int> signal_hub::knock_fd() noexcept {
    const lock hold{mutex_};
    if (auto opened = open(); !opened) {
        return base::failure{opened.error()};
    }
    return knocker.load(std::memory_order_relaxed);
}

// Zero, or an errno. The lock is taken around a fork, so that the child finds things as they
// should be.
int signal_hub::watch_forks() noexcept {
    if (watches_forks_) {
        return 0;
    }
    const int error =
        ::pthread_atfork([] { process().mutex_.lock(); }, [] { process().mutex_.unlock(); },
                         [] {
                             process().forget_all();
                             process().mutex_.unlock();
                         });
    watches_forks_ = error == 0;
    return error;
}

base::result<void> signal_hub::open() noexcept {
    if (const int error = watch_forks(); error != 0) {
        return base::failure{error};
    }
    if (knocker.load(std::memory_order_relaxed) < 0) {
        const int fd = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (fd < 0) {
            return base::failure{errno};
        }
        knocker.store(fd);
    }
    return {};
}

base::result<signal_route> signal_hub::subscribe(int signal) noexcept {
    CORING_ASSERT(signal > 0 && signal < signal_limit);
    const lock hold{mutex_};
    std::uint32_t& subscribers = subscribers_[static_cast<std::size_t>(signal)];
    if (subscribers == 0) {
        if (auto opened = open(); !opened) {
            return base::failure{opened.error()};
        }
        // Before the disposition changes, because this may fail.
        if (blocked_by_all_threads(signal)) {
            if (auto added = read_too(signal); !added) {
                return base::failure{added.error()};
            }
        }
        install(signal);
    }
    ++subscribers;
    return ::sigismember(&reading_, signal) == 1 ? signal_route::read : signal_route::caught;
}

void signal_hub::unsubscribe(int signal) noexcept {
    const lock hold{mutex_};
    std::uint32_t& subscribers = subscribers_[static_cast<std::size_t>(signal)];
    CORING_ASSERT(subscribers > 0);
    if (--subscribers == 0) {
        restore(signal);
    }
}

base::result<void> signal_hub::read_too(int signal) noexcept {
    sigset_t wanted = reading_;
    ::sigaddset(&wanted, signal);
    const int old = pending.load(std::memory_order_relaxed);
    const int fd = ::signalfd(old, &wanted, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd < 0) {
        return base::failure{errno};
    }
    pending.store(fd);
    reading_ = wanted;
    return {};
}

void signal_hub::install(int signal) noexcept {
    struct sigaction& before = before_[static_cast<std::size_t>(signal)];

    struct sigaction ours {};

    static_cast<void>(::sigaction(signal, nullptr, &before));
    ours.sa_handler = coring_on_signal;
    // On the alternative stack of a thread that has one: its own may be too small for us.
    ours.sa_flags = SA_RESTART | SA_ONSTACK;
    if (reaps(signal, before)) {
        ours.sa_flags |= SA_NOCLDWAIT;
    }
    if (is_handled_by(before, coring_on_end)) {
        before = {};
    }
    ::sigfillset(&ours.sa_mask);
    // Cannot fail: the number is right and no part of SIGKILL or SIGSTOP.
    const int failed = ::sigaction(signal, &ours, nullptr);
    CORING_ASSERT(failed == 0);
}

void signal_hub::restore(int signal) noexcept {
    if (::sigismember(&reading_, signal) == 1) {
        ::sigdelset(&reading_, signal);
        static_cast<void>(::signalfd(pending.load(std::memory_order_relaxed), &reading_, 0));
    }

    struct sigaction found {};

    static_cast<void>(::sigaction(signal, &before_[static_cast<std::size_t>(signal)], &found));
    if (!is_handled_by(
            found,
            coring_on_signal)) { // somebody has changed it since, and knows better than we do
        static_cast<void>(::sigaction(signal, &found, nullptr));
    }
    if (last.load(std::memory_order_relaxed) != nullptr) {
        guard(signal);
    }
}

// Puts our last act before the end that the default action is.
void signal_hub::guard(int signal) noexcept {
    struct sigaction found {};

    static_cast<void>(::sigaction(signal, nullptr, &found));
    const bool ends = std::find(endings.begin(), endings.end(), signal) != endings.end();
    if (ends && is_handled_by(found, SIG_DFL)) {
        found = {};
        found.sa_handler = coring_on_end;
        found.sa_flags = SA_ONSTACK;
        ::sigfillset(&found.sa_mask);
        static_cast<void>(::sigaction(signal, &found, nullptr));
    }
}

void signal_hub::guard_all(bool on) noexcept {
    for (const int signal : endings) {
        if (on && subscribers_[static_cast<std::size_t>(signal)] == 0) {
            guard(signal);
            continue;
        }

        struct sigaction found {};

        static_cast<void>(::sigaction(signal, nullptr, &found));
        if (!on && is_handled_by(found, coring_on_end)) {
            found = {};
            found.sa_handler = SIG_DFL;
            static_cast<void>(::sigaction(signal, &found, nullptr));
        }
    }
}

void signal_hub::call_before_end(last_act act) noexcept {
    const lock hold{mutex_};
    static_cast<void>(watch_forks()); // if it cannot, a child of a fork looks at who it is
    if (act != nullptr) {
        last.store(act, std::memory_order_release);
    }
    guard_all(act != nullptr);
    if (act == nullptr) {
        last.store(nullptr, std::memory_order_release);
    }
}

void signal_hub::count_pending() noexcept {
    if (pending.load(std::memory_order_relaxed) < 0) {
        return;
    }
    const lock hold{mutex_};
    bool any = false;
    std::array<signalfd_siginfo, 8> read_now{};
    for (;;) {
        const ssize_t size =
            ::read(pending.load(std::memory_order_relaxed), read_now.data(), sizeof read_now);
        if (size <= 0) { // nothing is left; a signalfd that does not wait is not interrupted
            break;
        }
        const auto records = static_cast<std::size_t>(size) / sizeof(signalfd_siginfo);
        for (std::size_t at = 0; at < records; ++at) {
            count(read_now[at].ssi_signo);
        }
        any = true;
    }
    if (any) {
        knock();
    }
}

// In a forked child, which has no thread but this one and no waits: they were the parent's.
void signal_hub::forget_all() noexcept {
    if (last.exchange(nullptr) != nullptr) {
        guard_all(false);
    }
    for (int signal = 1; signal < signal_limit; ++signal) {
        std::uint32_t& subscribers = subscribers_[static_cast<std::size_t>(signal)];
        if (subscribers > 0) {
            subscribers = 0;
            restore(signal);
        }
    }
    close_now(knocker);
    close_now(pending);
}

} // namespace coring::reactor
