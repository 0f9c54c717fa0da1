// Raw calls on descriptors, sockets of others, and what the system says of them.
#include "native.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <iterator>
#include <string_view>

#include <dirent.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace {

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

} // namespace

const luaL_Reg socket_functions[] = {
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
    {nullptr, nullptr},
};
