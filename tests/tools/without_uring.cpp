// Runs a command as if the kernel refused io_uring:
//
//     without_uring [--errno EPERM|ENOSYS] -- command [argument...]
//
// A seccomp filter lets io_uring_setup fail with that error (EPERM unless said otherwise) in
// the command and all its children; everything else goes through. Exits as the command does,
// with 125 when the filter cannot be installed or the usage is wrong, 126 or 127 when the
// command cannot run.
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <string_view>

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace {

constexpr int exit_usage = 125;
constexpr int exit_not_runnable = 126;
constexpr int exit_not_found = 127;

#if defined(__x86_64__)
constexpr unsigned this_architecture = AUDIT_ARCH_X86_64;
constexpr unsigned foreign_bit = 0x40000000; // marks calls of the x32 interface
#elif defined(__aarch64__)
constexpr unsigned this_architecture = AUDIT_ARCH_AARCH64;
constexpr unsigned foreign_bit = 0;
#else
#error "without_uring knows x86-64 and aarch64 only"
#endif

struct request {
    int refusal = EPERM;
    char** command = nullptr; // null: the usage is wrong
};

request parse(int count, char** arguments) noexcept {
    request asked;
    int at = 1;
    if (at + 1 < count && std::string_view{arguments[at]} == "--errno") {
        const std::string_view name{arguments[at + 1]};
        if (name != "EPERM" && name != "ENOSYS") {
            return asked;
        }
        asked.refusal = name == "EPERM" ? EPERM : ENOSYS;
        at += 2;
    }
    if (at + 1 < count && std::string_view{arguments[at]} == "--") {
        asked.command = arguments + at + 1;
    }
    return asked;
}

sock_filter statement(unsigned code, unsigned value) noexcept {
    return {static_cast<unsigned short>(code), 0, 0, value};
}

// Continues after `skip` statements if the accumulator equals `value`, else with the next one.
sock_filter skip_if_equal(unsigned value, unsigned char skip) noexcept {
    return {BPF_JMP | BPF_JEQ | BPF_K, skip, 0, value};
}

int refuse_uring(int refusal) noexcept {
    const unsigned refused = SECCOMP_RET_ERRNO | static_cast<unsigned>(refusal);
    // A program of another architecture (a 32-bit one) numbers its calls differently: for it
    // the filter answers ENOSYS to everything rather than to guess.
    sock_filter code[] = {
        statement(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, arch)),
        skip_if_equal(this_architecture, 1),
        statement(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
        statement(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        skip_if_equal(__NR_io_uring_setup, 2),
        skip_if_equal(__NR_io_uring_setup | foreign_bit, 1),
        statement(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        statement(BPF_RET | BPF_K, refused),
    };
    const sock_fprog program{sizeof code / sizeof *code, code};
    // Without privileges a filter is only allowed to those who cannot gain any.
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
        return errno;
    }
    if (::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0) {
        return 0;
    }
    return ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) == 0 ? 0 : errno;
}

void complain(const char* what, int error) noexcept {
    // One thread, which is about to end: strerror is safe here.
    const char* const why = std::strerror(error); // NOLINT(concurrency-mt-unsafe)
    static_cast<void>(std::fprintf(stderr, "without_uring: %s: %s\n", what, why));
}

} // namespace

int main(int count, char** arguments) {
    const request asked = parse(count, arguments);
    if (asked.command == nullptr) {
        static_cast<void>(std::fputs(
            "usage: without_uring [--errno EPERM|ENOSYS] -- command [argument...]\n", stderr));
        return exit_usage;
    }
    if (const int error = refuse_uring(asked.refusal); error != 0) {
        complain("cannot install the filter", error);
        return exit_usage;
    }
    ::execvp(asked.command[0], asked.command);
    const int error = errno;
    complain(asked.command[0], error);
    return error == ENOENT ? exit_not_found : exit_not_runnable;
}
