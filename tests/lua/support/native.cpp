// What the tests need of the system and no Lua library offers: other processes, raw calls on
// descriptors of ours, limits, and an allocator that fails on demand. Loaded as `native`.
#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <iterator>
#include <string_view>

#include <dirent.h>
#include <fcntl.h>
#include <lua.hpp>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

int check_int(lua_State* L, int arg) {
    return static_cast<int>(luaL_checkinteger(L, arg));
}

// The number, or nil and the errno.
int answer(lua_State* L, long value) {
    if (value < 0) {
        const int code = errno;
        lua_pushnil(L);
        lua_pushinteger(L, code);
        return 2;
    }
    lua_pushinteger(L, value);
    return 1;
}

// --- processes ------------------------------------------------------------------------------

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
int native_dispose(lua_State* L) {
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

// Blocks the signal in this thread, or lets it through again.
int native_block(lua_State* L) {
    sigset_t one;
    ::sigemptyset(&one);
    ::sigaddset(&one, check_int(L, 1));
    const int how = lua_toboolean(L, 2) != 0 ? SIG_BLOCK : SIG_UNBLOCK;
    return answer(L, -::pthread_sigmask(how, &one, nullptr));
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

// --- descriptors ----------------------------------------------------------------------------

// A set of the numbers that are open, and their count.
int native_descriptors(lua_State* L) {
    lua_newtable(L);
    DIR* list = ::opendir("/proc/self/fd");
    if (list == nullptr) {
        return luaL_error(L, "cannot list descriptors");
    }
    lua_Integer count = 0;
    while (const dirent* entry = ::readdir(list)) {
        const int fd = std::atoi(entry->d_name);
        if (entry->d_name[0] != '.' && fd != ::dirfd(list)) {
            ++count;
            lua_pushboolean(L, 1);
            lua_rawseti(L, -2, fd);
        }
    }
    ::closedir(list);
    lua_pushinteger(L, count);
    return 2;
}

int native_close(lua_State* L) {
    return answer(L, ::close(check_int(L, 1)));
}

int native_dup(lua_State* L) {
    return answer(L, ::fcntl(check_int(L, 1), F_DUPFD_CLOEXEC, 0));
}

int native_accept(lua_State* L) {
    return answer(L, ::accept4(check_int(L, 1), nullptr, nullptr, SOCK_CLOEXEC));
}

// Up to `size` bytes as a string ("" at the end); nil and the errno otherwise. Waits if asked
// to.
int native_recv(lua_State* L) {
    const int fd = check_int(L, 1);
    const auto size = static_cast<std::size_t>(luaL_optinteger(L, 2, 65536));
    const int flags = lua_toboolean(L, 3) != 0 ? 0 : MSG_DONTWAIT;
    luaL_Buffer bytes;
    char* room = luaL_buffinitsize(L, &bytes, size);
    const ssize_t count = ::recv(fd, room, size, flags);
    const int code = errno;
    luaL_pushresultsize(&bytes, count > 0 ? static_cast<std::size_t>(count) : 0);
    if (count < 0) {
        errno = code;
        return answer(L, -1);
    }
    return 1;
}

int native_send(lua_State* L) {
    std::size_t size = 0;
    const char* bytes = luaL_checklstring(L, 2, &size);
    return answer(L, ::send(check_int(L, 1), bytes, size, MSG_NOSIGNAL));
}

// Waits up to `ms` until the descriptor is readable; true if it is.
int native_readable(lua_State* L) {
    pollfd asked{check_int(L, 1), POLLIN, 0};
    lua_pushboolean(L, ::poll(&asked, 1, check_int(L, 2)) == 1 ? 1 : 0);
    return 1;
}

// Closing this socket resets its connection.
int native_linger(lua_State* L) {
    const linger reset{1, 0};
    return answer(L,
                  ::setsockopt(check_int(L, 1), SOL_SOCKET, SO_LINGER, &reset, sizeof reset));
}

// Makes the buffers of the socket small: what fills them needs not be large.
int native_small(lua_State* L) {
    const int size = 65536;
    static_cast<void>(::setsockopt(check_int(L, 1), SOL_SOCKET, SO_SNDBUF, &size, sizeof size));
    return answer(L, ::setsockopt(check_int(L, 1), SOL_SOCKET, SO_RCVBUF, &size, sizeof size));
}

struct option {
    std::string_view name;
    int level;
    int number;
};

constexpr option options[] = {
    {"nodelay", IPPROTO_TCP, TCP_NODELAY},   {"keepalive", SOL_SOCKET, SO_KEEPALIVE},
    {"keepidle", IPPROTO_TCP, TCP_KEEPIDLE}, {"keepintvl", IPPROTO_TCP, TCP_KEEPINTVL},
    {"keepcnt", IPPROTO_TCP, TCP_KEEPCNT},   {"v6only", IPPROTO_IPV6, IPV6_V6ONLY},
    {"reuseaddr", SOL_SOCKET, SO_REUSEADDR},
};

int native_option(lua_State* L) {
    const std::string_view name = luaL_checkstring(L, 2);
    const auto* found = std::find_if(std::begin(options), std::end(options),
                                     [&](const option& each) { return each.name == name; });
    luaL_argcheck(L, found != std::end(options), 2, "unknown option");
    int value = 0;
    socklen_t size = sizeof value;
    if (::getsockopt(check_int(L, 1), found->level, found->number, &value, &size) != 0) {
        return answer(L, -1);
    }
    return answer(L, value);
}

// Whether the descriptor is close-on-exec, and whether its description is non-blocking.
int native_flags(lua_State* L) {
    const int fd = check_int(L, 1);
    lua_pushboolean(L, (::fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0 ? 1 : 0);
    lua_pushboolean(L, (::fcntl(fd, F_GETFL) & O_NONBLOCK) != 0 ? 1 : 0);
    return 2;
}

// Makes the description non-blocking, or blocking again.
int native_nonblocking(lua_State* L) {
    const int fd = check_int(L, 1);
    const int flags = ::fcntl(fd, F_GETFL) & ~O_NONBLOCK;
    return answer(L,
                  ::fcntl(fd, F_SETFL, lua_toboolean(L, 2) != 0 ? flags | O_NONBLOCK : flags));
}

// --- memory ---------------------------------------------------------------------------------

// As lua-memory lays a referenced memory out (behaviour 16.2).
struct memory_reference {
    char* bytes;
    std::size_t size;
    void (*unref)(lua_State* L, void* bytes, std::size_t size);
};

void unmap(lua_State*, void* bytes, std::size_t size) {
    ::munmap(bytes, size);
}

// A memory of this many bytes that takes no room until it is touched. Nil where there is not
// that much of address space.
int native_vast(lua_State* L) {
    const auto size = static_cast<std::size_t>(luaL_checkinteger(L, 1));
    auto* made =
        static_cast<memory_reference*>(lua_newuserdatauv(L, sizeof(memory_reference), 0));
    *made = memory_reference{nullptr, 0, nullptr};
    luaL_setmetatable(L, "luamem_Ref");
    void* bytes = ::mmap(nullptr, size, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (bytes == MAP_FAILED) {
        return answer(L, -1);
    }
    *made = memory_reference{static_cast<char*>(bytes), size, unmap};
    return 1;
}

// --- a failing allocator --------------------------------------------------------------------

struct failing_allocator {
    lua_Alloc real;
    void* real_data;
    lua_Integer until; // requests for more memory that still succeed; negative: all do
    int refusals;      // how many were refused since it was armed
};

failing_allocator installed{nullptr, nullptr, -1, 0}; // one state a process is enough here

// Lua collects garbage and asks once more when a request fails: the second one fails too.
void* allocate(void* data, void* block, std::size_t old_size, std::size_t new_size) {
    auto& self = *static_cast<failing_allocator*>(data);
    const bool grows = new_size > 0 && (block == nullptr || new_size > old_size);
    if (grows && self.until >= 0) {
        if (self.until == 0 || self.refusals == 1) {
            self.until = self.refusals == 0 ? 0 : -1;
            ++self.refusals;
            return nullptr;
        }
        --self.until;
    }
    return self.real(self.real_data, block, old_size, new_size);
}

// The n-th request for memory from now on will be refused.
int native_failallocation(lua_State* L) {
    installed.until = luaL_checkinteger(L, 1) - 1;
    installed.refusals = 0;
    if (installed.real == nullptr) {
        installed.real = lua_getallocf(L, &installed.real_data);
        lua_setallocf(L, allocate, &installed);
    }
    return 0;
}

// No more refusals: the state has its own allocator again, as it must when this module is
// unloaded. Returns whether there was one.
int native_allocationfailed(lua_State* L) {
    if (installed.real != nullptr) {
        lua_setallocf(L, installed.real, installed.real_data);
        installed.real = nullptr;
    }
    lua_pushboolean(L, installed.refusals > 0 ? 1 : 0);
    return 1;
}

const luaL_Reg functions[] = {
    {"getpid", native_getpid},
    {"fork", native_fork},
    {"exit", native_exit},
    {"kill", native_kill},
    {"wait", native_wait},
    {"sigpipe", native_sigpipe},
    {"childless", native_childless},
    {"dispose", native_dispose},
    {"caught", native_caught},
    {"block", native_block},
    {"limit", native_limit},
    {"descriptors", native_descriptors},
    {"close", native_close},
    {"dup", native_dup},
    {"accept", native_accept},
    {"recv", native_recv},
    {"send", native_send},
    {"readable", native_readable},
    {"linger", native_linger},
    {"small", native_small},
    {"option", native_option},
    {"flags", native_flags},
    {"nonblocking", native_nonblocking},
    {"vast", native_vast},
    {"failallocation", native_failallocation},
    {"allocationfailed", native_allocationfailed},
    {nullptr, nullptr},
};

} // namespace

extern "C" __attribute__((visibility("default"))) int luaopen_native(lua_State* L);

extern "C" int luaopen_native(lua_State* L) {
    luaL_newlib(L, functions);
    return 1;
}
