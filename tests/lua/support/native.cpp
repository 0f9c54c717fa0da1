// What the tests need of the system and no Lua library offers: other processes, raw calls on
// descriptors of ours, limits, and an allocator that fails on demand. Loaded as `native`.
#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <string_view>

#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <lua.hpp>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>
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

// --- descriptors ----------------------------------------------------------------------------

// A ring, which workers keep for the states that run on them.
bool is_ring(DIR* list, const char* name) {
    std::array<char, 64> target{};
    const ssize_t size = ::readlinkat(::dirfd(list), name, target.data(), target.size() - 1);
    return size > 0 && std::string_view{target.data()} == "anon_inode:[io_uring]";
}

// A set of the numbers that are open, and their count; then the number of rings, which are in
// neither.
int native_descriptors(lua_State* L) {
    lua_newtable(L);
    DIR* list = ::opendir("/proc/self/fd");
    if (list == nullptr) {
        return luaL_error(L, "cannot list descriptors");
    }
    lua_Integer count = 0;
    lua_Integer rings = 0;
    while (const dirent* entry = ::readdir(list)) {
        const int fd = std::atoi(entry->d_name);
        if (is_ring(list, entry->d_name)) {
            ++rings;
        } else if (entry->d_name[0] != '.' && fd != ::dirfd(list)) {
            ++count;
            lua_pushboolean(L, 1);
            lua_rawseti(L, -2, fd);
        }
    }
    ::closedir(list);
    lua_pushinteger(L, count);
    lua_pushinteger(L, rings);
    return 3;
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

// --- local sockets --------------------------------------------------------------------------

// A socket of another program: of a family ("ip" or "local") and a type.
int native_socket(lua_State* L) {
    static const char* const families[] = {"ip", "local", nullptr};
    static const char* const types[] = {"stream", "datagram", "packets", nullptr};
    constexpr int numbers[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET};
    const int family = luaL_checkoption(L, 1, nullptr, families) == 0 ? AF_INET : AF_UNIX;
    const int type = numbers[luaL_checkoption(L, 2, nullptr, types)];
    return answer(L, ::socket(family, type | SOCK_CLOEXEC, 0));
}

// A name of exactly these bytes.
socklen_t check_name(lua_State* L, int arg, sockaddr_un& name) {
    std::size_t size = 0;
    const char* bytes = luaL_checklstring(L, arg, &size);
    luaL_argcheck(L, size <= sizeof name.sun_path, arg, "too long");
    name.sun_family = AF_UNIX;
    std::memcpy(name.sun_path, bytes, size);
    return static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + size);
}

int native_connect(lua_State* L) {
    sockaddr_un address{};
    const socklen_t length = check_name(L, 2, address);
    return answer(
        L, ::connect(check_int(L, 1), reinterpret_cast<const sockaddr*>(&address), length));
}

// Binds a local socket and listens, as a program does that knows nothing of us: blocking.
// Without a backlog it only binds.
int native_bind(lua_State* L) {
    const int fd = check_int(L, 1);
    sockaddr_un address{};
    const socklen_t length = check_name(L, 2, address);
    if (::bind(fd, reinterpret_cast<const sockaddr*>(&address), length) != 0) {
        return answer(L, -1);
    }
    return answer(L, lua_isnoneornil(L, 3) ? 0 : ::listen(fd, check_int(L, 3)));
}

// Both ends of a pipe.
int native_pipe(lua_State* L) {
    int ends[2] = {-1, -1};
    if (::pipe2(ends, O_CLOEXEC) != 0) {
        return answer(L, -1);
    }
    lua_pushinteger(L, ends[0]);
    lua_pushinteger(L, ends[1]);
    return 2;
}

// Sends bytes and, in one message, these descriptors: pass(fd, bytes, passed...).
int native_pass(lua_State* L) {
    const int fd = check_int(L, 1);
    std::size_t size = 0;
    const char* bytes = luaL_checklstring(L, 2, &size);
    const auto count = static_cast<std::size_t>(lua_gettop(L) - 2);
    auto* room = static_cast<char*>(lua_newuserdatauv(L, CMSG_SPACE(count * sizeof(int)), 0));
    std::memset(room, 0, CMSG_SPACE(count * sizeof(int)));
    iovec part{const_cast<char*>(bytes), size};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = room;
    message.msg_controllen = CMSG_SPACE(count * sizeof(int));
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(count * sizeof(int));
    for (std::size_t at = 0; at < count; ++at) {
        const int passed = check_int(L, static_cast<int>(at) + 3);
        std::memcpy(CMSG_DATA(header) + at * sizeof(int), &passed, sizeof passed);
    }
    return answer(L, ::sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT));
}

