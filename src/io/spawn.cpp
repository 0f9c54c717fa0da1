#include "io/spawn.hpp"

#include "io/program_search.hpp"
#include "reactor/child_watch.hpp"

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <memory>
#include <new>

#include <sched.h>
#include <sys/mman.h>

// The C library's own name for clone(2): the thread sanitizer takes calls of the other for a
// fork of the whole process, and what it notes for the child would be in the parent's memory.
extern "C" int
__clone(int (*body)(void*), void* stack, int flags, void* argument, ...); // NOLINT

namespace coring::io {

namespace {

// The child runs in our memory but needs a stack of its own: ours goes on after it.
class child_stack {
public:
    child_stack() noexcept
        : lowest_{::mmap(nullptr,
                         size,
                         PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK,
                         -1,
                         0)} {}

    child_stack(const child_stack&) = delete;
    child_stack& operator=(const child_stack&) = delete;
    child_stack(child_stack&&) = delete;
    child_stack& operator=(child_stack&&) = delete;

    ~child_stack() {
        if (valid()) {
            ::munmap(lowest_, size);
        }
    }

    [[nodiscard]] bool valid() const noexcept { return lowest_ != MAP_FAILED; }

    [[nodiscard]] void* top() const noexcept { return static_cast<char*>(lowest_) + size; }

private:
    static constexpr std::size_t size = std::size_t{64} * 1024;

    void* lowest_;
};

// No handler of ours may run in the child: it would do so in our memory.
class signals_blocked {
public:
    signals_blocked() noexcept {
        sigset_t all;
        static_cast<void>(::sigfillset(&all));
        static_cast<void>(::pthread_sigmask(SIG_SETMASK, &all, &before_));
    }

    signals_blocked(const signals_blocked&) = delete;
    signals_blocked& operator=(const signals_blocked&) = delete;
    signals_blocked(signals_blocked&&) = delete;
    signals_blocked& operator=(signals_blocked&&) = delete;

    ~signals_blocked() { static_cast<void>(::pthread_sigmask(SIG_SETMASK, &before_, nullptr)); }

private:
    sigset_t before_{};
};

using argument_list = std::unique_ptr<const char*[]>;

// Two places for the shell and what it is to run, then all arguments but the first.
argument_list arguments_for_shell(char* const* arguments) noexcept {
    std::size_t count = 0;
    while (arguments[count] != nullptr) {
        ++count;
    }
    constexpr std::size_t more = 3; // the two, and the end
    constexpr std::size_t most = PTRDIFF_MAX / sizeof(char*) - more;
    if (count > most) {
        return nullptr; // no memory holds as many; the compiler wants to hear it
    }
    argument_list made{new (std::nothrow) const char*[count + more]};
    if (made != nullptr) {
        std::size_t at = 2;
        for (std::size_t from = 1; from < count; ++from) {
            made[at++] = arguments[from];
        }
        made[at] = nullptr;
    }
    return made;
}

// The exit signal is none until the program runs, when the kernel makes it SIGCHLD: a host that
// waits for any child, or handles that signal, never hears of those that come to nothing.
int clone_child(child_plan& plan, const child_stack& stack, int& pidfd) noexcept {
    constexpr int flags = CLONE_VM | CLONE_VFORK | CLONE_PIDFD;
    const signals_blocked during;
    const int pid = ::__clone(run_child, stack.top(), flags, &plan, &pidfd);
    return pid < 0 ? -errno : pid;
}

} // namespace

base::result<spawned> spawn(const spawn_request& wanted) noexcept {
    auto paths = program_paths::of(wanted.file, wanted.environment);
    if (!paths) {
        return base::failure{paths.error()};
    }
    const argument_list shell_arguments = arguments_for_shell(wanted.arguments);
    const child_stack stack;
    if (shell_arguments == nullptr || !stack.valid()) {
        return base::failure{ENOMEM};
    }
    child_plan plan{
        .paths = paths.value().texts(),
        .path_count = paths.value().count(),
        .arguments = wanted.arguments,
        .shell_arguments = shell_arguments.get(),
        .environment = wanted.environment,
        .directory = wanted.directory,
        .standard = wanted.standard,
        .failure = 0,
    };
    int pidfd = -1;
    const int pid = clone_child(plan, stack, pidfd);
    if (pid < 0) {
        return base::failure{-pid};
    }
    spawned made{pid, base::unique_fd{pidfd}};
    if (plan.failure != 0) {
        reactor::await_child_end(pidfd);
        return base::failure{plan.failure};
    }
    return made;
}

} // namespace coring::io
