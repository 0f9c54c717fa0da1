#include "lua/file_mode.hpp"

#include <cstring>

#include <fcntl.h>
#include <sys/stat.h>

namespace coring::lua {

namespace {

struct permission {
    char letter;
    mode_t bit;
};

constexpr permission permissions[] = {
    {'U', S_ISUID}, {'G', S_ISGID}, {'S', S_ISVTX}, {'r', S_IRUSR},
    {'w', S_IWUSR}, {'x', S_IXUSR}, {'R', S_IRGRP}, {'W', S_IWGRP},
    {'X', S_IXGRP}, {'4', S_IROTH}, {'2', S_IWOTH}, {'1', S_IXOTH},
};

mode_t bit_of(lua_State* L, int arg, char letter) {
    const mode_t bit = permission_bit(letter);
    if (bit == 0) {
        luaL_error(L, "bad argument #%d, unknown perm char (got '%c')", arg, letter);
    }
    return bit;
}

constexpr const char* open_letters = "~aNnrftwx";

enum open_letter : std::uint32_t {
    blocking_letter = 1U << 0,
    append_letter = 1U << 1,
    exclusive_letter = 1U << 2,
    create_letter = 1U << 3,
    read_letter = 1U << 4,
    synced_letter = 1U << 5,
    truncate_letter = 1U << 6,
    write_letter = 1U << 7,
};

} // namespace

mode_t permission_bit(char letter) noexcept {
    for (const permission& each : permissions) {
        if (each.letter == letter) {
            return each.bit;
        }
    }
    return 0;
}

mode_t check_permissions(lua_State* L, int arg) {
    if (lua_type(L, arg) != LUA_TSTRING) {
        return static_cast<mode_t>(luaL_checkinteger(L, arg));
    }
    mode_t bits = 0;
    for (const char* at = lua_tostring(L, arg); *at != '\0'; ++at) {
        bits |= bit_of(L, arg, *at);
    }
    return bits;
}

open_mode check_open_mode(lua_State* L, int arg) {
    constexpr std::uint32_t writing =
        append_letter | synced_letter | truncate_letter | write_letter;
    const std::uint32_t found = lua_isnoneornil(L, arg) ? std::uint32_t{read_letter}
                                                        : vm::check_mode(L, arg, open_letters);
    int flags = O_CLOEXEC | O_NOCTTY; // "x" asks for what is always done
    if ((found & writing) != 0) {
        flags |= (found & read_letter) != 0 ? O_RDWR : O_WRONLY;
    }
    flags |= (found & append_letter) != 0 ? O_APPEND : 0;
    flags |= (found & synced_letter) != 0 ? O_SYNC : 0;
    flags |= (found & truncate_letter) != 0 ? O_TRUNC : 0;
    const bool creates = (found & (create_letter | exclusive_letter)) != 0;
    flags |= creates ? O_CREAT : 0;
    flags |= (found & exclusive_letter) != 0 ? O_EXCL : 0;
    return {flags, creates, (found & blocking_letter) != 0};
}

} // namespace coring::lua