// One message as a program gets it that knows nothing of us: the bytes, then the descriptors
// that came with them.
int native_receive(lua_State* L) {
    constexpr std::size_t most = 253;
    alignas(cmsghdr) char room[CMSG_SPACE(most * sizeof(int))];
    char bytes[65536];
    iovec part{bytes, static_cast<std::size_t>(luaL_optinteger(L, 2, sizeof bytes))};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = room;
    message.msg_controllen = sizeof room;
    const ssize_t got = ::recvmsg(check_int(L, 1), &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (got < 0) {
        return answer(L, -1);
    }
    lua_settop(L, 0);
    lua_pushlstring(L, bytes, static_cast<std::size_t>(got));
    for (cmsghdr* each = CMSG_FIRSTHDR(&message); each != nullptr;
         each = CMSG_NXTHDR(&message, each)) {
        const std::size_t size = each->cmsg_len - CMSG_LEN(0);
        luaL_checkstack(L, static_cast<int>(size / sizeof(int)), nullptr);
        for (std::size_t at = 0; at < size; at += sizeof(int)) {
            int fd = -1;
            std::memcpy(&fd, CMSG_DATA(each) + at, sizeof fd);
            lua_pushinteger(L, fd);
        }
    }
    return lua_gettop(L);
}

// Makes a description blocking.
int native_blocking(lua_State* L) {
    const int fd = check_int(L, 1);
    return answer(L, ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) & ~O_NONBLOCK));
}

int native_chdir(lua_State* L) {
    return answer(L, ::chdir(luaL_checkstring(L, 1)));
}

int native_mkdir(lua_State* L) {
    return answer(L, ::mkdir(luaL_checkstring(L, 1), 0700));
}

int native_umask(lua_State* L) {
    return answer(L, ::umask(static_cast<mode_t>(luaL_checkinteger(L, 1))));
}

// The mode of a file, with its type; nil and the errno if there is none.
int native_mode(lua_State* L) {
    struct stat found {};

    if (::lstat(luaL_checkstring(L, 1), &found) != 0) {
        return answer(L, -1);
    }
    return answer(L, static_cast<long>(found.st_mode));
}

// Puts both ends of a pair of Unix datagram sockets in the place of two descriptors: unlike UDP
// on loopback they hold but a few datagrams, and then refuse more until some were read.
int native_narrow(lua_State* L) {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends) != 0) {
        return answer(L, -1);
    }
    for (const int at : {0, 1}) {
        ::dup3(ends[at], check_int(L, at + 1), O_CLOEXEC);
        ::close(ends[at]);
    }
    return 0;
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

// --- files ----------------------------------------------------------------------------------

int native_mkfifo(lua_State* L) {
    return answer(L, ::mkfifo(luaL_checkstring(L, 1), 0600));
}

