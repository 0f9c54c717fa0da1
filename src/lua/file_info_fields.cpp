// Manual: the characters of file:info and system.fileinfo; system.filebits. Behaviour 12.5,
// 12.9.
#include "lua/file_info_fields.hpp"

#include "lua/file_mode.hpp"
#include "lua/file_system_names.hpp"
#include "lua/system_paths.hpp"

#include <algorithm>
#include <array>

#include <sys/sysmacros.h>

namespace coring::lua {

namespace {

// One set of letters for each source; permission characters are of the status too.
constexpr std::string_view status_letters = "?M_ug#Dd*Bbivasmc";
constexpr std::string_view permission_letters = "UGSrwxRWX421";
constexpr std::string_view system_letters = "@NIAFfTt";

// The sources by letter: each of a mode is looked up when it is checked, asked for and
// answered.
constexpr auto sources = [] {
    std::array<info_source, 128> made{};
    made.fill(info_source::none);
    const auto set = [&made](std::string_view letters, info_source source) {
        for (const char letter : letters) {
            made[static_cast<unsigned char>(letter)] = source;
        }
    };
    set(status_letters, info_source::status);
    set(permission_letters, info_source::status);
    set(system_letters, info_source::system);
    set("p", info_source::real_path);
    set("=", info_source::link);
    return made;
}();

lua_Number seconds_of(const statx_timestamp& time) noexcept {
    constexpr lua_Number nanosecond = 1e-9;
    return static_cast<lua_Number>(time.tv_sec) +
           static_cast<lua_Number>(time.tv_nsec) * nanosecond;
}

void push_number(lua_State* L, std::uint64_t value) {
    lua_pushinteger(L, static_cast<lua_Integer>(value));
}

void push_time(lua_State* L, char letter, const struct statx& status) {
    switch (letter) {
    case 'a':
        return lua_pushnumber(L, seconds_of(status.stx_atime));
    case 's':
        return lua_pushnumber(L, seconds_of(status.stx_ctime));
    case 'm':
        return lua_pushnumber(L, seconds_of(status.stx_mtime));
    default:
        return lua_pushnumber(L, seconds_of(status.stx_btime)); // zero if it is not kept
    }
}

std::uint64_t status_number(char letter, const struct statx& status) noexcept {
    switch (letter) {
    case 'M':
        return status.stx_mode;
    case 'u':
        return status.stx_uid;
    case 'g':
        return status.stx_gid;
    case '#':
        return status.stx_ino;
    case 'D':
        return ::makedev(status.stx_dev_major, status.stx_dev_minor);
    case 'd':
        return ::makedev(status.stx_rdev_major, status.stx_rdev_minor);
    case '*':
        return status.stx_nlink;
    case 'B':
        return status.stx_size;
    case 'b':
        return status.stx_blocks;
    case 'i':
        return status.stx_blksize;
    default: // '_' and 'v', which Linux does not have
        return 0;
    }
}

void push_status(lua_State* L, char letter, const struct statx& status) {
    switch (letter) {
    case '?':
        lua_pushstring(L, file_type_name(status.stx_mode));
        return;
    case 'a':
    case 's':
    case 'm':
    case 'c':
        return push_time(L, letter, status);
    default:
        break;
    }
    if (permission_letters.find(letter) != std::string_view::npos) {
        lua_pushboolean(L, (status.stx_mode & permission_bit(letter)) != 0 ? 1 : 0);
    } else {
        push_number(L, status_number(letter, status));
    }
}

std::uint64_t system_number(char letter, const struct statfs& system) noexcept {
    switch (letter) {
    case 'N':
        return static_cast<std::uint64_t>(system.f_type);
    case 'I':
        return static_cast<std::uint64_t>(system.f_bsize);
    case 'A':
        return system.f_bavail;
    case 'F':
        return system.f_bfree;
    case 'f':
        return system.f_ffree;
    case 'T':
        return system.f_blocks;
    default: // 't'
        return system.f_files;
    }
}

void push_system(lua_State* L, char letter, const struct statfs& system) {
    if (letter == '@') {
        lua_pushstring(L, file_system_name(static_cast<std::uint32_t>(system.f_type)));
    } else {
        push_number(L, system_number(letter, system));
    }
}

struct named_bits {
    const char* name;
    mode_t bits;
};

constexpr auto file_types = std::to_array<named_bits>({
    {"socket", S_IFSOCK},
    {"link", S_IFLNK},
    {"file", S_IFREG},
    {"block", S_IFBLK},
    {"directory", S_IFDIR},
    {"character", S_IFCHR},
    {"pipe", S_IFIFO},
});

constexpr auto other_bits = std::to_array<named_bits>({
    {"type", S_IFMT},
    {"setuid", S_ISUID},
    {"setgid", S_ISGID},
    {"sticky", S_ISVTX},
    {"ruser", S_IRUSR},
    {"wuser", S_IWUSR},
    {"xuser", S_IXUSR},
    {"rgroup", S_IRGRP},
    {"wgroup", S_IWGRP},
    {"xgroup", S_IXGRP},
    {"rother", S_IROTH},
    {"wother", S_IWOTH},
    {"xother", S_IXOTH},
});

} // namespace

const char* file_type_name(mode_t mode) noexcept {
    const auto* const found =
        std::ranges::find(file_types, mode & mode_t{S_IFMT}, &named_bits::bits);
    return found != file_types.end() ? found->name : "unknown";
}

info_source source_of(char letter) noexcept {
    const auto place = static_cast<unsigned char>(letter);
    return place < sources.size() ? sources[place] : info_source::none;
}

void push_info(lua_State* L, char letter, const io::stat_call& from) {
    switch (source_of(letter)) {
    case info_source::status:
        return push_status(L, letter, from.status);
    case info_source::system:
        return push_system(L, letter, from.system);
    case info_source::real_path:
        lua_pushstring(L, from.texts->real.data());
        return;
    case info_source::link:
        lua_pushstring(L, from.is_link ? from.texts->link.data() : nullptr);
        return;
    case info_source::none:
        break;
    }
    lua_pushnil(L);
}

void push_file_bits(lua_State* L) {
    lua_createtable(L, 0, static_cast<int>(file_types.size() + other_bits.size()));
    for (const named_bits& each : file_types) {
        lua_pushinteger(L, each.bits);
        lua_setfield(L, -2, each.name);
    }
    for (const named_bits& each : other_bits) {
        lua_pushinteger(L, each.bits);
        lua_setfield(L, -2, each.name);
    }
}

} // namespace coring::lua
