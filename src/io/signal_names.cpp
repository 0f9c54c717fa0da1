#include "io/signal_names.hpp"

#include <array>

#include <signal.h>

namespace coring::io {

namespace {

struct entry {
    const char* name;
    int number;
};

constexpr std::array names{
    entry{"TERMINATE", SIGKILL},  entry{"STOP", SIGSTOP},      entry{"abort", SIGABRT},
    entry{"brokenpipe", SIGPIPE}, entry{"child", SIGCHLD},     entry{"clocktime", SIGALRM},
    entry{"continue", SIGCONT},   entry{"cpulimit", SIGXCPU},  entry{"cputime", SIGVTALRM},
    entry{"cputotal", SIGPROF},   entry{"filelimit", SIGXFSZ}, entry{"hangup", SIGHUP},
    entry{"interrupt", SIGINT},   entry{"polling", SIGPOLL},   entry{"quit", SIGQUIT},
    entry{"stdinoff", SIGTTIN},   entry{"stdoutoff", SIGTTOU}, entry{"stop", SIGTSTP},
    entry{"sysargerr", SIGSYS},   entry{"terminate", SIGTERM}, entry{"trap", SIGTRAP},
    entry{"urgentsock", SIGURG},  entry{"userdef1", SIGUSR1},  entry{"userdef2", SIGUSR2},
    entry{"winresize", SIGWINCH},
};

} // namespace

int signal_number(std::string_view name) noexcept {
    for (const entry& each : names) {
        if (name == each.name) {
            return each.number;
        }
    }
    return 0;
}

const char* signal_name(int number) noexcept {
    for (const entry& each : names) {
        if (number == each.number) {
            return each.name;
        }
    }
    return nullptr;
}

bool can_be_awaited(int number) noexcept {
    return number != SIGKILL && number != SIGSTOP;
}

} // namespace coring::io
