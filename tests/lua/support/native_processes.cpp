// Other processes, signals and limits.
#include "native.hpp"

#include <cerrno>
#include <csignal>
#include <cstdlib>

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

int native_getpid(lua_State* L) {
    return answer(L, ::getpid());
}

// 0 in the child, which has to end with native.exit.
int native_fork(lua_State* L) {
    return answer(L, ::fork());
}

int native_exit(lua_State* L) {
    ::_exit(check_int(L, 1));
}

int native_kill(lua_State* L) {
    return answer(L, ::kill(check_int(L, 1), check_int(L, 2)));
}

// "exit" or "signal", and its number. Kills a child that does not end within the given seconds.
int native_wait(lua_State* L) {
    constexpr int step_us = 1000;
    const int child = check_int(L, 1);
    long rest_us = static_cast<long>(luaL_optnumber(L, 2, 20) * 1e6);
    int status = 0;
    pid_t ended = 0;
    while ((ended = ::waitpid(child, &status, WNOHANG)) == 0) {
        if (rest_us <= 0) {
            ::kill(child, SIGKILL);
        }
        ::usleep(step_us);
        rest_us -= step_us;
    }
    if (ended < 0) {
        return answer(L, -1);
    }
    lua_pushstring(L, WIFEXITED(status) ? "exit" : "signal");
    lua_pushinteger(L, WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
    return 2;
}

// What SIGPIPE does in this process: "default", "ignore" or "handler".
int native_sigpipe(lua_State* L) {
    struct sigaction now {};

    ::sigaction(SIGPIPE, nullptr, &now);
    const char* name = now.sa_handler == SIG_DFL   ? "default"
                       : now.sa_handler == SIG_IGN ? "ignore"
                                                   : "handler";
    lua_pushstring(L, name);
    return 1;
}

// Whether this process has no children, neither running nor waiting to be reaped.
int native_childless(lua_State* L) {
    siginfo_t found{};
    const int failed = ::waitid(P_ALL, 0, &found, WEXITED | WNOHANG | WNOWAIT | __WALL);
    lua_pushboolean(L, failed != 0 && errno == ECHILD ? 1 : 0);
    return 1;
}

volatile std::sig_atomic_t caught_signals = 0;

void count_signal(int) {
    caught_signals = caught_signals + 1;
}

// What the signal does from now on: "default", "ignore" or "count".
int native_disposition(lua_State* L) {
    static const char* const names[] = {"default", "ignore", "count", nullptr};
    const int chosen = luaL_checkoption(L, 2, nullptr, names);

    struct sigaction now {};

    now.sa_handler = chosen == 0 ? SIG_DFL : chosen == 1 ? SIG_IGN : count_signal;
    return answer(L, ::sigaction(check_int(L, 1), &now, nullptr));
}

// How many signals were caught by "count".
int native_caught(lua_State* L) {
    return answer(L, caught_signals);
}

// Whether the calling thread shall block the signal; returns whether it did.
int native_block(lua_State* L) {
    const int number = check_int(L, 1);
    sigset_t set;
    sigset_t before;
    ::sigemptyset(&set);
    ::sigaddset(&set, number);
    ::pthread_sigmask(lua_toboolean(L, 2) != 0 ? SIG_BLOCK : SIG_UNBLOCK, &set, &before);
    lua_pushboolean(L, ::sigismember(&before, number));
    return 1;
}

// A thread of the host's, with the mask of its maker, that does nothing until native.join.
pthread_t idle_thread;
sem_t idle_runs;
int idle_ends[2]; // the second is closed to end it

void* idle(void* argument) {
    const int end = *static_cast<int*>(argument);
    ::sem_post(&idle_runs);
    pollfd ended{end, POLLIN, 0}; // not read: the thread sanitizer runs no handler in there
    while (::poll(&ended, 1, -1) < 0 && errno == EINTR) {
    }
    ::close(end);
    return nullptr;
}

int native_thread(lua_State* L) {
    if (::pipe2(idle_ends, O_CLOEXEC) != 0) {
        return answer(L, -1);
    }
    ::sem_init(&idle_runs, 0, 0);
    errno = ::pthread_create(&idle_thread, nullptr, idle, &idle_ends[0]);
    if (errno != 0) {
        return answer(L, -1);
    }
    while (::sem_wait(&idle_runs) != 0) { // before that it has another mask
    }
    return answer(L, 0);
}

int native_join(lua_State* L) {
    ::close(idle_ends[1]);
    return answer(L, -::pthread_join(idle_thread, nullptr));
}

// Sets the soft limit of descriptors; returns the old one.
int native_limit(lua_State* L) {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    const auto old = static_cast<lua_Integer>(limit.rlim_cur);
    limit.rlim_cur = static_cast<rlim_t>(luaL_checkinteger(L, 1));
    if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return answer(L, -1);
    }
    lua_pushinteger(L, old);
    return 1;
}

} // namespace

const luaL_Reg process_functions[] = {
    {"getpid", native_getpid},       {"fork", native_fork},
    {"exit", native_exit},           {"kill", native_kill},
    {"wait", native_wait},           {"sigpipe", native_sigpipe},
    {"childless", native_childless}, {"caught", native_caught},
    {"block", native_block},         {"disposition", native_disposition},
    {"thread", native_thread},       {"join", native_join},
    {"limit", native_limit},         {nullptr, nullptr},
};
