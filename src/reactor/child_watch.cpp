#include "reactor/child_watch.hpp"

#include <csignal>

#include <sys/syscall.h> // pidfd_send_signal has no wrapper before glibc 2.36
#include <sys/wait.h>
#include <unistd.h>

namespace coring::reactor {

namespace {

constexpr auto by_pidfd = static_cast<idtype_t>(3); // P_PIDFD, which older headers lack

// Children that never came as far as exec send no SIGCHLD, and are not told of without this.
constexpr int any_kind = __WALL;

int reap(int pidfd, int options) noexcept {
    siginfo_t end{};
    int failed = 0;
    do {
        failed =
            ::waitid(by_pidfd, static_cast<id_t>(pidfd), &end, WEXITED | any_kind | options);
    } while (failed != 0 && errno == EINTR);
    if (failed != 0) {
        return -errno;
    }
    if (end.si_pid == 0) {
        return still_runs;
    }
    return end.si_code == CLD_EXITED ? end.si_status : killed_by + end.si_status;
}

} // namespace

int reap_child(int pidfd) noexcept {
    return reap(pidfd, WNOHANG);
}

int await_child_end(int pidfd) noexcept {
    return reap(pidfd, 0);
}

void kill_child(int pidfd) noexcept {
    static_cast<void>(::syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, nullptr, 0));
}

} // namespace coring::reactor