// open(2) without waiting, to read, or to write (second argument true), or both (a number).
int native_open(lua_State* L) {
    const int flags = lua_isinteger(L, 2) != 0   ? O_RDWR
                      : lua_toboolean(L, 2) != 0 ? O_WRONLY
                                                 : O_RDONLY;
    return answer(L, ::open(luaL_checkstring(L, 1), flags | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
}

int native_read(lua_State* L) {
    char bytes[4096];
    const ssize_t count = ::read(check_int(L, 1), bytes, sizeof bytes);
    if (count < 0) {
        return answer(L, -1);
    }
    lua_pushlstring(L, bytes, static_cast<std::size_t>(count));
    return 1;
}

int native_write(lua_State* L) {
    std::size_t size = 0;
    const char* bytes = luaL_checklstring(L, 2, &size);
    return answer(L, ::write(check_int(L, 1), bytes, size));
}

// Drops what the page cache has of a file, from an offset on if there is one, as far as the
// file system lets go of it.
int native_evict(lua_State* L) {
    const int fd = ::open(luaL_checkstring(L, 1), O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return answer(L, -1);
    }
    ::fsync(fd);
    const int failed = ::posix_fadvise(fd, luaL_optinteger(L, 2, 0), 0, POSIX_FADV_DONTNEED);
    ::close(fd);
    return answer(L, failed == 0 ? 0 : -1);
}

// The position of a descriptor, and its size and permissions.
int native_stat(lua_State* L) {
    struct stat status {};

    if (::fstat(check_int(L, 1), &status) != 0) {
        return answer(L, -1);
    }
    lua_pushinteger(L, ::lseek(check_int(L, 1), 0, SEEK_CUR));
    lua_pushinteger(L, status.st_size);
    lua_pushinteger(L, status.st_mode & 07777);
    return 3;
}

// The flags of open(2) that a descriptor has now: append, synchronous, non-blocking.
int native_fileflags(lua_State* L) {
    const int flags = ::fcntl(check_int(L, 1), F_GETFL);
    lua_pushboolean(L, (flags & O_APPEND) != 0 ? 1 : 0);
    lua_pushboolean(L, (flags & O_SYNC) == O_SYNC ? 1 : 0);
    lua_pushboolean(L, (flags & O_NONBLOCK) != 0 ? 1 : 0);
    return 3;
}

// A pseudo terminal: the master's descriptor and the path of the slave.
int native_terminal(lua_State* L) {
    const int master = ::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (master < 0 || ::grantpt(master) != 0 || ::unlockpt(master) != 0) {
        return answer(L, -1);
    }
    lua_pushinteger(L, master);
    lua_pushstring(L, ::ptsname(master));
    return 2;
}

// Starts a program with these descriptors as its standard streams, -1 for a closed one:
// start(stdin, stdout, stderr, session, program, ...). With `session` it leads one of its own,
// whose controlling terminal is its standard input. Returns its number.
int native_start(lua_State* L) {
    constexpr int first_word = 5;
    constexpr int above = 100;
    const int count = lua_gettop(L) - first_word + 1;
    auto** words = static_cast<const char**>(
        lua_newuserdatauv(L, static_cast<std::size_t>(count + 1) * sizeof(const char*), 0));
    for (int at = 0; at < count; ++at) {
        words[at] = luaL_checkstring(L, first_word + at);
    }
    words[count] = nullptr;
    const int fds[] = {check_int(L, 1), check_int(L, 2), check_int(L, 3)};
    const bool session = lua_toboolean(L, 4) != 0;
    const pid_t pid = ::fork();
    if (pid != 0) {
        return answer(L, pid);
    }
    int moved[3];
    for (int at = 0; at < 3; ++at) {
        moved[at] = fds[at] >= 0 ? ::fcntl(fds[at], F_DUPFD_CLOEXEC, above) : -1;
    }
    for (int at = 0; at < 3; ++at) {
        moved[at] >= 0 ? ::dup2(moved[at], at) : ::close(at);
    }
    if (session) {
        ::setsid();
        ::ioctl(0, TIOCSCTTY, 0);
    }
    ::execvp(words[0], const_cast<char* const*>(words));
    ::_exit(127);
}

// The settings of a terminal: all of them as one string, and whether it has lines, echo, keys
// that are signals, and processing of output.
int native_termios(lua_State* L) {
    termios now{};
    if (::tcgetattr(check_int(L, 1), &now) != 0) {
        return answer(L, -1);
    }
    lua_pushfstring(L, "%d %d %d %d ", static_cast<int>(now.c_iflag),
                    static_cast<int>(now.c_oflag), static_cast<int>(now.c_cflag),
                    static_cast<int>(now.c_lflag));
    lua_pushlstring(L, reinterpret_cast<const char*>(now.c_cc), sizeof now.c_cc);
    lua_concat(L, 2);
    lua_pushboolean(L, (now.c_lflag & ICANON) != 0 ? 1 : 0);
    lua_pushboolean(L, (now.c_lflag & ECHO) != 0 ? 1 : 0);
    lua_pushboolean(L, (now.c_lflag & ISIG) != 0 ? 1 : 0);
    lua_pushboolean(L, (now.c_oflag & OPOST) != 0 ? 1 : 0);
    return 5;
}

// Sets the size of a terminal's window: columns and rows.
int native_resize(lua_State* L) {
    winsize size{};
    size.ws_col = static_cast<unsigned short>(check_int(L, 2));
    size.ws_row = static_cast<unsigned short>(check_int(L, 3));
    return answer(L, ::ioctl(check_int(L, 1), TIOCSWINSZ, &size));
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

// --- coroutines -----------------------------------------------------------------------------

// What a host may do with a coroutine of its own: ends what it does, and has it call the
// function with the other arguments instead. Returns "yield", "end" or "error".
int native_reuse(lua_State* L) {
    luaL_checktype(L, 1, LUA_TTHREAD);
    luaL_checktype(L, 2, LUA_TFUNCTION);
    lua_State* thread = lua_tothread(L, 1);
    const int arguments = lua_gettop(L) - 2;
    lua_resetthread(thread);
    lua_settop(thread, 0);
    luaL_checkstack(thread, arguments + 1, nullptr);
    lua_xmove(L, thread, arguments + 1);
    int results = 0;
    const int status = lua_resume(thread, L, arguments, &results);
    lua_pop(thread, status == LUA_OK || status == LUA_YIELD ? results : 1);
    lua_pushstring(L, status == LUA_YIELD ? "yield" : status == LUA_OK ? "end" : "error");
    return 1;
}

// Yields with the given values still on its stack. Resumed, returns what it is resumed with.
int native_stand(lua_State* L) {
    return lua_yieldk(L, 0, lua_gettop(L), [](lua_State* in, int, lua_KContext given) {
        return lua_gettop(in) - static_cast<int>(given);
    });
}

// --- a failing allocator --------------------------------------------------------------------

struct failing_allocator {
    lua_Alloc real;
    void* real_data;
    std::atomic<lua_Integer>
        until;                 // requests for more memory that still succeed; negative: all
    std::atomic<int> refusals; // how many were refused since it was armed
    bool active;
};

// One state a process is enough here. The states it makes have this allocator for good, and ask
// from other threads; while they do, it waits.
failing_allocator installed{nullptr, nullptr, -1, 0, false};

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

// Where the engine's requests can be refused, it is those and not the state's.
using fail_heap = void (*)(long);
using heap_refusals = int (*)();

template <class Function>
Function of_failing_heap(const char* name) {
    return reinterpret_cast<Function>(::dlsym(RTLD_DEFAULT, name));
}

// Whether it is the engine's requests that are refused here.
int native_failsheap(lua_State* L) {
    lua_pushboolean(L, of_failing_heap<fail_heap>("coring_fail_heap") != nullptr ? 1 : 0);
    return 1;
}

// The n-th request for memory from now on will be refused.
int native_failallocation(lua_State* L) {
    if (auto* const refuse = of_failing_heap<fail_heap>("coring_fail_heap")) {
        refuse(static_cast<long>(luaL_checkinteger(L, 1)));
        return 0;
    }
    installed.until = luaL_checkinteger(L, 1) - 1;
    installed.refusals = 0;
    if (installed.real == nullptr) {
        installed.real = lua_getallocf(L, &installed.real_data);
    }
    if (!installed.active) {
        installed.active = true;
        lua_setallocf(L, allocate, &installed);
    }
    return 0;
}

// No more refusals: the state has its own allocator again, as it must when this module is
// unloaded. Returns whether there was one.
int native_allocationfailed(lua_State* L) {
    if (auto* const count = of_failing_heap<heap_refusals>("coring_heap_refusals")) {
        lua_pushboolean(L, count() > 0 ? 1 : 0);
        of_failing_heap<fail_heap>("coring_fail_heap")(0);
        return 1;
    }
    installed.until = -1;
    if (installed.active) {
        lua_setallocf(L, installed.real, installed.real_data);
        installed.active = false;
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
    {"caught", native_caught},
    {"block", native_block},
    {"disposition", native_disposition},
    {"thread", native_thread},
    {"join", native_join},
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
    {"socket", native_socket},
    {"bind", native_bind},
    {"connect", native_connect},
    {"pipe", native_pipe},
    {"pass", native_pass},
    {"receive", native_receive},
    {"blocking", native_blocking},
    {"chdir", native_chdir},
    {"mkdir", native_mkdir},
    {"umask", native_umask},
    {"mode", native_mode},
    {"narrow", native_narrow},
    {"option", native_option},
    {"flags", native_flags},
    {"nonblocking", native_nonblocking},
    {"mkfifo", native_mkfifo},
    {"open", native_open},
    {"read", native_read},
    {"write", native_write},
    {"evict", native_evict},
    {"stat", native_stat},
    {"fileflags", native_fileflags},
    {"terminal", native_terminal},
    {"start", native_start},
    {"termios", native_termios},
    {"resize", native_resize},
    {"vast", native_vast},
    {"reuse", native_reuse},
    {"stand", native_stand},
    {"failsheap", native_failsheap},
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
