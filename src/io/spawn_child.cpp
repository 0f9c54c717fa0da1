// Everything here runs between clone and exec: only calls that a signal handler may make, and
// no frame may be left behind for a sanitizer, since none is ever returned from.
#include "io/spawn_child.hpp"

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstring>

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h> // major, minor
#include <termios.h>       // TCGETS
#include <unistd.h>

#define CORING_IN_CHILD __attribute__((no_sanitize("address", "undefined", "thread")))

namespace coring::io {

namespace {

using origin = standard_stream::origin;

constexpr int first_other = 3; // the descriptors below are standard streams
constexpr int no_program = 127;
constexpr const char* shell = "/bin/sh";
constexpr const char* null_path = "/dev/null";
constexpr const char* own_descriptors[] = {"/proc/self/fd/0", "/proc/self/fd/1",
                                           "/proc/self/fd/2"};

// Handlers would run in the parent's memory; ignored signals are not inherited either
// (behaviour 9.3). By the bare call, as a sanitizer keeps a table of handlers in that memory.
CORING_IN_CHILD void reset_signals() noexcept {
    constexpr std::size_t mask_size = 8;   // of the kernel's sigset_t
    constexpr std::uint64_t plain[4] = {}; // its struct sigaction, of which zero means SIG_DFL
    for (int number = 1; number < NSIG; ++number) {
        // Some cannot be changed.
        static_cast<void>(::syscall(SYS_rt_sigaction, number, plain, nullptr, mask_size));
    }
}

CORING_IN_CHILD void unblock_signals() noexcept {
    sigset_t none;
    static_cast<void>(::sigemptyset(&none));
    static_cast<void>(::pthread_sigmask(SIG_SETMASK, &none, nullptr));
}

// --- descriptors ----------------------------------------------------------------------------

// First all that come from among the standard descriptors move out of the way; then nothing
// that is put into place overwrites what is still needed.
CORING_IN_CHILD int move_up(standard_stream& stream) noexcept {
    if (stream.fd >= 0 && stream.fd < first_other) {
        stream.fd = ::fcntl(stream.fd, F_DUPFD_CLOEXEC, first_other);
        return stream.fd < 0 ? errno : 0;
    }
    return 0;
}

CORING_IN_CHILD int put_null_device(int place) noexcept {
    const int fd = ::open(null_path, (place == 0 ? O_RDONLY : O_RDWR) | O_CLOEXEC);
    if (fd < 0) {
        return errno;
    }
    if (fd == place) {
        return ::fcntl(fd, F_SETFD, 0) == 0 ? 0 : errno;
    }
    const int failed = ::dup2(fd, place) < 0 ? errno : 0;
    ::close(fd);
    return failed;
}

CORING_IN_CHILD int put(const standard_stream& stream, int place) noexcept {
    switch (stream.from) {
    case origin::inherited:
        return 0;
    case origin::null_device:
        return put_null_device(place);
    case origin::given:
    case origin::socket:
        return ::dup2(stream.fd, place) < 0 ? errno : 0;
    }
    return 0;
}

// Pipes and terminals, but no master of a terminal, of which opening makes a new one.
CORING_IN_CHILD bool can_be_opened_anew(int fd) noexcept {
    struct stat of {};

    if (::fstat(fd, &of) != 0) {
        return false;
    }

    struct termios settings {};

    const bool is_master = major(of.st_rdev) == 5 && minor(of.st_rdev) == 2;
    return S_ISFIFO(of.st_mode) ||
           (S_ISCHR(of.st_mode) && !is_master && ::ioctl(fd, TCGETS, &settings) == 0);
}

// Programs expect standard streams that wait. The flag belongs to the description, on which
// others may rely: so the child gets one of its own where that is possible, else what there is.
CORING_IN_CHILD void make_waiting(const standard_stream& stream, int place) noexcept {
    const int flags = ::fcntl(place, F_GETFL);
    if (flags < 0 || (flags & O_NONBLOCK) == 0) {
        return;
    }
    if (stream.from == origin::socket) {
        static_cast<void>(::fcntl(place, F_SETFL, flags & ~O_NONBLOCK));
        return;
    }
    if (!can_be_opened_anew(place)) {
        return;
    }
    // Without the flag, opening might wait for the other end.
    const int mode = flags & (O_ACCMODE | O_APPEND | O_NONBLOCK);
    const int own = ::open(own_descriptors[place], mode | O_NOCTTY | O_CLOEXEC);
    if (own >= 0) {
        static_cast<void>(::fcntl(own, F_SETFL, mode & ~O_NONBLOCK));
        static_cast<void>(::dup2(own, place));
        ::close(own);
    }
}

CORING_IN_CHILD int place_streams(standard_streams& streams) noexcept {
    standard_stream* const first = streams.data();
    int failed = 0;
    for (int place = 0; place < first_other && failed == 0; ++place) {
        failed = move_up(first[place]);
    }
    for (int place = 0; place < first_other && failed == 0; ++place) {
        failed = put(first[place], place);
    }
    for (int place = 0; place < first_other && failed == 0; ++place) {
        make_waiting(first[place], place);
    }
    return failed;
}

// --- the program ----------------------------------------------------------------------------

CORING_IN_CHILD int try_path(const child_plan& plan, const char* path) noexcept {
    ::execve(path, plan.arguments, plan.environment);
    if (errno == ENOEXEC) {
        plan.shell_arguments[0] = shell;
        plan.shell_arguments[1] = path;
        ::execve(shell, const_cast<char* const*>(plan.shell_arguments), plan.environment);
    }
    return errno;
}

// Whether the program may still be in another directory.
CORING_IN_CHILD bool goes_on_after(int code) noexcept {
    return code == EACCES || code == ENOENT || code == ESTALE || code == ENOTDIR ||
           code == ENODEV || code == ETIMEDOUT;
}

CORING_IN_CHILD int try_all_paths(const child_plan& plan) noexcept {
    bool denied = false;
    int code = ENOENT;
    const char* path = plan.paths;
    for (std::size_t tried = 0; tried < plan.path_count; ++tried) {
        code = try_path(plan, path);
        if (!goes_on_after(code)) {
            return code;
        }
        denied = denied || code == EACCES;
        path += std::strlen(path) + 1;
    }
    return denied ? EACCES : code;
}

} // namespace

CORING_IN_CHILD int run_child(void* plan_of_it) noexcept {
    auto& plan = *static_cast<child_plan*>(plan_of_it);
    reset_signals();
    int failed = place_streams(plan.standard);
    if (failed == 0 && plan.directory != nullptr && ::chdir(plan.directory) != 0) {
        failed = errno;
    }
    if (failed == 0) {
        unblock_signals();
        failed = try_all_paths(plan);
    }
    plan.failure = failed;
    // Not _exit(2), before which a sanitizer looks back at the whole process and takes its
    // time.
    ::syscall(SYS_exit_group, no_program);
    __builtin_unreachable();
}

} // namespace coring::io
