// Files and terminals, as other programs use them.
#include "native.hpp"

#include <cstddef>
#include <cstdlib>

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

namespace {

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

} // namespace

const luaL_Reg file_functions[] = {
    {"mkfifo", native_mkfifo},       {"open", native_open},         {"read", native_read},
    {"write", native_write},         {"evict", native_evict},       {"stat", native_stat},
    {"fileflags", native_fileflags}, {"terminal", native_terminal}, {"start", native_start},
    {"termios", native_termios},     {"resize", native_resize},     {nullptr, nullptr},
};
